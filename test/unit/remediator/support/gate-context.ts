import type { Settings } from '../../../../lambdas/model/settings.ts';
import { Journal } from '../../../../lambdas/remediator/record/journal.ts';
import type { ConfiguredWork } from '../../../../lambdas/remediator/work.ts';
import { rule } from '../../../../lambdas/rules/iam-access-key-unrotated/rule.ts';
import { jobOf, settingsOf, World } from './world.ts';

/** What a gate is asked with, in a world of its own. */
export function gateContext(settings: Partial<Settings> = {}, world = new World()): ConfiguredWork {
  const ports = world.ports();
  return {
    job: jobOf('deploy'),
    rule,
    attempt: { number: 1, last: false, remainingMilliseconds: () => 300_000 },
    ports,
    journal: new Journal('job', ports.evidence),
    settings: settingsOf(settings),
    mode: settings.mode ?? 'enforce',
    runbook: undefined,
  };
}
