import { describeError, errorKind } from '../aws/errors.ts';
import { ChangeRefusedError, type TakeBackError } from '../model/errors.ts';
import type { Finding } from '../model/finding.ts';
import type { Outcome } from '../model/outcome.ts';
import type { OutcomeName } from '../model/outcome-names.ts';

/** Details of an outcome, in addition to its job, finding, times, and journal. */
export type OutcomeDetails = Partial<Pick<Outcome, 'reason' | 'willRetry' | 'gate' | 'seen' | 'plan'>>;

/** Final verdict on a finding: nothing is left to do for it. */
export interface Concluded {
  readonly state: 'concluded';
  readonly outcome: OutcomeName;
  readonly details: OutcomeDetails;
}

/** Verdict on a finding that takes minutes in AWS: a follow-up job checks it. */
export interface InProgress {
  readonly state: 'in_progress';
  readonly reason: string;
  readonly details: OutcomeDetails;
  /**
   * Set if something that we added must be taken back and can't be now, although no gate prevents it. An alarm reports
   * this.
   */
  readonly stillOpen?: TakeBackError;
}

/** Verdict on a finding for the next attempt, and the error that stopped this one. */
export interface Retry {
  readonly state: 'retry';
  readonly error: unknown;
  readonly details: OutcomeDetails;
}

/** Decision of a stage or a gate about a finding. */
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
 * Determines the verdict on a finding that an error stopped. If AWS refused a call, the finding has failed, unless the
 * resource is busy or gone. After any other error, the next attempt may succeed.
 * @param words text before the error's description in the reason
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

/** Adds details to a verdict. The verdict's own details have precedence. */
export function withDetails<V extends Verdict>(verdict: V, details: OutcomeDetails): V {
  return { ...verdict, details: { ...details, ...verdict.details } };
}

/** Selects the verdicts on these findings. */
export function onlyVerdicts(findings: readonly Finding[], verdicts: Verdicts): Verdicts {
  const wanted = new Set(findings.map(({ resource }) => resource));
  return new Map([...verdicts].filter(([resource]) => wanted.has(resource)));
}

/** Selects the verdicts on all other findings. */
export function withoutVerdicts(findings: readonly Finding[], verdicts: Verdicts): Verdicts {
  const left = new Set(findings.map(({ resource }) => resource));
  return new Map([...verdicts].filter(([resource]) => !left.has(resource)));
}
