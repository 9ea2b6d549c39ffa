import { conclude } from '../verdict.ts';
import type { ConfiguredWork } from '../work.ts';
import type { Gate } from './gate.ts';

/** Why a rule that is off leaves everything alone. */
export function offReason({ rule, job }: Pick<ConfiguredWork, 'rule' | 'job'>): string {
  return `rule ${rule.id} is off for account ${job.account}`;
}

/**
 * The rule is off for the account. What an earlier attempt began is followed to its end all the same, so that its
 * outcome says how it ended.
 */
export const skipDisabled: Gate = ({ resource }, work) => {
  if (work.mode !== 'off' || work.journal.applied(resource).length > 0) return undefined;
  return conclude('not_applicable', { reason: offReason(work) });
};
