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
  /** One line for people to read: `- ingress tcp 22 from 0.0.0.0/0 (sgr-…)`. */
  line: z.string(),
  /** Set in plans: the change is made only if the runbook before it leaves the violation open. */
  ifLeftOpen: z.literal(true).optional(),
});

export const appliedChangeSchema = recordedChangeSchema.extend({
  appliedAt: timestampSchema,
  /** The AWS request ids of the calls that applied it. */
  requestIds: z.array(z.string()),
  /**
   * Set if an attempt began the change and got no answer, because the attempt was interrupted or the answer was lost,
   * and the resource was later found in the state that the change creates. `appliedAt` is then the time at which the
   * change was begun.
   */
  found: z.literal(true).optional(),
});
export type RecordedChange = z.infer<typeof recordedChangeSchema>;
export type AppliedChange = z.infer<typeof appliedChangeSchema>;

/** The gates that can hold a finding back for a reason that people can change. */
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
  /** The name of the request: the `aws:userid` of its writer, and its id. */
  request: z.object({ principal: z.string(), id: z.string() }),
  by: z.string(),
  reason: z.string(),
  /** The key of the evidence object with the line of the fix. */
  undoes: z.string(),
  /** Set if the operator asked to undo as much as possible, regardless of later changes. */
  force: z.literal(true).optional(),
});

/**
 * The result of a finding in a poll. This value is a line in the evidence bucket; the event bus gets an `OutcomeEvent`.
 */
export const outcomeSchema = z.object({
  version: z.literal(1),
  poll: occasionSchema,
  finding: findingSchema,
  outcome: outcomeNameSchema,
  /**
   * The reason, which tells people what to do. Always set, except for `remediated`, `planned`, `compliant`, and
   * `undone`.
   */
  reason: z.string().optional(),
  /** Set with `failed` and `deferred`: true if a later attempt follows without anyone's action. */
  willRetry: z.boolean().optional(),
  /** The gate that held the finding back, if any. */
  gate: holdingGateSchema.optional(),
  mode: modeSchema.optional(),
  /** The versions of the settings that determined it; missing if they could not be read. */
  settings: settingsVersionsSchema.optional(),
  /** The state of the resource before any change. */
  seen: jsonSchema.optional(),
  /** The planned changes. */
  plan: z.array(recordedChangeSchema),
  /** Changes that all attempts at the job made, in order; the first part of the plan if something failed on the way. */
  applied: z.array(appliedChangeSchema),
  /**
   * Changes that earlier attempts at the same job had planned before they were interrupted, and may have applied.
   * Missing if `plan` and `applied` contain all of them.
   */
  earlierPlan: z.array(recordedChangeSchema).optional(),
  /**
   * Changes with an unknown result, because an answer was lost or an attempt was interrupted, and later reads did not
   * show it.
   */
  unconfirmed: z.array(recordedChangeSchema).optional(),
  /**
   * Set if the job had no attempts left and went to the dead-letter queue with this outcome. A redrive processes the
   * finding again, and its outcome replaces this one.
   */
  deadLetter: z.literal(true).optional(),
  /**
   * Set if something that a change created could not be taken back. The job returns to the queue to do so, and its next
   * outcome replaces this one.
   */
  stillOpen: z.literal(true).optional(),
  /**
   * The key of the evidence object whose line for this finding and poll no longer counts, because this line replaces
   * it.
   */
  replaces: z.string().optional(),
  /** The keys of further replaced objects, written by attempts that did not know of each other. */
  alsoReplaces: z.array(z.string()).optional(),
  /** The number of fixes and the time of the first, if the finding was `remediated` repeatedly within a week. */
  recurring: z.object({ times: z.number().int().positive(), since: timestampSchema }).optional(),
  /** Set in the result of an undo, which belongs to no poll. */
  undo: undoSchema.optional(),
  /** Exemptions that match this resource and have ended, so they no longer count. */
  endedExemptions: z.array(z.string()).optional(),
  startedAt: timestampSchema,
  finishedAt: timestampSchema,
});
export type Outcome = z.infer<typeof outcomeSchema>;

/** Reports whether an outcome is not the final one of its poll, because a later attempt will replace it. */
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
