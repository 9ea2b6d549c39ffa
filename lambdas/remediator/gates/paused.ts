import { isPaused } from '../../model/settings.ts';
import { ruleIds } from '../../rules/index.ts';
import { conclude } from '../verdict.ts';
import type { Gate } from './gate.ts';

/**
 * An operator has paused the rule.
 * @throws SettingsError when the pause parameter can't be read or understood: that stops the rule, too
 */
export const paused: Gate = async (_finding, { rule, job, ports }) => {
  if (!isPaused(await ports.settings.pause(), rule.id, ruleIds)) return undefined;
  const reason = `enforcement of ${rule.id} is paused in ${job.region}: the pause parameter says so`;
  return conclude('deferred', { willRetry: true, reason });
};
