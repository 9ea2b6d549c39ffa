import type { FindingNotice } from '../../model/finding-notice.ts';
import { isProvisional } from '../../model/outcome.ts';
import type { Learned } from '../learned.ts';
import type { Work } from '../work.ts';
import type { Waiting } from './deferral-notices.ts';
import { deferredSince, dueNotices } from './finding-notices.ts';
import type { FindingRecord } from './findings-store.ts';
import type { RecordedOutcome } from './outcome-log.ts';

/** Result of publishing an attempt's outcomes. */
export interface Published {
  /** The recorded outcomes that had not been published before. */
  readonly published: readonly RecordedOutcome[];
  /** Outcomes among them that differ from the finding's previous one. */
  readonly changed: readonly RecordedOutcome[];
  /** Records that must still be written to the findings table. */
  readonly toWrite: readonly FindingRecord[];
  /** The error if they could not be published. */
  readonly unpublished: readonly unknown[];
  /** Notices that were published. */
  readonly notices: readonly FindingNotice[];
  /** The findings that are deferred, and were already deferred before. */
  readonly waiting: readonly Waiting[];
}

/**
 * Publishes the recorded outcomes to the event bus: events for those that differ from the previous ones, and the counts
 * of all. This includes the outcomes of earlier attempts, which may have been interrupted before they published them.
 *
 * The table is written afterwards. If an attempt ends in between, the next one publishes the outcomes again, with the
 * same ids. In the reverse order, they would never be published.
 * @param written the outcomes that this attempt recorded
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
    // Notices are published before the findings' records are written, so that one that fails is due again.
    for (const { notice, key, since } of due.deferrals) await ports.publishNotice(notice, key, since);
    await ports.publish({ job, withEvent, recorded: published, changed, notices });
    journal.publish(published.map(({ outcome }) => outcome));
    return { published, changed: news, toWrite, unpublished: [], notices, waiting };
  } catch (error) {
    // Outcomes in the table count as published, so the table must not be written.
    return { published, changed: news, toWrite: [], unpublished: [error], notices: [], waiting };
  }
}
