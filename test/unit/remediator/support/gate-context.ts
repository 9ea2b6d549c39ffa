import type { Settings } from '../../../../lambdas/model/settings.ts';
import { startWork } from '../../../../lambdas/remediator/start-work.ts';
import type { ConfiguredWork } from '../../../../lambdas/remediator/work.ts';
import { rule } from '../../../../lambdas/rules/iam-access-key-unrotated/rule.ts';
import { jobOf, RemediatorInMemory, settingsOf } from './remediator-in-memory.ts';

/** Values with which a gate is checked. */
export function gateContext(
  settings: Partial<Settings> = {},
  remediator = new RemediatorInMemory(),
): ConfiguredWork {
  const attempt = { number: 1, last: false, remainingMilliseconds: () => 300_000 };
  return {
    ...startWork(jobOf('deploy'), rule, attempt, remediator.ports()),
    settings: settingsOf(settings),
    mode: settings.mode ?? 'enforce',
    runbook: undefined,
  };
}
