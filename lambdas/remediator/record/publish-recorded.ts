import type { FindingNotice } from '../../model/finding-notice.ts';
import { isProvisional } from '../../model/outcome.ts';
import type { Learned } from '../learned.ts';
import type { Work } from '../work.ts';
import type { DeferralNotice, Waiting } from './deferral-notices.ts';
import { deferredSince, dueNotices } from './finding-notices.ts';
import type { FindingRecord } from './findings-store.ts';
import type { RecordedOutcome } from './outcome-log.ts';

/** Recorded outcomes that are due to be published, and what the findings table must contain then. */
export interface Due {
  /** The recorded outcomes that had not been published before. */
  readonly published: readonly RecordedOutcome[];
  /** Outcomes among them that differ from the finding's previous one. */
  readonly changed: readonly RecordedOutcome[];
  /** Outcomes among them that are published as separate events. */
  readonly withEvent: readonly RecordedOutcome[];
  readonly notices: readonly FindingNotice[];
  /** Notices about lasting deferrals, one per cause. */
  readonly deferrals: readonly DeferralNotice[];
  /** The findings that are deferred, and were already deferred before. */
  readonly waiting: readonly Waiting[];
  readonly toWrite: readonly FindingRecord[];
}

/**
 * Selects what must be published: events for the outcomes that differ from the previous ones, and the counts of all. This
 * includes the outcomes of earlier attempts, which may have been interrupted before they published them, except for
 * findings that are left to the next attempt.
 * @param written the outcomes that this attempt recorded
 * @param left the resources of the findings that the next attempt processes
 */
export function dueOf(
  { job, journal, log, memory, ports }: Work,
  written: readonly RecordedOutcome[],
  left: ReadonlySet<string>,
  { publishesAll, deferredDays, cleared }: Pick<Learned, 'publishesAll' | 'deferredDays' | 'cleared'>,
): Due {
  const isOver = ({ outcome }: RecordedOutcome): boolean =>
    !isProvisional(outcome) && !left.has(outcome.finding.resource);
  const recorded = log.own().filter((each) => written.includes(each) || isOver(each));
  const published = recorded.filter(
    (each) => written.includes(each) || !journal.isPublished(each.outcome.finding.resource),
  );
  const learned = memory.learn(recorded, cleared);
  const now = ports.clock.now();
  const due = dueNotices(recorded, learned.toWrite, { job, memory, deferredDays, now });
  const changed = published.filter((each) => learned.changed.includes(each));
  const withEvent = publishesAll ? published : changed;
  return { ...due, published, changed, withEvent, waiting: deferredSince(recorded, memory) };
}

/**
 * Publishes what is due on the event bus.
 * @returns the error if the event bus does not accept it
 */
export async function publishDue({ job, journal, ports }: Work, due: Due): Promise<unknown[]> {
  const { published, changed, withEvent, notices, deferrals } = due;
  try {
    for (const { notice, key, since } of deferrals) await ports.publishNotice(notice, key, since);
    await ports.publish({ job, withEvent, recorded: published, changed, notices });
    journal.publish(published.map(({ outcome }) => outcome));
    return [];
  } catch (error) {
    return [error];
  }
}
