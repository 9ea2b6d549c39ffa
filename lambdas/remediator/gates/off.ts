import { isLeftOut } from '../../model/account-modes.ts';
import { conclude } from '../verdict.ts';
import type { ConfiguredWork } from '../work.ts';
import type { Gate } from './gate.ts';

/** Explains why a rule that is off leaves everything alone. */
export function offReason({ rule, job }: Pick<ConfiguredWork, 'rule' | 'job'>): string {
  return `rule ${rule.id} is off for account ${job.account}`;
}

/**
 * The rule is off for the account. What an earlier attempt began is followed to its end all the same, so that its
 * outcome says how it ended; but not in an account that is not among those which the settings name.
 */
export const skipDisabled: Gate = ({ resource }, work) => {
  if (work.mode !== 'off') return undefined;
  const isBegun = work.journal.applied(resource).length > 0;
  if (!isBegun) return conclude('not_applicable', { reason: offReason(work) });
  if (!isLeftOut(work.settings, work.job.account)) return undefined;
  const reason = `${offReason(work)}, which is not among the accounts that its settings name: nothing is read there, and how what was begun has ended is not known`;
  return conclude('failed', { reason });
};
