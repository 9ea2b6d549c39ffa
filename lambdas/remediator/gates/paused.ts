import { resumeCommand } from '../../model/operator-commands.ts';
import { parsePause, stoppedBy } from '../../model/pause.ts';
import { ruleIds } from '../../rules/index.ts';
import { conclude } from '../verdict.ts';
import type { Gate } from './gate.ts';

/**
 * Stops a finding while an operator has paused the rule, the account, or everything.
 * @throws SettingsError if the pause parameter can't be read or parsed, which also stops the rule
 */
export const paused: Gate = async (_finding, { rule, job, ports, settings }) => {
  const known = [...ruleIds, ...(settings.allRules.declared_rules ?? [])];
  const pause = parsePause(await ports.settings.pause(), known);
  const by = stoppedBy(pause, 'remediate', { rule: rule.id, account: job.account });
  if (by === undefined) return undefined;
  const { region, account } = job;
  const where = by === 'account' ? `${region} for account ${account}` : region;
  const narrowed = { rule: { rule: rule.id }, account: { account }, all: {} }[by];
  const reason = `enforcement of ${rule.id} is paused in ${where} until an operator ends the pause: ${resumeCommand(region, narrowed)}`;
  return conclude('deferred', { willRetry: true, gate: 'pause', reason });
};
