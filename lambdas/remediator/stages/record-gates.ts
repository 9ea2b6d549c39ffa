import { tripKey } from '../../model/breaker.ts';
import { countKey } from '../../model/count-item.ts';
import { type ChangeLimit, countersOf, describeLimit, settingOf } from '../../model/limits.ts';
import { type Notice, settingsNoticeKey } from '../../model/notice.ts';
import { openBreaker } from '../gates/breaker.ts';
import type { Learned } from '../learned.ts';
import type { Work } from '../work.ts';
import { noteOutcomes } from './note-results.ts';
import { waitingFinding } from './reserve.ts';

const HOUR_MILLISECONDS = 3_600_000;
const DAY_MILLISECONDS = 24 * HOUR_MILLISECONDS;

/**
 * Records the results of changes for the breaker, and publishes notices about what prevents fixes: a reached limit once
 * per hour, an open breaker once, and invalid settings once per day, regardless of the number of rules and regions.
 * @returns the errors, which cause the job to be retried
 */
export async function recordGates(
  work: Work,
  learned: Pick<Learned, 'reached' | 'countsBreaker'>,
): Promise<unknown[]> {
  const { breaker, job, log, ports } = work;
  const failures: unknown[] = [];
  const attempt = (doing: Promise<void>): Promise<void> =>
    doing.catch((error: unknown) => {
      failures.push(error);
    });
  noteOutcomes(
    log.own().map(({ outcome }) => outcome),
    work,
  );
  await attempt(breaker.write());
  const { opened } = breaker;
  const words = openBreaker(work);
  if (opened !== undefined && words !== undefined) {
    const key = tripKey({ rule: job.poll.rule, account: job.account });
    const notice = noticeOf(work, 'breaker_open', job.account, words);
    await attempt(ports.publishNotice(notice, key, Date.parse(opened.at)));
    await attempt(claimCount(work, learned));
  }
  await attempt(forgetServed(work));
  for (const limit of learned.reached) {
    const notice = noticeOf(work, 'limit_reached', limit.counter.scope, wordsOf(limit));
    const since = ports.clock.now() - HOUR_MILLISECONDS;
    await attempt(ports.publishNotice(notice, countKey(limit.counter), since));
  }
  const [wrong] = log
    .own()
    .flatMap(({ outcome: { gate, reason } }) => (gate === 'settings' ? (reason ?? []) : []));
  if (wrong !== undefined) {
    const notice = noticeOf(work, 'settings_invalid', 'all', `${wrong}. ${SETTINGS_WORDS}`);
    await attempt(
      ports.publishNotice(notice, settingsNoticeKey(wrong), ports.clock.now() - DAY_MILLISECONDS),
    );
  }
  return failures;
}

const SETTINGS_WORDS =
  'Apply Terraform again, or correct the pause parameter. Other rules and regions may also be affected. This notification is repeated daily';

/** Counts an open breaker in the metrics once per hour, regardless of the number of jobs and regions. */
async function claimCount(
  { breaker, ports }: Pick<Work, 'breaker' | 'ports'>,
  learned: Pick<Learned, 'countsBreaker'>,
): Promise<void> {
  const hour = Math.floor(ports.clock.now() / HOUR_MILLISECONDS);
  learned.countsBreaker = await ports.table.claimBreakerCount(breaker.name, hour);
}

/** Releases the room that was kept for findings that a limit deferred earlier, if they now have another outcome. */
async function forgetServed({ job, log, memory, ports }: Work): Promise<void> {
  const served = log
    .own()
    .filter(({ outcome: { finding, gate } }) => gate !== 'limit' && memory.wasLimited(finding.resource))
    .map(({ outcome }) => waitingFinding(outcome));
  if (served.length === 0) return;
  await ports.counts.forget(countersOf(job), new Set(served));
}

function noticeOf(
  { job, ports }: Pick<Work, 'job' | 'ports'>,
  kind: Notice['kind'],
  account: string,
  words: string,
): Notice {
  const at = new Date(ports.clock.now()).toISOString();
  return { version: 1, kind, rule: job.poll.rule, account, region: job.region, at, words };
}

function wordsOf(limit: ChangeLimit): string {
  return `${describeLimit(limit)}, and more changes are pending. They are deferred, and come first at the next polls. If this number of changes is expected, wait, or raise ${settingOf(limit)}. Otherwise, pause the rule, or hold what it must not change. This notification is repeated hourly`;
}
