import { isAnswerLost, isNotTaken } from '../../aws/errors.ts';
import { ec2Writes } from '../../aws/pace.ts';
import type { AwsSession } from '../../aws/session.ts';
import { BlockedError, OutOfTimeError, StalePlanError } from '../../model/errors.ts';
import { exemptionTagOf } from '../../model/exemption-tag.ts';
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
    `network ACL ${resource} was changed after it was read, so that the plan for its entry ${describeEntry(before)} is out of date: ${what}`,
    { cause },
  );
}

/**
 * Describes what differs from the entries and subnets that were expected; undefined if nothing does. An exemption
 * by tag differs, too: a plan is only made where there is none.
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
  const { reason, malformed } = exemptionTagOf(standing.tags, now);
  const exempts = reason !== undefined || malformed !== undefined;
  const words = [
    ...(added.length > 0 ? [`it has ${added.join(', ')}`] : []),
    ...(missing.length > 0 ? [`it no longer has ${missing.join(', ')}`] : []),
    ...(joined.length > 0 ? [`it is now also associated with ${joined.join(', ')}`] : []),
    ...(exempts ? ['it has an exemption tag'] : []),
  ];
  return words.length > 0 ? words.join('; ') : undefined;
}

/**
 * Looks again during the change: the whole list must still be as it was seen, with what was made added. A read that
 * shows the list without it is older, and is made again.
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

/** Puts an entry under its free number. */
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
 * Takes back what an application made that goes no further. Each part is recorded as it goes; what is noted then is what
 * is left.
 * @throws OutOfTimeError when no read shows it yet
 * @throws BlockedError when nothing may be changed just now
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
  // An entry that someone has put in place of one stays, and is theirs. Whether reads show that, or are from before the plan,
  // is known once they must be later.
  const left = [...notRemoved.unseen, ...notRemoved.unknown, ...notRemoved.replaced];
  note({ ...change, made: left.map(({ ruleNumber }) => ruleNumber) }, left.length > 0);
  if (left.length === 0) return;
  throw new OutOfTimeError(
    `AWS's reads of network ACL ${change.resource} do not show ${left.map(describeEntry).join(', ')} yet, which must be taken out again: the next attempt looks`,
  );
}

/**
 * Sends a call directly after a look where entries were made before: without the open entry, they let in what nobody
 * meant. A call that AWS does not take is sent again then, after a question and a look.
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
    // While the open entry stands, the others let in nothing that it does not: here it may stop.
    for (const entry of created) {
      done = await amid(session, done, mayContinue, () => create(session, done, entry, note));
      await mayContinue();
    }
    return await amid(session, done, mayContinue, () => close(session, done, note));
  } catch (error) {
    if (error instanceof BlockedError) throw error;
    // No answer, or no time: what was made is noted, the open entry may be closed, and `takeBack` looks at it later.
    if (isAnswerLost(error) || isNotTaken(error)) throw error;
    await giveUp(session, done, note, { tookBack, mayContinue });
    throw error;
  }
}

/**
 * Takes an open inbound entry out of a network ACL, with narrower ones in its place.
 *
 * EC2 has no condition for these calls: an entry is named by its number alone. So the whole list is read directly
 * before each call. What is left is the moment between that look and the call: an entry that someone puts under the open
 * one's number just then is replaced with it. The address families of the subnets are those of the reading, which is done
 * again where it is older than two seconds: a block that AWS has only begun to associate counts there already.
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
    // Of one that was made in part, or may have been, the record has what it took back, too.
    const inPart = closed === 'yes' ? {} : { mayBeGone: true as const };
    return closed === 'no'
      ? { kind, resource, open: null, over: null, remove, ...inPart }
      : { kind, resource, open: before, over: after, remove, ...inPart };
  },
};
