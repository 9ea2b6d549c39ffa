import { decideMode, isLeftOut } from '../../model/account-modes.ts';
import { conclude } from '../verdict.ts';
import type { ConfiguredWork } from '../work.ts';
import type { Gate } from './gate.ts';

/** Explains why a rule that is off leaves everything alone, until when, and how to change that. */
export function offReason({ rule, job, settings, ports }: ConfiguredWork): string {
  const { because } = decideMode(settings, job.account, new Date(ports.clock.now()));
  return `rule ${rule.id} is off for account ${job.account} until its settings are changed: ${because.join(', and ')}`;
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
  const reason = `${offReason(work)}. The account is not among those that the rule's settings name, so nothing is read there, and the result of changes that had begun is unknown`;
  return conclude('failed', { reason });
};
