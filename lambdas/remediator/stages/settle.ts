import type { AwsSession } from '../../aws/session.ts';
import { LeaseHeldError } from '../../model/errors.ts';
import type { Finding } from '../../model/finding.ts';
import { retry, type Verdict, type Verdicts } from '../verdict.ts';
import type { ConfiguredWork } from '../work.ts';
import { stateAnew } from './state-anew.ts';
import { takeBackUnfinished } from './take-back.ts';

/** Findings at the end of an attempt. */
export interface Ends {
  /** Findings that may have partial changes on which no plan depends. */
  readonly left: readonly Finding[];
  /** Resources whose verdict says that they need no fix. */
  readonly fixed: ReadonlySet<string>;
  /** Verdicts of gates, which remain regardless of what is taken back. */
  readonly stopped: Verdicts;
}

/**
 * Takes back partial changes that no plan uses, and updates the verdicts on their findings. Errors are left to the next
 * attempt.
 */
export async function settleUnfinished(
  session: AwsSession,
  { left, fixed, stopped }: Ends,
  work: ConfiguredWork,
): Promise<Verdicts> {
  const verdicts = new Map<string, Verdict>(await takeBackUnfinished(session, left, work));
  const settled = left.filter(({ resource }) => !verdicts.has(resource) && !stopped.has(resource));
  try {
    const anew = await stateAnew(session, settled, fixed, work);
    for (const [resource, verdict] of anew) verdicts.set(resource, verdict);
  } catch (error) {
    if (error instanceof LeaseHeldError) throw error;
    for (const { resource } of settled) verdicts.set(resource, retry(error));
  }
  return verdicts;
}
