import { z } from 'zod';
import { findingSchema, timestampSchema } from './finding.ts';
import { pollSchema } from './job.ts';
import { jsonSchema } from './json.ts';

export const outcomeNames = [
  'remediated',
  'planned',
  'compliant',
  'exempt',
  'deferred',
  'gone',
  'not_applicable',
  'failed',
  'unprocessable',
] as const;
/** What came of one finding in one poll. */
export const outcomeNameSchema = z.enum(outcomeNames);
export type OutcomeName = z.infer<typeof outcomeNameSchema>;

/** A change as it was planned or done, in the form that evidence keeps and undo reads. */
export const recordedChangeSchema = z.object({
  /** The change itself: `kind`, `resource`, and what its kind needs to apply or undo it. */
  change: z.looseObject({ kind: z.string(), resource: z.string() }),
  /** One line a person reads: `- ingress tcp 22 from 0.0.0.0/0 (sgr-…)`. */
  line: z.string(),
});

export const appliedChangeSchema = recordedChangeSchema.extend({
  appliedAt: timestampSchema,
  /** The AWS request ids of the calls that applied it. */
  requestIds: z.array(z.string()),
});
export type RecordedChange = z.infer<typeof recordedChangeSchema>;
export type AppliedChange = z.infer<typeof appliedChangeSchema>;

/** Exactly one a finding and poll. This whole value goes to the evidence bucket; the event bus gets `outcomeEvent`. */
export const outcomeSchema = z.object({
  version: z.literal(1),
  poll: pollSchema,
  finding: findingSchema,
  outcome: outcomeNameSchema,
  /** Why, in words a person can act on. Always there but for `remediated`, `planned` and `compliant`. */
  reason: z.string().optional(),
  /** Set with `failed` and `deferred`: whether it will be tried again without anyone doing anything. */
  willRetry: z.boolean().optional(),
  mode: z.enum(['off', 'dry_run', 'enforce']).optional(),
  /** What was seen of the resource before anything was changed. */
  seen: jsonSchema.optional(),
  /** What would be, or was to be, changed. */
  plan: z.array(recordedChangeSchema),
  /** What was changed, in order; a prefix of the plan when something failed on the way. */
  applied: z.array(appliedChangeSchema),
  /** Changes that an earlier try at this same job had planned before it was cut off; they may have been applied. */
  earlierPlan: z.array(recordedChangeSchema).optional(),
  /**
   * Set where the job had no tries left, so that it went to the dead-letter queue with this outcome. A redrive works on
   * the finding again, and its outcome takes this one's place.
   */
  deadLetter: z.literal(true).optional(),
  /** Exemptions that name this resource but have ended, so that they no longer count. */
  endedExemptions: z.array(z.string()).optional(),
  startedAt: timestampSchema,
  finishedAt: timestampSchema,
});
export type Outcome = z.infer<typeof outcomeSchema>;

/** More lines than this of one plan are not told: an event must fit into 256 KB. */
const MAX_LINES = 200;
const MAX_LINE = 500;

/** What the event bus is told of an outcome: changes as the lines that a person reads, and where the evidence is. */
export function outcomeEvent(
  { seen: _, plan, applied, earlierPlan: __, ...outcome }: Outcome,
  evidence: string,
) {
  const lines = (changes: readonly RecordedChange[]): string[] =>
    changes.slice(0, MAX_LINES).map(({ line }) => line.slice(0, MAX_LINE));
  return { ...outcome, plan: lines(plan), applied: lines(applied), evidence };
}

/**
 * What the collector could not turn into a job. `finding` is what was understood of the item, as text or null.
 */
export const unprocessableSchema = z.object({
  version: z.literal(1),
  poll: pollSchema,
  outcome: z.literal('unprocessable'),
  reason: z.string(),
  item: jsonSchema,
  at: timestampSchema,
});
export type Unprocessable = z.infer<typeof unprocessableSchema>;
