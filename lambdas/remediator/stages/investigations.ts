import type { FindingNotice } from '../../model/finding-notice.ts';
import type { Investigation, Job } from '../../model/job.ts';
import type { RecordedOutcome } from '../record/outcome-log.ts';
import type { Work } from '../work.ts';

/** The delay until CloudTrail must have the events, which is also the maximum delay of an SQS message: 15 minutes. */
const DELAY_SECONDS = 900;

/**
 * Sends a job that searches CloudTrail for who undid fixes, for the findings that people were just notified of: once per
 * finding and week while it recurs, because each week's notice may have another cause.
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
