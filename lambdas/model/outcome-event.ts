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

/** Changes as the lines that a person reads. */
const linesSchema = z.array(z.string());

/** Address of the whole record: `s3://<bucket>/<key>`. */
const evidenceSchema = z.string().startsWith('s3://');

/** The same however often the event is delivered. */
const idSchema = z.string();

/** The event of one finding's outcome. */
export const findingOutcomeEventSchema = outcomeSchema.omit({ seen: true }).extend({
  id: idSchema,
  /** The finding, without what only informs where the whole would be too large. */
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

/** The `detail` of an event of the type `Finding Outcome`. Its form depends on `outcome`. */
export const outcomeEventSchema = z.union([unprocessableEventSchema, findingOutcomeEventSchema]);
export type OutcomeEvent = z.infer<typeof outcomeEventSchema>;

/** Size of the lines in bytes of JSON: an event must fit into 256 KB, whatever a plan, a finding or an error holds. */
const MAX_LINES = 48 * 1024;
const MAX_FINDING = 64 * 1024;
const MAX_EXEMPTIONS = 16 * 1024;
/** Length in characters, each at most six bytes of JSON. */
const MAX_REASON = 2_000;
const MAX_LINE = 1_000;

function bytesOf(value: unknown): number {
  return Buffer.byteLength(JSON.stringify(value));
}

function cut(text: string, maxLength: number): string {
  return text.length > maxLength ? `${text.slice(0, maxLength)}…` : text;
}

/** The first of some lines, at most `maxBytes` of JSON; the last says how many are missing. */
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

/** Changes as the lines that a person reads, no more of them than a log or an event takes. */
export function linesOf(changes: readonly RecordedChange[]): string[] {
  return boundedLines(
    changes.map(({ line }) => line),
    MAX_LINES,
  );
}

/**
 * The event of an outcome: changes as the lines that a person reads, and where the evidence is.
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
 * The event of an item that could not become part of a job.
 * @param evidence `s3://<bucket>/<key>`
 */
export function unprocessableEvent(unprocessable: Unprocessable, evidence: string): UnprocessableEvent {
  return { ...unprocessable, id: eventId(evidence), evidence };
}
