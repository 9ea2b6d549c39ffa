import { modeFor } from '../../model/account-modes.ts';
import { SettingsError } from '../../model/errors.ts';
import { formatIssues } from '../../model/issues.ts';
import { lowerMode } from '../../model/mode.ts';
import type { ConfiguredWork, Work } from '../work.ts';

/**
 * Reads the rule's settings, including its options, for the job's account.
 * @throws SettingsError if they are invalid
 */
export async function readSettings(work: Work): Promise<ConfiguredWork> {
  const { job, rule, ports } = work;
  const settings = await ports.settings.read(rule.id);
  const options = rule.options.safeParse(settings.options);
  if (!options.success) {
    throw new SettingsError(
      `settings of ${rule.id}: options: ${formatIssues(options.error)}; nothing changes until they are valid`,
      { cause: options.error },
    );
  }
  const mode = lowerMode(modeFor(settings, job.account, new Date(ports.clock.now())), job.atMost);
  const runbook = settings.method === 'runbook' && mode !== 'off' ? rule.runbook : undefined;
  return { ...work, settings, mode, runbook };
}
