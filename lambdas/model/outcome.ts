import { z } from 'zod';
import { findingSchema, timestampSchema } from './finding.ts';
import { occasionSchema, pollSchema } from './job.ts';
import { jsonSchema } from './json.ts';
import { modeSchema } from './mode.ts';
import { outcomeNameSchema } from './outcome-names.ts';
import { settingsVersionsSchema } from './settings.ts';

/** A planned or applied change, in the form that evidence stores and undo reads. */
export const recordedChangeSchema = z.object({
  /** The change itself: `kind`, `resource`, and what its kind needs to apply or undo it. */
  change: z.looseObject({ kind: z.string(), resource: z.string() }),
  /** One line a person reads: `- ingress tcp 22 from 0.0.0.0/0 (sgr-…)`. */
  line: z.string(),
  /** Set in plans: the change is made only if the runbook before it leaves the violation open. */
  ifLeftOpen: z.literal(true).optional(),
});

export const appliedChangeSchema = recordedChangeSchema.extend({
  appliedAt: timestampSchema,
  /** The AWS request ids of the calls that applied it. */
  requestIds: z.array(z.string()),
  /**
   * Set where an attempt began the change and no answer is known, because it was cut off or the answer was lost, and
   * where the resource was found as the change makes it. `appliedAt` is then when it was begun.
   */
  found: z.literal(true).optional(),
});
export type RecordedChange = z.infer<typeof recordedChangeSchema>;
export type AppliedChange = z.infer<typeof appliedChangeSchema>;

/** The gates that hold a finding back by their own rule, which people may change. */
export const holdingGateSchema = z.enum([
  'exemption',
  'hold',
  'pause',
  'maintenance_window',
  'limit',
  'breaker',
  'back_off',
  'awaiting_scan',
  'role',
  'settings',
]);

/** The operator's request, in the outcome of an undo. */
const undoSchema = z.object({
  /** The name of the request: who wrote it, as IAM knows them, and its id. */
  request: z.object({ principal: z.string(), id: z.string() }),
  by: z.string(),
  reason: z.string(),
  /** The key of the object that has the line of the fix. */
  undoes: z.string(),
  /** Set if the operator asked to undo whatever could be undone, regardless of later changes. */
  force: z.literal(true).optional(),
});

/** The result of a finding in a poll. This whole value is a line in the evidence bucket; the event bus gets an `OutcomeEvent`. */
export const outcomeSchema = z.object({
  version: z.literal(1),
  poll: occasionSchema,
  finding: findingSchema,
  outcome: outcomeNameSchema,
  /** The reason, in words that a person can act on. Always set, except for `remediated`, `planned`, `compliant`, and `undone`. */
  reason: z.string().optional(),
  /** Set with `failed` and `deferred`: whether a later attempt follows without anyone doing anything. */
  willRetry: z.boolean().optional(),
  /** The gate that held it back, if any. */
  gate: holdingGateSchema.optional(),
  mode: modeSchema.optional(),
  /** The versions of the settings that determined it; missing if they could not be read. */
  settings: settingsVersionsSchema.optional(),
  /** The state of the resource before any change. */
  seen: jsonSchema.optional(),
  /** Changes that would be, or were to be, made. */
  plan: z.array(recordedChangeSchema),
  /**
   * Changes that were made, in order, by all attempts at the job; a prefix of the plan when something failed on the
   * way.
   */
  applied: z.array(appliedChangeSchema),
  /**
   * Changes that earlier attempts at this same job had planned before they were cut off; they may have been applied. Left
   * out where `plan` and `applied` hold all of them.
   */
  earlierPlan: z.array(recordedChangeSchema).optional(),
  /**
   * Changes with an unknown result: an answer was lost, or an attempt interrupted,
   * and no later read could tell.
   */
  unconfirmed: z.array(recordedChangeSchema).optional(),
  /**
   * Set where the job had no attempts left, so that it went to the dead-letter queue with this outcome. A redrive works
   * on the finding again, and its outcome takes this one's place.
   */
  deadLetter: z.literal(true).optional(),
  /**
   * Set where something that was written could not be taken back, so that the job comes back to do it. Its outcome then
   * takes this one's place.
   */
  stillOpen: z.literal(true).optional(),
  /**
   * The key of the object whose line of this finding and poll no longer counts: a redrive or a later attempt supersedes it.
   */
  replaces: z.string().optional(),
  /** The keys of further ones, written by attempts that did not know of the others. */
  alsoReplaces: z.array(z.string()).optional(),
  /** The number of fixes, and since when, if it was `remediated` repeatedly within a week. */
  recurring: z.object({ times: z.number().int().positive(), since: timestampSchema }).optional(),
  /** Set in the result of an undo, which belongs to no poll. */
  undo: undoSchema.optional(),
  /** Exemptions that name this resource but have ended, so that they no longer count. */
  endedExemptions: z.array(z.string()).optional(),
  startedAt: timestampSchema,
  finishedAt: timestampSchema,
});
export type Outcome = z.infer<typeof outcomeSchema>;

/** Reports whether an outcome is not the final one of its poll: a later attempt replaces it. */
export function isProvisional({ deadLetter, stillOpen }: Pick<Outcome, 'deadLetter' | 'stillOpen'>): boolean {
  return deadLetter === true || stillOpen === true;
}

/** An item that the collector could not turn into a job, with the parts that could be read. */
export const unprocessableSchema = z.object({
  version: z.literal(1),
  poll: pollSchema,
  outcome: z.literal('unprocessable'),
  reason: z.string(),
  item: jsonSchema,
  at: timestampSchema,
});
export type Unprocessable = z.infer<typeof unprocessableSchema>;
