import { decideMode, isLeftOut } from '../../model/account-modes.ts';
import { conclude } from '../verdict.ts';
import type { ConfiguredWork } from '../work.ts';
import type { Gate } from './gate.ts';

/** Explains why a rule that is off changes nothing, until when, and how to change that. */
export function offReason({ rule, job, settings, ports }: ConfiguredWork): string {
  const { because } = decideMode(settings, job.account, new Date(ports.clock.now()));
  return `rule ${rule.id} is off for account ${job.account} until its settings are changed: ${because.join(', and ')}`;
}

/**
 * Holds findings while the rule is off for the account. Changes that an earlier attempt began are still followed to their
 * end, so that the outcome shows their result, except in accounts that the settings do not include.
 */
export const skipDisabled: Gate = ({ resource }, work) => {
  if (work.mode !== 'off') return undefined;
  const isBegun = work.journal.applied(resource).length > 0;
  if (!isBegun) return conclude('not_applicable', { reason: offReason(work) });
  if (!isLeftOut(work.settings, work.job.account)) return undefined;
  const reason = `${offReason(work)}. The account is not among those that the rule's settings name, so nothing is read there, and the result of changes that had begun is unknown`;
  return conclude('failed', { reason });
};
