import { eventId } from '../../model/event-id.ts';
import type { FindingNotice } from '../../model/finding-notice.ts';
import type { Job } from '../../model/job.ts';
import type { Deferrals } from '../job-result.ts';
import type { FindingMemory } from './finding-memory.ts';
import type { FindingRecord } from './findings-store.ts';
import type { RecordedOutcome } from './outcome-log.ts';

const DAY = 86_400_000;
/** Time from one message about what lasts to the next. */
const AGAIN_MILLISECONDS = 7 * DAY;
const MAX_REASON = 500;

/** Findings that wait for longer than they should. */
export interface Waiting {
  readonly resource: string;
  readonly since: string;
  readonly reason: string;
}

/** The findings of some outcomes that have been deferred before, with the poll since which they are. */
export function deferredSince(recorded: readonly RecordedOutcome[], memory: FindingMemory): Waiting[] {
  return recorded.flatMap(({ outcome: { outcome, finding, reason = '' } }) => {
    const known = memory.of(finding.resource);
    if (outcome !== 'deferred' || known?.outcome !== 'deferred') return [];
    return { resource: finding.resource, since: known.since, reason };
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
  /** Number of days after which a deferral lasts. */
  readonly deferredDays: number;
  /** Milliseconds since 1970. */
  readonly now: number;
}

/** Notices that are due, and the items of findings, with what is reported noted. */
export interface Notices {
  readonly notices: readonly FindingNotice[];
  readonly toWrite: readonly FindingRecord[];
}

/**
 * Finds the findings that people must be notified of: those that come back, and those that are deferred for long. One notice per
 * job and kind, and of each finding once a week.
 * @param toWrite the items of findings that are written in any case
 */
export function dueNotices(
  recorded: readonly RecordedOutcome[],
  toWrite: readonly FindingRecord[],
  context: Context,
): Notices {
  const { memory, deferredDays, now } = context;
  const items = new Map(toWrite.map((item) => [item.resource, item]));
  const recurring = recorded.flatMap(({ outcome: { finding, recurring: found, reason = '' } }) =>
    found === undefined ? [] : { resource: finding.resource, since: found.since, reason },
  );
  const lasting = deferredSince(recorded, memory).filter(
    ({ since }) => now - Date.parse(since) > deferredDays * DAY,
  );
  const notices = [
    ...noticeOf('recurring', recurring, items, context),
    ...noticeOf('lasting_deferral', lasting, items, context),
  ];
  return { notices, toWrite: [...items.values()] };
}

function noticeOf(
  kind: keyof NonNullable<FindingRecord['told']>,
  findings: readonly Waiting[],
  items: Map<string, FindingRecord>,
  { job, memory, deferredDays, now }: Context,
): FindingNotice[] {
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
  const [first] = due;
  if (first === undefined) return [];
  const { account, region, poll } = job;
  const oldest = due.reduce((one, other) => (other.since < one.since ? other : one), first);
  const names = due.map(({ resource }) => resource).join(', ');
  const words =
    kind === 'recurring'
      ? `${due.map(({ reason }) => reason).join('; ')}. They are still fixed each time`
      : `deferred for more than ${deferredDays} ${deferredDays === 1 ? 'day' : 'days'}: ${names}. The oldest, ${oldest.resource}, since ${oldest.since}: ${oldest.reason}`;
  return [
    {
      version: 1,
      id: eventId(`${poll.rule} ${account} ${region} ${poll.asOf}`, `${kind} ${names}`),
      kind,
      rule: poll.rule,
      account,
      region,
      findings: due.map(({ reason, ...each }) => ({ ...each, reason: reason.slice(0, MAX_REASON) })),
      words: words.length > 2_000 ? `${words.slice(0, 2_000)}…` : words,
    },
  ];
}
