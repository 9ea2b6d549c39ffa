import type { AwsSession } from '../../aws/session.ts';
import { BlockedError } from '../../model/errors.ts';
import type { Change, CutOff, TakenBack, TookBack } from '../change.ts';
import { isThere, look, type Standing } from './calls.ts';
import { isIpv6 } from './cidr.ts';
import { describeEntry, type NetworkAclEntry, sameEntry } from './entry.ts';
import { madeOf, type NetworkAclEntryNarrow, narrowSchema } from './narrow.ts';
import { type NetworkAclEntryRestore, restoreSchema } from './restore.ts';
import { showsOurs } from './shows-ours.ts';
import { standingOf } from './standing-of.ts';
import { takeBackEntries } from './take-back.ts';

/** Creates the change that records the deletion of entries that are no longer needed. */
export function removal(resource: string, entries: readonly NetworkAclEntry[]): NetworkAclEntryRestore {
  return { kind: 'network-acl-entry-restore', resource, open: null, over: null, remove: [...entries] };
}

/**
 * Checks whether applied changes created the entry or may depend on it, because without it they would have blocked more
 * traffic.
 */
function isNeeded(entry: NetworkAclEntry, others: readonly Change[]): boolean {
  return others.some((other) => {
    const narrowed = narrowSchema.safeParse(other).data;
    if (narrowed === undefined || isIpv6(narrowed.before.cidr) !== isIpv6(entry.cidr)) return false;
    const { after, created, seen } = narrowed;
    const made = [...created, ...(after === null ? [] : [after])].map(describeEntry);
    return [...seen, ...made].includes(describeEntry(entry));
  });
}

/**
 * Checks whether an entry was deleted after it was created. An entry that now has its number belongs to someone else.
 */
function isTaken(entry: NetworkAclEntry, since: readonly Change[]): boolean {
  const removed = since.flatMap((other) => restoreSchema.safeParse(other).data?.remove ?? []);
  return removed.some((other) => sameEntry(other, entry));
}

/**
 * Checks whether later changes created an entry with a number. The number was free then, so any earlier entry was gone.
 */
function isReused(ruleNumber: number, since: readonly Change[]): boolean {
  return since.some((other) => {
    const narrowed = narrowSchema.safeParse(other).data;
    return narrowed !== undefined && madeOf(narrowed).some((entry) => entry.ruleNumber === ruleNumber);
  });
}

/** Checks whether the open entry was replaced or deleted as planned. */
function isAsPlanned(
  { before, after }: NetworkAclEntryNarrow,
  now: NetworkAclEntry | undefined,
  since: readonly Change[],
): boolean {
  if (after === null) return now === undefined || isReused(before.ruleNumber, since);
  return now !== undefined && sameEntry(now, after);
}

/** Determines the result from the state of the open entry. @returns undefined if the added entries are not needed */
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
  // A later attempt may have narrowed the entry, and may depend on the entries that this attempt added.
  if (!isSuperseded && isBegunAnew && isNarrowed) return { state: 'unconfirmed' };
  if (!mayBeClosed) return undefined;
  if (isNarrowed) {
    // A read that is older than the open entry shows the same.
    if (!isLagOver) return { state: 'pending' };
    const seen = created.filter((entry) => isThere(entry, standing));
    // If some of the planned entries are missing, an earlier attempt may have narrowed the entry.
    if (isBegunBefore && seen.length < created.length) return { state: 'unconfirmed' };
    const { unconfirmed: _, ...whole } = change;
    const numbers = isNoted ? made : seen.map(({ ruleNumber }) => ruleNumber);
    const done: NetworkAclEntryNarrow = { ...whole, made: numbers, closed: 'yes' };
    return { state: 'settled', done };
  }
  // The read may not show the narrowing yet, or may be older than the open entry.
  const isLater = !isThere(before, standing) && created.some((entry) => isThere(entry, standing));
  return isLagOver || isLater ? undefined : { state: 'pending' };
}

/** Returns the entries that the change may have added and that have not been deleted since. */
function addedBy(
  { created, made, unconfirmed }: NetworkAclEntryNarrow,
  isNoted: boolean,
  { others = [], recorded = [], since = [] }: CutOff,
): NetworkAclEntry[] {
  // If another attempt created an entry with a number, the number was free then, so this attempt's call had no effect.
  const elsewhere = standingOf([...recorded, ...others, ...since]);
  return created.filter((entry) => {
    const { ruleNumber } = entry;
    if (isNoted && made.includes(ruleNumber)) return !isTaken(entry, since);
    return (!isNoted || ruleNumber === unconfirmed) && !elsewhere.has(ruleNumber);
  });
}

/**
 * Takes back an interrupted narrowing. If the open entry was replaced or deleted as planned, the added entries are
 * still needed. Otherwise, they are deleted, except those that other changes created or depend on. An open entry that
 * the change deletes also counts as deleted if a later change has used its number.
 */
export async function takeBack(
  session: AwsSession,
  { mayBeMade, ...change }: NetworkAclEntryNarrow,
  cutOff: CutOff,
  tookBack: TookBack,
): Promise<TakenBack> {
  const { resource, created, made, closed, unconfirmed } = change;
  const { isLagOver, isSuperseded = false, others = [], since = [] } = cutOff;
  // Until AWS's reads must have caught up, a read that contradicts later changes is stale.
  const ours = isLagOver ? [] : since;
  // A change with several calls is noted before its first call, so no call was sent if there is no note.
  if (!cutOff.isNoted && created.length > 0) return { state: 'settled' };
  const isNoted = cutOff.isNoted && mayBeMade !== true;
  const mayBeClosed = !isSuperseded && (!isNoted || closed === 'unconfirmed');
  if (created.length === 0 && !mayBeClosed) return { state: 'settled' };
  const standing = await look(session, resource);
  // The network ACL is gone. Nothing is left of the change, but it is unknown what it did before.
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
  // Entries that stay were also created by this change, because their numbers were free when the change was planned.
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
