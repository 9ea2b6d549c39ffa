import { z } from 'zod';

interface OutcomeFacts {
  /** True if outcomes of this name always have a reason. */
  readonly reasonIsDue: boolean;
  /** True if a person must act on it: an alarm counts it, and `notifications.outcomes` includes it by default. */
  readonly needsPerson: boolean;
}

/** The results that a finding can have in a poll. */
export const outcomeNames = [
  'remediated',
  'planned',
  'compliant',
  'exempt',
  'deferred',
  'awaiting_scan',
  'gone',
  'not_applicable',
  'failed',
  'unprocessable',
  'closed',
  'undone',
  'undo_refused',
] as const;
export const outcomeNameSchema = z.enum(outcomeNames);
export type OutcomeName = z.infer<typeof outcomeNameSchema>;

/** The facts of each outcome. Terraform reads them from `modules/catalog.json`. */
export const outcomes: Readonly<Record<OutcomeName, OutcomeFacts>> = {
  remediated: { reasonIsDue: false, needsPerson: false },
  planned: { reasonIsDue: false, needsPerson: false },
  compliant: { reasonIsDue: false, needsPerson: false },
  exempt: { reasonIsDue: true, needsPerson: false },
  deferred: { reasonIsDue: true, needsPerson: false },
  /** Fixed recently and not scanned since. The resource is not checked again for up to 24 hours. */
  awaiting_scan: { reasonIsDue: true, needsPerson: false },
  gone: { reasonIsDue: true, needsPerson: false },
  not_applicable: { reasonIsDue: true, needsPerson: false },
  failed: { reasonIsDue: true, needsPerson: true },
  unprocessable: { reasonIsDue: true, needsPerson: true },
  closed: { reasonIsDue: true, needsPerson: false },
  /** A fix was undone at an operator's request, and reading the resource back confirmed it. */
  undone: { reasonIsDue: false, needsPerson: false },
  /** A fix was not undone, or not completely. The operator who requested the undo gets the result. */
  undo_refused: { reasonIsDue: true, needsPerson: false },
};
