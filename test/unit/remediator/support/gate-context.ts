import type { Settings } from '../../../../lambdas/model/settings.ts';
import { Breaker } from '../../../../lambdas/remediator/record/breaker.ts';
import { DoneJobs } from '../../../../lambdas/remediator/record/done-jobs.ts';
import { FindingMemory } from '../../../../lambdas/remediator/record/finding-memory.ts';
import { Holds } from '../../../../lambdas/remediator/record/holds.ts';
import { Journal } from '../../../../lambdas/remediator/record/journal.ts';
import { OutcomeLog } from '../../../../lambdas/remediator/record/outcome-log.ts';
import { RecentChanges } from '../../../../lambdas/remediator/record/recent-changes.ts';
import { Retries } from '../../../../lambdas/remediator/record/retries.ts';
import { TargetRole } from '../../../../lambdas/remediator/record/target-role.ts';
import type { ConfiguredWork } from '../../../../lambdas/remediator/work.ts';
import { rule } from '../../../../lambdas/rules/iam-access-key-unrotated/rule.ts';
import { jobOf, RemediatorInMemory, settingsOf } from './remediator-in-memory.ts';

/** Values that a gate is asked with. */
export function gateContext(
  settings: Partial<Settings> = {},
  remediator = new RemediatorInMemory(),
): ConfiguredWork {
  const ports = remediator.ports();
  const job = jobOf('deploy');
  const journal = new Journal('job', ports.evidence);
  const done = new DoneJobs(job, ports.table);
  const log = new OutcomeLog(job, ports.evidence, done);
  return {
    job,
    rule,
    attempt: { number: 1, last: false, remainingMilliseconds: () => 300_000 },
    ports,
    journal,
    log,
    memory: new FindingMemory(),
    recent: new RecentChanges({ job, ports, journal, log }),
    done,
    holds: new Holds(ports),
    retries: new Retries(ports.clock),
    role: new TargetRole(job, ports),
    breaker: new Breaker(job, ports),
    settings: settingsOf(settings),
    mode: settings.mode ?? 'enforce',
    runbook: undefined,
  };
}
