import { describeError, errorKind } from '../aws/errors.ts';
import { ChangeRefusedError, type TakeBackError } from '../model/errors.ts';
import type { Finding } from '../model/finding.ts';
import type { Outcome } from '../model/outcome.ts';
import type { OutcomeName } from '../model/outcome-names.ts';

/** Details of an outcome that its job, finding, times and journal don't have. */
export type OutcomeDetails = Partial<Pick<Outcome, 'reason' | 'willRetry' | 'gate' | 'seen' | 'plan'>>;

/** The end of a finding's way: nothing is left to do for it. */
export interface Concluded {
  readonly state: 'concluded';
  readonly outcome: OutcomeName;
  readonly details: OutcomeDetails;
}

/** A finding that takes AWS minutes: a further job looks at it. */
export interface InProgress {
  readonly state: 'in_progress';
  readonly reason: string;
  readonly details: OutcomeDetails;
  /** Set where something that we added must be taken back and can't be now, though nobody holds it: people are notified. */
  readonly stillOpen?: TakeBackError;
}

/** A finding for the next attempt, and what stopped this one. */
export interface Retry {
  readonly state: 'retry';
  readonly error: unknown;
  readonly details: OutcomeDetails;
}

/** The decision of a stage or a gate on a finding. */
export type Verdict = Concluded | InProgress | Retry;

/** Verdicts by resource. */
export type Verdicts = ReadonlyMap<string, Verdict>;

export function conclude(outcome: OutcomeName, details: OutcomeDetails = {}): Concluded {
  return { state: 'concluded', outcome, details };
}

/** Leaves the finding to a later job. */
export function wait(reason: string, details: OutcomeDetails = {}): InProgress {
  return { state: 'in_progress', reason, details };
}

/** Leaves the finding to the next attempt. */
export function retry(error: unknown, details: OutcomeDetails = {}): Retry {
  return { state: 'retry', error, details };
}

/**
 * The verdict on a finding that an error stopped: what AWS refused has failed, unless the resource is busy or gone.
 * Anything else may go better at the next attempt.
 * @param words what stands before the error's own in the reason
 */
export function verdictOfError(error: unknown, details: OutcomeDetails = {}, words = ''): Verdict {
  const reason = `${words}${describeError(error)}`;
  if (error instanceof ChangeRefusedError && error.because === 'gone') {
    return conclude('gone', { ...details, reason });
  }
  if (error instanceof ChangeRefusedError && error.because === 'busy') {
    return conclude('deferred', { ...details, willRetry: true, reason });
  }
  if (errorKind(error) === 'refused') return conclude('failed', { ...details, willRetry: true, reason });
  return retry(error, details);
}

/** The verdict with details that its own go before. */
export function withDetails<V extends Verdict>(verdict: V, details: OutcomeDetails): V {
  return { ...verdict, details: { ...details, ...verdict.details } };
}

/** The verdicts on these findings. */
export function onlyVerdicts(findings: readonly Finding[], verdicts: Verdicts): Verdicts {
  const wanted = new Set(findings.map(({ resource }) => resource));
  return new Map([...verdicts].filter(([resource]) => wanted.has(resource)));
}

/** The verdicts but for those on these findings. */
export function withoutVerdicts(findings: readonly Finding[], verdicts: Verdicts): Verdicts {
  const left = new Set(findings.map(({ resource }) => resource));
  return new Map([...verdicts].filter(([resource]) => !left.has(resource)));
}
