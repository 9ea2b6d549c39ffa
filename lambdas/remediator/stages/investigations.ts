import type { FindingNotice } from '../../model/finding-notice.ts';
import type { Investigation, Job } from '../../model/job.ts';
import type { RecordedOutcome } from '../record/outcome-log.ts';
import type { Work } from '../work.ts';

/**
 * Time after which CloudTrail should have the events: 15 minutes, which is also the maximum delay of an SQS message.
 */
const DELAY_SECONDS = 900;

/**
 * Sends a job that searches CloudTrail for who undid fixes, for the recurring findings in the notices that were just
 * sent. This happens once per finding and week while it recurs, because the cause may differ each time.
 */
export async function scheduleInvestigation(
  notices: readonly FindingNotice[],
  recorded: readonly RecordedOutcome[],
  { job, memory, ports }: Pick<Work, 'job' | 'memory' | 'ports'>,
): Promise<void> {
  const returning = new Set(
    notices.flatMap(({ kind, findings }) =>
      kind === 'recurring' ? findings.map(({ resource }) => resource) : [],
    ),
  );
  const investigates: Record<string, Investigation> = {};
  for (const { outcome } of recorded) {
    const { resource } = outcome.finding;
    const [first] = outcome.applied;
    const before = memory.of(resource)?.changes.findLast((change) => change.outcome === 'remediated');
    if (!returning.has(resource) || first === undefined || before === undefined) continue;
    investigates[resource] = { changed: first.change.resource, from: before.at, to: first.appliedAt };
  }
  const findings = job.findings.filter(({ resource }) => investigates[resource] !== undefined);
  if (findings.length === 0) return;
  const { version, poll, account, region, chunk } = job;
  const later: Job = { version, poll, account, region, chunk, findings, investigates };
  await ports.lookAgain(later, DELAY_SECONDS);
}
