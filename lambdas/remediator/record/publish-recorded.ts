import type { FindingNotice } from '../../model/finding-notice.ts';
import { isProvisional } from '../../model/outcome.ts';
import type { Learned } from '../learned.ts';
import type { Work } from '../work.ts';
import { deferredSince, dueNotices, type Waiting } from './finding-notices.ts';
import type { FindingRecord } from './findings-store.ts';
import type { RecordedOutcome } from './outcome-log.ts';

/** The result of publishing an attempt's outcomes. */
export interface Published {
  /** The recorded outcomes that had not been published before. */
  readonly published: readonly RecordedOutcome[];
  /** Outcomes among them that are other than before. */
  readonly changed: readonly RecordedOutcome[];
  /** Records that are still to be written to the findings table. */
  readonly toWrite: readonly FindingRecord[];
  /** The error if the event bus does not take them. */
  readonly unpublished: readonly unknown[];
  /** Notices that were published. */
  readonly notices: readonly FindingNotice[];
  /** The findings that were deferred before this attempt, too. */
  readonly waiting: readonly Waiting[];
}

/**
 * Puts what was recorded on the event bus: outcomes that are other than before, and the numbers of all. What earlier
 * attempts recorded belongs to it; they may have been cut off before they published it.
 *
 * The table is written afterwards. An attempt that ends in between publishes again, by the same ids. The other way round
 * nobody would.
 * @param written what this attempt recorded
 */
export async function publishRecorded(
  { job, journal, log, memory, ports }: Work,
  written: readonly RecordedOutcome[],
  { publishesAll, deferredDays, cleared }: Pick<Learned, 'publishesAll' | 'deferredDays' | 'cleared'>,
): Promise<Published> {
  const recorded = log.own().filter((each) => written.includes(each) || !isProvisional(each.outcome));
  const published = recorded.filter(
    (each) => written.includes(each) || !journal.isPublished(each.outcome.finding.resource),
  );
  const { changed, ...learned } = memory.learn(recorded, cleared);
  const now = ports.clock.now();
  const due = dueNotices(recorded, learned.toWrite, { job, memory, deferredDays, now });
  const { notices, toWrite } = due;
  const waiting = deferredSince(recorded, memory);
  const news = published.filter((each) => changed.includes(each));
  const withEvent = publishesAll ? published : news;
  try {
    // Before what the table has of the findings, so that a cause that is not published comes again.
    for (const { notice, key, since } of due.deferrals) await ports.publishNotice(notice, key, since);
    await ports.publish({ job, withEvent, recorded: published, changed, notices });
    journal.publish(published.map(({ outcome }) => outcome));
    return { published, changed: news, toWrite, unpublished: [], notices, waiting };
  } catch (error) {
    // What the table has counts as published.
    return { published, changed: news, toWrite: [], unpublished: [error], notices: [], waiting };
  }
}
