import { z } from 'zod';
import { eventId } from './event-id.ts';
import { findingKey, findingSchema } from './finding.ts';
import {
  type Outcome,
  outcomeSchema,
  type RecordedChange,
  type Unprocessable,
  unprocessableSchema,
} from './outcome.ts';

/** Changes, as lines for people to read. */
const linesSchema = z.array(z.string());

/** The address of the full record: `s3://<bucket>/<key>`. */
const evidenceSchema = z.string().startsWith('s3://');

/** The id of an event, the same at each delivery. */
const idSchema = z.string();

/** The event of one finding's outcome. */
export const findingOutcomeEventSchema = outcomeSchema.omit({ seen: true }).extend({
  id: idSchema,
  /** The finding; only its rule, account, region and resource if it is too large. */
  finding: findingSchema,
  plan: linesSchema,
  applied: linesSchema,
  earlierPlan: linesSchema.optional(),
  evidence: evidenceSchema,
});
export type FindingOutcomeEvent = z.infer<typeof findingOutcomeEventSchema>;

/** The event of an item that could not become part of a job. */
export const unprocessableEventSchema = unprocessableSchema.extend({
  id: idSchema,
  evidence: evidenceSchema,
});
export type UnprocessableEvent = z.infer<typeof unprocessableEventSchema>;

/** The `detail` of an event of type `Finding Outcome`. Its schema depends on `outcome`. */
export const outcomeEventSchema = z.union([unprocessableEventSchema, findingOutcomeEventSchema]);
export type OutcomeEvent = z.infer<typeof outcomeEventSchema>;

/**
 * Maximum size of the lines in bytes of JSON: an event must fit into 256 KB, regardless of the size of a plan, a
 * finding or an error.
 */
const MAX_LINES = 48 * 1024;
const MAX_FINDING = 64 * 1024;
const MAX_EXEMPTIONS = 16 * 1024;
/** Maximum length in characters, each of which takes at most six bytes of JSON. */
const MAX_REASON = 2_000;
const MAX_LINE = 1_000;

function bytesOf(value: unknown): number {
  return Buffer.byteLength(JSON.stringify(value));
}

function cut(text: string, maxLength: number): string {
  return text.length > maxLength ? `${text.slice(0, maxLength)}…` : text;
}

/** Returns the first lines, up to `maxBytes` of JSON. If lines are left out, the last line says how many. */
function boundedLines(lines: readonly string[], maxBytes: number): string[] {
  const kept: string[] = [];
  let bytes = 0;
  for (const line of lines) {
    const short = cut(line, MAX_LINE);
    bytes += bytesOf(short) + 1;
    if (bytes > maxBytes) return [...kept, `… and ${lines.length - kept.length} more`];
    kept.push(short);
  }
  return kept;
}

/** Returns changes as lines for people to read, limited to what fits into a log line or an event. */
export function linesOf(changes: readonly RecordedChange[]): string[] {
  return boundedLines(
    changes.map(({ line }) => line),
    MAX_LINES,
  );
}

/**
 * Creates the event of an outcome, with changes as lines for people to read, and the address of the evidence.
 * @param evidence `s3://<bucket>/<key>`
 */
export function outcomeEvent(
  { seen: _, plan, applied, earlierPlan, finding, reason, endedExemptions, ...outcome }: Outcome,
  evidence: string,
): FindingOutcomeEvent {
  const { rule, account, region, resource } = finding;
  return {
    ...outcome,
    id: eventId(evidence, findingKey(finding)),
    finding: bytesOf(finding) > MAX_FINDING ? { rule, account, region, resource } : finding,
    ...(reason !== undefined && { reason: cut(reason, MAX_REASON) }),
    plan: linesOf(plan),
    applied: linesOf(applied),
    ...(earlierPlan !== undefined && { earlierPlan: linesOf(earlierPlan) }),
    ...(endedExemptions !== undefined && {
      endedExemptions: boundedLines(endedExemptions, MAX_EXEMPTIONS),
    }),
    evidence,
  };
}

/**
 * Creates the event of an item that could not become part of a job.
 * @param evidence `s3://<bucket>/<key>`
 */
export function unprocessableEvent(unprocessable: Unprocessable, evidence: string): UnprocessableEvent {
  return { ...unprocessable, id: eventId(evidence), evidence };
}
