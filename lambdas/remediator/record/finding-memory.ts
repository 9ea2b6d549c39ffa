import { isDeepStrictEqual } from 'node:util';
import { type BackOff, counts, withFailure } from '../../model/back-off.ts';
import type { Finding } from '../../model/finding.ts';
import { type Occasion, pollId } from '../../model/job.ts';
import { isProvisional, type Outcome } from '../../model/outcome.ts';
import type { OutcomeName } from '../../model/outcome-names.ts';
import { sortOf } from '../../model/reason.ts';
import { REMEMBERED_CHANGES } from '../../model/table-items.ts';
import type { FindingName, FindingRecord } from './findings-store.ts';
import type { RecordedOutcome } from './outcome-log.ts';

/** Interval at which an unchanged finding is written, to show that the source still reports it. */
const TOUCH_MILLISECONDS = 7 * 86_400_000;

/** Maximum length of a reason, in characters. It keeps the item far below DynamoDB's size limit. */
const MAX_REASON = 1_000;

/** The result of adding outcomes to the records of their findings. */
export interface Learned {
  readonly toWrite: readonly FindingRecord[];
  /** The outcomes that differ from the previous one, have a different reason, or changed something. */
  readonly changed: readonly RecordedOutcome[];
}

/** Outcomes of findings that still need a fix. */
const notFixed: ReadonlySet<OutcomeName> = new Set(['deferred', 'planned', 'failed']);

/** Records of a job's findings from earlier polls. */
export class FindingMemory {
  /** Undefined until the table has been read. */
  #known: Map<string, FindingRecord> | undefined;

  /** Sets the records of the job's findings as read from the table. */
  keep(found: readonly FindingRecord[]): void {
    this.#known = new Map(found.map((each) => [each.resource, each]));
  }

  /** Returns the record of a finding; undefined if there is none. */
  of(resource: string): FindingRecord | undefined {
    return this.#known?.get(resource);
  }

  /** Checks whether the last outcome of a finding was a deferral by a change limit. */
  wasLimited(resource: string): boolean {
    return this.#known?.get(resource)?.gate === 'limit';
  }

  /** Checks whether a finding failed or was fixed last, so that it may have to wait before it is checked again. */
  mayWait(resource: string): boolean {
    const { backOff, outcome } = this.#known?.get(resource) ?? {};
    return backOff !== undefined || outcome === 'remediated';
  }

  /** Returns the poll that last remediated a finding, and the time; undefined if a later poll found nothing to fix. */
  lastFix(resource: string): { readonly poll: Occasion; readonly at: Date } | undefined {
    const changes = this.#known?.get(resource)?.changes ?? [];
    const last = changes.findLast(({ outcome }) => !notFixed.has(outcome));
    return last?.outcome === 'remediated' ? { poll: last.poll, at: new Date(last.at) } : undefined;
  }

  /**
   * Returns the key of the evidence for the last change of a finding's outcome at this poll. Later polls may have
   * changed the outcome since.
   */
  evidenceAt(poll: Occasion, resource: string): string | undefined {
    const { changes = [] } = this.#known?.get(resource) ?? {};
    return changes.findLast((change) => pollId(change.poll) === pollId(poll))?.evidence;
  }

  /**
   * Adds outcomes to the records of their findings. Outcomes that a finding's history already contains are not written
   * again, but count as changes, because an earlier attempt may have ended before it published them. If the table could
   * not be read, nothing is written, and every outcome counts as a change.
   * @param cleared the resources whose earlier failures an operator has cleared
   */
  learn(recorded: readonly RecordedOutcome[], cleared: ReadonlySet<string> = new Set()): Learned {
    const known = this.#known;
    if (known === undefined) return { toWrite: [], changed: recorded };
    const toWrite: FindingRecord[] = [];
    const changed: RecordedOutcome[] = [];
    for (const each of recorded) {
      const { resource } = each.outcome.finding;
      const record = known.get(resource);
      if (isInHistory(record, each)) {
        changed.push(each);
        continue;
      }
      const next = remember(record, each, cleared.has(resource));
      if (next === undefined) continue;
      toWrite.push(next.record);
      if (next.isChange) changed.push(each);
    }
    return { toWrite, changed };
  }
}

/** Checks whether a finding's history already contains an outcome. */
function isInHistory(known: FindingRecord | undefined, { evidence }: RecordedOutcome): boolean {
  return known?.changes.some((change) => change.evidence === evidence) === true;
}

/** Adds an outcome to a finding's item. Returns undefined if the item remains unchanged. */
function remember(
  known: FindingRecord | undefined,
  { outcome: line, evidence }: RecordedOutcome,
  isCleared: boolean,
): { readonly record: FindingRecord; readonly isChange: boolean } | undefined {
  const { outcome, reason, gate, poll, finding, finishedAt, undo } = line;
  // A finding that was closed before its first outcome gets no record.
  if (known === undefined && outcome === 'closed') return undefined;
  const lastSeen =
    known !== undefined && (outcome === 'closed' || undo !== undefined)
      ? known.lastSeen
      : latest(known?.lastSeen, poll.asOf);
  const isOther = known?.outcome !== outcome;
  const says = saysMore(line);
  const isSame = known !== undefined && repeats(known, line);
  const isChange = !isSame && (isOther || says || (known !== undefined && isForAnotherReason(known, line)));
  const { backOff: before } = known ?? {};
  const after = isSame ? before : failuresAfter(known, line, isCleared);
  if (known !== undefined && !isChange) {
    const isDue = Date.parse(lastSeen) - Date.parse(known.lastSeen) >= TOUCH_MILLISECONDS;
    if (!isDue && isDeepStrictEqual(after, before)) return undefined;
    const record = withBackOff({ ...known, ...(isDue && { lastSeen }) }, after);
    return { record, isChange: false };
  }
  const { changes = [] } = known ?? {};
  const attempts = (known?.attempts ?? 0) + (isAttempt(outcome) && (isOther || says) ? 1 : 0);
  const change = { outcome, at: finishedAt, poll, evidence };
  if (known !== undefined && isOvertaken(known, line)) {
    // The finding keeps its outcome, and this one is added to the history before those that overtook it.
    const first = changes.findIndex((each) => isLater(each, line));
    const history = changes.toSpliced(first < 0 ? -1 : first, 0, change).slice(-REMEMBERED_CHANGES);
    return { record: { ...known, attempts, changes: history }, isChange };
  }
  const record: FindingRecord = {
    ...nameOf(finding),
    outcome,
    ...(reason !== undefined && { reason: reason.slice(0, MAX_REASON) }),
    ...(gate !== undefined && { gate }),
    since: known === undefined || isOther ? poll.asOf : known.since,
    firstSeen: known?.firstSeen ?? poll.asOf,
    lastSeen,
    attempts,
    ...(known?.told !== undefined && { told: known.told }),
    changes: [...changes, change].slice(-REMEMBERED_CHANGES),
  };
  return { record: withBackOff(record, after), isChange: true };
}

/**
 * Checks whether an outcome only repeats the known state because nothing was checked: the finding waits after a failure
 * or a fix, or the account lacks the role, which is reported separately.
 */
function repeats({ outcome }: FindingRecord, line: Outcome): boolean {
  const { gate } = line;
  if (saysMore(line)) return false;
  if (gate === 'back_off' || gate === 'awaiting_scan') return true;
  return gate === 'role' && outcome === 'failed';
}

/** Counts the consecutive failures, including this outcome. Returns undefined if the finding is no longer failing. */
function failuresAfter(
  known: FindingRecord | undefined,
  { outcome, gate, settings, finishedAt, willRetry, ...line }: Outcome,
  isCleared: boolean,
): BackOff | undefined {
  const { backOff } = known ?? {};
  // Nothing was attempted, AWS was changing the resource, or throttling or a timeout ended the attempts.
  if (gate !== undefined || outcome === 'deferred' || isProvisional(line)) return backOff;
  if (outcome !== 'failed' || willRetry !== true || settings === undefined) return undefined;
  // Already counted, by an attempt that could not end its lease.
  if (backOff !== undefined && Date.parse(backOff.last) >= Date.parse(finishedAt)) return backOff;
  const isCounting = backOff !== undefined && !isCleared && counts(backOff, settings);
  return withFailure(isCounting ? backOff : undefined, finishedAt, settings);
}

function withBackOff({ backOff: _, ...record }: FindingRecord, backOff: BackOff | undefined): FindingRecord {
  return { ...record, ...(backOff !== undefined && { backOff }) };
}

/**
 * Checks whether a later poll has set the finding's outcome: it closed the finding, because the source reported the fix
 * before the follow-up job ended, or its job concluded the finding before an interrupted job of this poll was redriven.
 */
function isOvertaken({ outcome, since, changes }: FindingRecord, line: Outcome): boolean {
  const last = changes.at(-1);
  return (
    (outcome === 'closed' && Date.parse(since) > Date.parse(line.poll.asOf)) ||
    (last !== undefined && isLater(last, line))
  );
}

/** Checks whether an outcome in the history is of a later poll, and was found later, than another one. */
function isLater(
  { poll, at }: FindingRecord['changes'][number],
  { poll: other, finishedAt }: Pick<Outcome, 'poll' | 'finishedAt'>,
): boolean {
  return Date.parse(poll.asOf) > Date.parse(other.asOf) && Date.parse(at) > Date.parse(finishedAt);
}

/**
 * Checks whether an outcome is news regardless of its name: it contains changes that were or may have been made, or it
 * corrects another line.
 */
function saysMore({ applied, unconfirmed, replaces }: Outcome): boolean {
  return applied.length > 0 || unconfirmed !== undefined || replaces !== undefined;
}

/**
 * Checks whether a finding is still not remediated, but for a different reason, so that someone may have to do
 * something else about it.
 */
function isForAnotherReason(known: FindingRecord, { outcome, reason = '' }: Outcome): boolean {
  if (outcome !== 'failed' && outcome !== 'deferred') return false;
  return sortOf(known.reason ?? '') !== sortOf(reason.slice(0, MAX_REASON));
}

function nameOf({ rule, account, region, resource }: Finding): FindingName {
  return { rule, account, region, resource };
}

function isAttempt(outcome: Outcome['outcome']): boolean {
  return outcome === 'remediated' || outcome === 'failed';
}

function latest(one: string | undefined, other: string): string {
  return one !== undefined && Date.parse(one) > Date.parse(other) ? one : other;
}
