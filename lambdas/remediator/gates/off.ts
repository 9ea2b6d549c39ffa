import { decideMode, isLeftOut } from '../../model/account-modes.ts';
import { conclude } from '../verdict.ts';
import type { ConfiguredWork } from '../work.ts';
import type { Gate } from './gate.ts';

/** Returns the reason why a rule is off for an account, and what ends that. */
export function offReason({ rule, job, settings, ports }: ConfiguredWork): string {
  const { because } = decideMode(settings, job.account, new Date(ports.clock.now()));
  return `rule ${rule.id} is off for account ${job.account} until its settings are changed: ${because.join(', and ')}`;
}

/**
 * Stops findings while the rule is off for the account. Changes that an earlier attempt made are still followed until
 * AWS has finished, so that the outcome shows their result, except in accounts that the settings do not include.
 */
export const skipDisabled: Gate = ({ resource }, work) => {
  if (work.mode !== 'off') return undefined;
  const isBegun = work.journal.applied(resource).length > 0;
  if (!isBegun) return conclude('not_applicable', { reason: offReason(work) });
  if (!isLeftOut(work.settings, work.job.account)) return undefined;
  const reason = `${offReason(work)}. The rule's settings do not include the account, so nothing is read there, and the result of changes that had begun is unknown`;
  return conclude('failed', { reason });
};
