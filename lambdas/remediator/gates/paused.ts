import { parsePause } from '../../model/pause.ts';
import { ruleIds } from '../../rules/index.ts';
import { conclude } from '../verdict.ts';
import type { Gate } from './gate.ts';

/**
 * An operator has paused the rule, the account or everything.
 * @throws SettingsError when the pause parameter can't be read or understood: that stops the rule, too
 */
export const paused: Gate = async (_finding, { rule, job, ports }) => {
  const { all, rules, accounts } = parsePause(await ports.settings.pause(), ruleIds);
  const isAccount = accounts.has(job.account);
  if (!all && !isAccount && !rules.has(rule.id)) return undefined;
  const where = isAccount ? `${job.region} for account ${job.account}` : job.region;
  const reason = `enforcement of ${rule.id} is paused in ${where}: the pause parameter says so`;
  return conclude('deferred', { willRetry: true, reason });
};
