import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';

/** The committed file of what a job was measured to call: `npm run bench -- --only organization --write` writes it. */
export const MEASURED_CALLS_FILE = 'docs/measured-calls.json';

const jobSchema = z.strictObject({
  rule: z.string(),
  /** Steps of the longest chain of calls, each of which waits for the one before. */
  rounds: z.int().positive(),
  /** Calls by service and operation: `s3:PutObject`. */
  operations: z.record(z.string(), z.int().positive()),
});

/** Jobs of one size. */
const jobsSchema = z.strictObject({
  findings: z.int().positive(),
  /** A job of findings of which nothing is new. */
  unchanged: jobSchema,
  /** Jobs that remediate, by what they are about. */
  fixed: z.record(z.string(), jobSchema),
});

export const measuredCallsSchema = z.strictObject({
  version: z.literal(1),
  measuredOn: z.iso.date(),
  /** Time that a round is taken to last, in seconds. */
  secondsOfRound: z.number().positive(),
  /** Jobs with as many findings as one takes. */
  full: jobsSchema,
  /** Jobs of an organization with many accounts. */
  small: jobsSchema,
});
export type MeasuredCalls = z.infer<typeof measuredCallsSchema>;
export type MeasuredJob = z.infer<typeof jobSchema>;
export type MeasuredJobs = z.infer<typeof jobsSchema>;

/** Reads what was measured last and committed. */
export async function readMeasuredCalls(): Promise<MeasuredCalls> {
  const root = path.resolve(import.meta.dirname, '../..');
  return measuredCallsSchema.parse(JSON.parse(await readFile(path.join(root, MEASURED_CALLS_FILE), 'utf8')));
}
