import { type FindingNotice, findingNotices } from '../../model/finding-notice.ts';
import type { Job } from '../../model/job.ts';
import type { Deferrals } from '../job-result.ts';
import { type DeferralNotice, deferralNotices, type Waiting } from './deferral-notices.ts';
import type { FindingMemory } from './finding-memory.ts';
import type { FindingRecord } from './findings-store.ts';
import type { RecordedOutcome } from './outcome-log.ts';

const DAY = 86_400_000;
/** Time between two notices about the same problem. */
const AGAIN_MILLISECONDS = 7 * DAY;
const MAX_REASON = 500;

/**
 * Selects the deferred findings that were already deferred at an earlier poll, with the time of the poll at which that
 * began.
 */
export function deferredSince(recorded: readonly RecordedOutcome[], memory: FindingMemory): Waiting[] {
  return recorded.flatMap(({ outcome: { outcome, finding, reason = '', gate } }) => {
    const known = memory.of(finding.resource);
    if (outcome !== 'deferred' || known?.outcome !== 'deferred') return [];
    return { resource: finding.resource, since: known.since, reason, gate };
  });
}

/** Counts findings that are deferred. */
export function deferralsOf(waiting: readonly Waiting[], deferredDays: number, now: number): Deferrals {
  const days = waiting.map(({ since }) => (now - Date.parse(since)) / DAY);
  return {
    oldestDays: Math.floor(Math.max(0, ...days)),
    lasting: days.filter((each) => each > deferredDays).length,
  };
}

interface Context {
  readonly job: Job;
  readonly memory: FindingMemory;
  /** Number of days after which a deferral counts as lasting. */
  readonly deferredDays: number;
  /** Milliseconds since 1970. */
  readonly now: number;
}

/** The notices that are due, and the findings' items in which they are noted. */
export interface Notices {
  readonly notices: readonly FindingNotice[];
  /** Notices about lasting deferrals, one per cause. */
  readonly deferrals: readonly DeferralNotice[];
  readonly toWrite: readonly FindingRecord[];
}

/**
 * Selects the findings for which notices are due: one notice per job for recurring findings, and one per cause for
 * lasting deferrals. Each finding is in such a notice at most once a week.
 * @param toWrite the findings' items that will be written in any case
 */
export function dueNotices(
  recorded: readonly RecordedOutcome[],
  toWrite: readonly FindingRecord[],
  context: Context,
): Notices {
  const { job, memory, deferredDays, now } = context;
  const items = new Map(toWrite.map((item) => [item.resource, item]));
  const recurring = recorded.flatMap(({ outcome: { finding, recurring: found, reason = '' } }) =>
    found === undefined ? [] : { resource: finding.resource, since: found.since, reason },
  );
  const lasting = deferredSince(recorded, memory).filter(
    ({ since }) => now - Date.parse(since) > deferredDays * DAY,
  );
  const returning = takeDue('recurring', recurring, items, context);
  const waiting = takeDue('lasting_deferral', lasting, items, context);
  return {
    notices: recurringNotice(returning, job),
    deferrals: deferralNotices(waiting, context),
    toWrite: [...items.values()],
  };
}

/** Selects the findings whose notice is due, and notes the notice in their items. */
function takeDue(
  kind: keyof NonNullable<FindingRecord['told']>,
  findings: readonly Waiting[],
  items: Map<string, FindingRecord>,
  { memory, now }: Context,
): Waiting[] {
  const at = new Date(now).toISOString();
  const due: Waiting[] = [];
  for (const finding of findings) {
    const { resource } = finding;
    const item = items.get(resource) ?? memory.of(resource);
    const last = item?.told?.[kind];
    if (item === undefined || (last !== undefined && now - Date.parse(last) < AGAIN_MILLISECONDS)) continue;
    items.set(resource, { ...item, told: { ...item.told, [kind]: at } });
    due.push(finding);
  }
  return due;
}

function recurringNotice(due: readonly Waiting[], job: Job): FindingNotice[] {
  const words = `${due.map(({ reason }) => reason).join('; ')}. They will still be fixed each time`;
  const findings = due.map(({ resource, since, reason }) => ({
    resource,
    since,
    reason: reason.slice(0, MAX_REASON),
  }));
  return findingNotices('recurring', job, findings, words);
}
