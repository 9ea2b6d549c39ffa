import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';

/** The committed file with the measured calls of jobs, written by `npm run bench -- --only organization --write`. */
export const MEASURED_CALLS_FILE = 'docs/measured-calls.json';

const jobSchema = z.strictObject({
  rule: z.string(),
  /** The length of the longest chain of calls in which each waits for the previous one. */
  rounds: z.int().positive(),
  /** Calls by service and operation: `s3:PutObject`. */
  operations: z.record(z.string(), z.int().positive()),
});

/** Jobs of one size. */
const jobsSchema = z.strictObject({
  findings: z.int().positive(),
  /** A job of unchanged findings. */
  unchanged: jobSchema,
  /** Jobs that remediate, by kind of resource. */
  fixed: z.record(z.string(), jobSchema),
});

export const measuredCallsSchema = z.strictObject({
  version: z.literal(1),
  measuredOn: z.iso.date(),
  /** The assumed duration of a round, in seconds. */
  secondsOfRound: z.number().positive(),
  /** Jobs with the maximum number of findings. */
  full: jobsSchema,
  /** Jobs of an organization with many accounts. */
  small: jobsSchema,
});
export type MeasuredCalls = z.infer<typeof measuredCallsSchema>;
export type MeasuredJob = z.infer<typeof jobSchema>;
export type MeasuredJobs = z.infer<typeof jobsSchema>;

/** Reads the committed measurements. */
export async function readMeasuredCalls(): Promise<MeasuredCalls> {
  const root = path.resolve(import.meta.dirname, '../..');
  return measuredCallsSchema.parse(JSON.parse(await readFile(path.join(root, MEASURED_CALLS_FILE), 'utf8')));
}
