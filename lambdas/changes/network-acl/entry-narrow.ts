import { isAnswerLost, isNotTaken } from '../../aws/errors.ts';
import { ec2Writes } from '../../aws/pace.ts';
import type { AwsSession } from '../../aws/session.ts';
import { BlockedError, OutOfTimeError, StalePlanError } from '../../model/errors.ts';
import { isExemptByTag } from '../../model/exemption-tag.ts';
import type { Amid, ChangeKind, MayContinue, Note } from '../change.ts';
import { untilTaken } from '../until-taken.ts';
import { createEntry, deleteEntry, goneError, look, replaceEntry, type Standing } from './calls.ts';
import { byNumber, describeEntry, type NetworkAclEntry, sameEntry } from './entry.ts';
import { lookFirst } from './look-first.ts';
import { madeOf, type NetworkAclEntryNarrow, narrowSchema as schema } from './narrow.ts';
import { differs } from './narrow-differs.ts';
import { removal, takeBack } from './narrow-take-back.ts';
import type { NetworkAclEntryRestore } from './restore.ts';
import { MAX_LOOKS, takeBackEntries } from './take-back.ts';

const lines = (entries: readonly NetworkAclEntry[]): string[] =>
  [...entries].sort(byNumber).map(describeEntry);

const sameLines = (one: readonly string[], other: readonly string[]): boolean =>
  one.length === other.length && one.every((line, index) => line === other[index]);

function stale({ resource, before }: NetworkAclEntryNarrow, what: string, cause?: unknown): StalePlanError {
  return new StalePlanError(
    `network ACL ${resource} was changed after it was read, so the plan for its entry ${describeEntry(before)} is out of date: ${what}`,
    { cause },
  );
}

/**
 * Describes the differences from the expected entries and subnets. Returns undefined if there are none. An exemption
 * tag is also a difference, because a plan is only made for resources without one.
 */
function difference(
  standing: Standing,
  expected: readonly string[],
  subnets: readonly string[],
  now: Date,
): string | undefined {
  const found = lines(standing.entries);
  const added = found.filter((line) => !expected.includes(line));
  const missing = expected.filter((line) => !found.includes(line));
  const joined = standing.subnets.filter((subnet) => !subnets.includes(subnet));
  const words = [
    ...(added.length > 0 ? [`it has ${added.join(', ')}`] : []),
    ...(missing.length > 0 ? [`it no longer has ${missing.join(', ')}`] : []),
    ...(joined.length > 0 ? [`it is now also associated with ${joined.join(', ')}`] : []),
    ...(isExemptByTag(standing.tags, now) ? ['it has an exemption tag'] : []),
  ];
  return words.length > 0 ? words.join('; ') : undefined;
}

/**
 * Reads the network ACL again during the change. The entries must still be those that the plan saw, plus those that the
 * change has created. A read without the created entries is stale, and is repeated.
 */
async function lookAgain(session: AwsSession, change: NetworkAclEntryNarrow): Promise<void> {
  const { resource, seen, subnets } = change;
  const ours = madeOf(change).map(describeEntry);
  for (let looks = 0; looks < MAX_LOOKS; looks += 1) {
    const standing = await look(session, resource);
    if (standing === undefined) throw goneError(resource);
    const found = lines(standing.entries);
    const shown = ours.filter((line) => found.includes(line));
    const others = found.filter((line) => !ours.includes(line));
    if (shown.length === ours.length || !sameLines(others, seen)) {
      const differs = difference(standing, [...seen, ...ours], subnets, session.now());
      if (differs === undefined) return;
      throw stale(change, differs);
    }
  }
  throw stale(change, `AWS's reads do not show ${ours.join(', ')} yet`);
}

async function close(
  session: AwsSession,
  change: NetworkAclEntryNarrow,
  note: Note<NetworkAclEntryNarrow>,
): Promise<NetworkAclEntryNarrow> {
  const { resource, before, after } = change;
  try {
    const closed =
      after === null
        ? await deleteEntry(session, resource, before.ruleNumber)
        : await replaceEntry(session, resource, after, madeOf(change));
    if (closed === 'gone') throw stale(change, `it no longer has ${describeEntry(before)}`);
  } catch (error) {
    if (isAnswerLost(error)) note({ ...change, closed: 'unconfirmed' });
    throw error;
  }
  const done: NetworkAclEntryNarrow = { ...change, closed: 'yes' };
  note(done);
  return done;
}

/** Creates an entry with its free number, and notes it. */
async function create(
  session: AwsSession,
  change: NetworkAclEntryNarrow,
  entry: NetworkAclEntry,
  note: Note<NetworkAclEntryNarrow>,
): Promise<NetworkAclEntryNarrow> {
  const { resource, made } = change;
  try {
    const answer = await createEntry(session, resource, entry, madeOf(change));
    if (answer === 'taken') throw stale(change, `another entry has the number ${entry.ruleNumber}`);
  } catch (error) {
    if (isAnswerLost(error)) note({ ...change, unconfirmed: entry.ruleNumber }, made.length > 0);
    throw error;
  }
  const done = { ...change, made: [...made, entry.ruleNumber] };
  note(done);
  return done;
}

/**
 * Deletes the entries that a failed application created. Each deletion is recorded when it happens, and the last note
 * lists the remaining entries.
 * @throws OutOfTimeError if no read shows the entries yet
 * @throws BlockedError if changes are currently blocked
 */
async function giveUp(
  session: AwsSession,
  change: NetworkAclEntryNarrow,
  note: Note<NetworkAclEntryNarrow>,
  { tookBack, mayContinue }: Pick<Amid, 'tookBack' | 'mayContinue'>,
): Promise<void> {
  const { resource } = change;
  let { made } = change;
  const onRemoved = (entry: NetworkAclEntry): void => {
    const { ruleNumber } = entry;
    const part: NetworkAclEntryNarrow = { ...change, made: [ruleNumber] };
    tookBack({ made: part, taken: removal(resource, [entry]) });
    made = made.filter((number) => number !== ruleNumber);
    note({ ...change, made }, made.length > 0);
  };
  const entries = madeOf(change);
  const notRemoved = await takeBackEntries(session, resource, entries, onRemoved, { mayContinue });
  // A different entry with one of the numbers belongs to someone else and stays. This is only certain once AWS's reads
  // must have caught up, because such a read may be older than the plan.
  const left = [...notRemoved.unseen, ...notRemoved.unknown, ...notRemoved.replaced];
  note({ ...change, made: left.map(({ ruleNumber }) => ruleNumber) }, left.length > 0);
  if (left.length === 0) return;
  throw new OutOfTimeError(
    `AWS's reads of network ACL ${change.resource} do not show ${left.map(describeEntry).join(', ')} yet, which must be removed again: the next attempt checks`,
  );
}

/**
 * Sends a call, immediately after a new read if entries have already been created: without the open entry, they would
 * allow traffic that was not allowed before. If AWS does not accept the call, `mayContinue` is called and the network
 * ACL is read again before each retry.
 */
async function amid(
  session: AwsSession,
  done: NetworkAclEntryNarrow,
  mayContinue: MayContinue,
  send: () => Promise<NetworkAclEntryNarrow>,
): Promise<NetworkAclEntryNarrow> {
  if (done.made.length === 0) return send();
  const lookAndSend = async (): Promise<NetworkAclEntryNarrow> => {
    await lookAgain(session, done);
    return send();
  };
  return untilTaken(session, lookAndSend, { mayContinue });
}

async function apply(
  session: AwsSession,
  change: NetworkAclEntryNarrow,
  note: Note<NetworkAclEntryNarrow>,
  { mayContinue, tookBack, ours }: Amid,
): Promise<NetworkAclEntryNarrow> {
  const { resource, created, seen, subnets } = change;
  const standing = await lookFirst(session, resource, ours);
  const differs = difference(standing, seen, subnets, session.now());
  if (differs !== undefined) throw stale(change, differs);
  let done: NetworkAclEntryNarrow = { ...change, made: [], closed: 'no' };
  if (created.length > 0) await note({ ...done, mayBeMade: true }, false, true);
  note(done, false);
  try {
    // While the open entry exists, the created entries allow nothing that it does not allow, so the change may stop
    // here.
    for (const entry of created) {
      done = await amid(session, done, mayContinue, () => create(session, done, entry, note));
      await mayContinue();
    }
    return await amid(session, done, mayContinue, () => close(session, done, note));
  } catch (error) {
    if (error instanceof BlockedError) throw error;
    // The call was not answered, or time ran out. The created entries are noted, the open entry may already be
    // replaced, and `takeBack` checks this later.
    if (isAnswerLost(error) || isNotTaken(error)) throw error;
    await giveUp(session, done, note, { tookBack, mayContinue });
    throw error;
  }
}

/**
 * Replaces an open inbound entry of a network ACL with narrower entries, or deletes it.
 *
 * EC2 has no conditional calls here, and identifies an entry by its number alone, so all entries are read immediately
 * before each call. A gap remains between this read and the call: an entry that someone else creates with the same
 * number in that moment is replaced. The address families of the subnets come from the read of the resource, which is
 * repeated if it is older than two seconds. A CIDR block that AWS is still associating already counts.
 */
export const changeKind: ChangeKind<NetworkAclEntryNarrow> = {
  kind: 'network-acl-entry-narrow',
  schema,
  pace: ec2Writes,
  calls: ({ created }) => Math.max(1, created.length),
  describe({ resource, before, after, created, cuts }) {
    const instead = [...created, ...(after === null ? [] : [after])].sort(byNumber).map(describeEntry);
    const what =
      instead.length === 0
        ? `- inbound entry ${describeEntry(before)}`
        : `~ inbound entry ${describeEntry(before)} -> ${instead.join(', ')}`;
    return `${what} (${resource})${cuts === null ? '' : `: ${cuts}`}`;
  },
  apply,
  takeBack,
  async isVisible(session, { resource, before, closed }) {
    if (closed === 'no') return true;
    const now = (await look(session, resource))?.at(before.ruleNumber);
    return now === undefined || !sameEntry(now, before);
  },
  namesAll: ({ created, made }) => made.length >= created.length,
  leavesTarget: ({ closed }) => closed === 'no',
  adds: ({ created }) => created.map(describeEntry),
  removes: ({ before, closed }) => (closed === 'yes' ? [describeEntry(before)] : []),
  restsOn: ({ seen }) => seen,
  differs,
  inverse(applied): NetworkAclEntryRestore | undefined {
    const { resource, before, after, closed } = applied;
    const remove = madeOf(applied);
    if (closed === 'no' && remove.length === 0) return undefined;
    const kind = 'network-acl-entry-restore';
    // If the change was or may have been made in part, some of its entries may already have been taken back.
    const inPart = closed === 'yes' ? {} : { mayBeGone: true as const };
    return closed === 'no'
      ? { kind, resource, open: null, over: null, remove, ...inPart }
      : { kind, resource, open: before, over: after, remove, ...inPart };
  },
};
