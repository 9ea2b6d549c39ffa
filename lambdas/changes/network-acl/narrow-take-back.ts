import type { AwsSession } from '../../aws/session.ts';
import { BlockedError } from '../../model/errors.ts';
import type { Change, CutOff, TakenBack, TookBack } from '../change.ts';
import { isThere, look, type Standing } from './calls.ts';
import { isIpv6 } from './cidr.ts';
import { describeEntry, type NetworkAclEntry, sameEntry } from './entry.ts';
import { madeOf, type NetworkAclEntryNarrow, narrowSchema } from './narrow.ts';
import { type NetworkAclEntryRestore, restoreSchema } from './restore.ts';
import { showsOurs } from './shows-ours.ts';
import { takeBackEntries } from './take-back.ts';

/** The change that took out entries which had lost their purpose, for the record. */
export function removal(resource: string, entries: readonly NetworkAclEntry[]): NetworkAclEntryRestore {
  return { kind: 'network-acl-entry-restore', resource, open: null, over: null, remove: [...entries] };
}

/** Reports whether applied changes have made the entry, or may rest on it: without it, they would have cut more. */
function isNeeded(entry: NetworkAclEntry, others: readonly Change[]): boolean {
  return others.some((other) => {
    const narrowed = narrowSchema.safeParse(other).data;
    if (narrowed === undefined || isIpv6(narrowed.before.cidr) !== isIpv6(entry.cidr)) return false;
    const { after, created, seen } = narrowed;
    const made = [...created, ...(after === null ? [] : [after])].map(describeEntry);
    return [...seen, ...made].includes(describeEntry(entry));
  });
}

/** Reports whether an entry was taken back since it was made: one that stands in its place is someone else's. */
function isTaken(entry: NetworkAclEntry, since: readonly Change[]): boolean {
  const removed = since.flatMap((other) => restoreSchema.safeParse(other).data?.remove ?? []);
  return removed.some((other) => sameEntry(other, entry));
}

/** Reports whether changes have put an entry under a number: it was free then, whatever had stood there before. */
function isReused(ruleNumber: number, since: readonly Change[]): boolean {
  return since.some((other) => {
    const narrowed = narrowSchema.safeParse(other).data;
    return narrowed !== undefined && madeOf(narrowed).some((entry) => entry.ruleNumber === ruleNumber);
  });
}

/** Finds the numbers of the entries that changes have made, and that were not taken out again since. */
function standingOf(changes: readonly Change[]): ReadonlySet<number> {
  const numbers = new Set<number>();
  for (const change of changes) {
    for (const number of narrowSchema.safeParse(change).data?.made ?? []) numbers.add(number);
    for (const { ruleNumber } of restoreSchema.safeParse(change).data?.remove ?? [])
      numbers.delete(ruleNumber);
  }
  return numbers;
}

/** Reports whether the place of the open entry is as the change was to leave it. */
function isAsPlanned(
  { before, after }: NetworkAclEntryNarrow,
  now: NetworkAclEntry | undefined,
  since: readonly Change[],
): boolean {
  if (after === null) return now === undefined || isReused(before.ruleNumber, since);
  return now !== undefined && sameEntry(now, after);
}

/** Tells what a read says of the open entry. @returns undefined if what was put beside it has lost its purpose */
function endOf(
  change: NetworkAclEntryNarrow,
  standing: Standing,
  isNoted: boolean,
  mayBeClosed: boolean,
  { isLagOver, isBegunAnew = false, isBegunBefore = false, isSuperseded = false, since = [] }: CutOff,
): TakenBack | undefined {
  const { before, created, made } = change;
  const now = standing.at(before.ruleNumber);
  const isNarrowed = isAsPlanned(change, now, since);
  // A later attempt may have made it so, and count on what this one added.
  if (!isSuperseded && isBegunAnew && isNarrowed) return { state: 'unconfirmed' };
  if (!mayBeClosed) return undefined;
  if (isNarrowed) {
    // A read from before the entry was open shows it so, too.
    if (!isLagOver) return { state: 'pending' };
    const seen = created.filter((entry) => isThere(entry, standing));
    // Without all that was to be put beside it, an earlier attempt may have made it so.
    if (isBegunBefore && seen.length < created.length) return { state: 'unconfirmed' };
    const { unconfirmed: _, ...whole } = change;
    const numbers = isNoted ? made : seen.map(({ ruleNumber }) => ruleNumber);
    const done: NetworkAclEntryNarrow = { ...whole, made: numbers, closed: 'yes' };
    return { state: 'settled', done };
  }
  // It may have been closed by a call that the read does not show yet, or be from before the entry was open.
  const isOpen = now !== undefined && sameEntry(now, before);
  const isLater = !isOpen && created.some((entry) => isThere(entry, standing));
  return isLagOver || isLater ? undefined : { state: 'pending' };
}

/** Finds the entries that the change may have put beside the open one, and that were not taken out since. */
function addedBy(
  { created, made, unconfirmed }: NetworkAclEntryNarrow,
  isNoted: boolean,
  { others = [], recorded = [], since = [] }: CutOff,
): NetworkAclEntry[] {
  // A number under which another attempt has put an entry was free then: this one's call, if any, had no effect.
  const elsewhere = standingOf([...recorded, ...others, ...since]);
  return created.filter((entry) => {
    const { ruleNumber } = entry;
    if (isNoted && made.includes(ruleNumber)) return !isTaken(entry, since);
    return (!isNoted || ruleNumber === unconfirmed) && !elsewhere.has(ruleNumber);
  });
}

/**
 * Takes back an entry that was to be narrowed. Where what was to take its place stands there, the others have their
 * purpose. Where the open entry still stands, is gone or is different, they are taken out, but for those that other
 * changes have made or rest on. An entry that was to go is gone, too, where a later change has used its number.
 */
export async function takeBack(
  session: AwsSession,
  { mayBeMade, ...change }: NetworkAclEntryNarrow,
  cutOff: CutOff,
  tookBack: TookBack,
): Promise<TakenBack> {
  const { resource, created, made, closed, unconfirmed } = change;
  const { isLagOver, isSuperseded = false, others = [], since = [] } = cutOff;
  // What later changes have ended shows that a read is older, until reads must be true.
  const ours = isLagOver ? [] : since;
  // Before the first of several calls, it is noted that there may be some.
  if (!cutOff.isNoted && created.length > 0) return { state: 'settled' };
  const isNoted = cutOff.isNoted && mayBeMade !== true;
  const mayBeClosed = !isSuperseded && (!isNoted || closed === 'unconfirmed');
  if (created.length === 0 && !mayBeClosed) return { state: 'settled' };
  const standing = await look(session, resource);
  // It is gone: nothing is left, but what was done before is unknown.
  if (standing === undefined) {
    return { state: mayBeClosed || unconfirmed !== undefined ? 'unconfirmed' : 'settled' };
  }
  if (!showsOurs(standing, ours)) return { state: 'pending' };
  const end = endOf(change, standing, isNoted, mayBeClosed, cutOff);
  if (end !== undefined) return end;
  const mayStand = addedBy(change, isNoted, cutOff);
  const { unconfirmed: _, ...rest } = change;
  const inPart = (entries: readonly NetworkAclEntry[]): { made?: NetworkAclEntryNarrow } => {
    const found = entries
      .map(({ ruleNumber }) => ruleNumber)
      .filter((number) => !isNoted || !made.includes(number));
    return found.length === 0 ? {} : { made: { ...rest, made: found, closed: 'no' } };
  };
  // What stays is this change's work, too: its number was free when it was planned.
  const staying = inPart(mayStand.filter((entry) => isNeeded(entry, others) && isThere(entry, standing)));
  const idle = mayStand.filter((entry) => !isNeeded(entry, others));
  try {
    const onRemoved = (entry: NetworkAclEntry): void =>
      tookBack({ ...inPart([entry]), taken: removal(resource, [entry]) });
    const { unseen, unknown, replaced } = await takeBackEntries(session, resource, idle, onRemoved, { ours });
    const isPending = unknown.length > 0 || (unseen.length + replaced.length > 0 && !isLagOver);
    return { state: isPending ? 'pending' : 'settled', ...staying };
  } catch (error) {
    if (error instanceof BlockedError) return { state: 'pending' };
    throw error;
  }
}
