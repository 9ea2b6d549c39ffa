import { describeError } from '../../aws/errors.ts';
import type { AwsSession } from '../../aws/session.ts';
import { BlockedError, ChangeRefusedError, TakeBackError } from '../../model/errors.ts';
import type { Change, MayContinue } from '../change.ts';
import { untilTaken } from '../until-taken.ts';
import { deleteEntry, isThere, look, type Standing } from './calls.ts';
import { describeEntry, type NetworkAclEntry } from './entry.ts';
import { showsOurs } from './shows-ours.ts';

/** Number of reads of a network ACL until one shows what was made a moment ago. */
export const MAX_LOOKS = 10;

/**
 * Looks until the entry is there: a look that shows nothing or another in its place may be older. One that shows what was
 * taken out a moment ago is older.
 * @param gone the entries that were taken out by then
 * @returns the last look; undefined if the network ACL is gone
 */
async function lookFor(
  session: AwsSession,
  networkAclId: string,
  { entry, gone, ours, looks }: Removal,
): Promise<(Standing & { readonly isOld: boolean }) | undefined> {
  for (let left = looks; ; left -= 1) {
    const standing = await look(session, networkAclId);
    if (standing === undefined) return undefined;
    const isOld = gone.some((each) => isThere(each, standing)) || !showsOurs(standing, ours);
    if (left <= 1 || (!isOld && isThere(entry, standing))) return { ...standing, isOld };
  }
}

/**
 * Takes entries out of a network ACL, each only while it is exactly as it was made. EC2 deletes by number alone, so each
 * is read directly before. An entry that someone has put in its place stays.
 * @param looks How often it is looked for an entry that no read shows yet.
 * @param removed Takes each entry that was taken out.
 * @param mayContinue Asked before each of them: many take longer than an answer holds.
 */
export async function removeEntries(
  session: AwsSession,
  networkAclId: string,
  entries: readonly NetworkAclEntry[],
  { looks, removed, mayContinue, ours = [] }: RemoveOptions,
): Promise<NotRemoved> {
  const gone: NetworkAclEntry[] = [];
  const unseen: NetworkAclEntry[] = [];
  const unknown: NetworkAclEntry[] = [];
  const replaced: NetworkAclEntry[] = [];
  for (const entry of entries) {
    await mayContinue();
    const end = await untilTaken(
      session,
      () => removeEntry(session, networkAclId, { entry, gone, ours, looks }),
      {
        mayContinue,
      },
    );
    if (end === 'no network ACL') return { unseen: [], unknown: [], replaced: [] };
    if (end === 'unseen') unseen.push(entry);
    if (end === 'unknown') unknown.push(entry);
    if (end === 'replaced') replaced.push(entry);
    if (end !== 'removed') continue;
    gone.push(entry);
    removed(entry);
  }
  return { unseen, unknown, replaced };
}

interface RemoveOptions {
  readonly looks: number;
  readonly removed: (entry: NetworkAclEntry) => void;
  readonly mayContinue: MayContinue;
  /** Our changes since these were made: a look that does not show them is older. Default: none is known. */
  readonly ours?: readonly Change[];
}

/** Entries that are not taken out yet, as far as reads show. */
export interface NotRemoved {
  /** No read showed them, nor anything in their place: gone, or not visible yet. */
  readonly unseen: readonly NetworkAclEntry[];
  /** All reads of them were from before another one was taken out. */
  readonly unknown: readonly NetworkAclEntry[];
  /** All reads showed another entry in their place: someone else's, or one that had stood there before. */
  readonly replaced: readonly NetworkAclEntry[];
}

/** An entry that is to be taken out. */
interface Removal {
  readonly entry: NetworkAclEntry;
  readonly gone: readonly NetworkAclEntry[];
  readonly ours: readonly Change[];
  readonly looks: number;
}

async function removeEntry(
  session: AwsSession,
  networkAclId: string,
  removal: Removal,
): Promise<'no network ACL' | 'unseen' | 'unknown' | 'replaced' | 'removed' | 'left'> {
  const { entry, looks } = removal;
  const standing = await lookFor(session, networkAclId, removal);
  if (standing === undefined) return 'no network ACL';
  if (standing.isOld) return 'unknown';
  if (standing.at(entry.ruleNumber) === undefined) return 'unseen';
  if (!isThere(entry, standing)) return 'replaced';
  const answer = await deleteEntry(session, networkAclId, entry.ruleNumber, looks);
  return answer === 'made' ? 'removed' : 'left';
}

/**
 * Takes back entries that have lost their purpose.
 * @param onRemoved Takes each that was taken out, also where the rest fails.
 * @param options.mayContinue Asked before each of them. Default: it is asked elsewhere.
 * @param options.ours Our changes since these were made. Default: none is known.
 * @throws TakeBackError when AWS does not let them be taken back
 * @throws BlockedError when nothing may be changed just now: the others still stand
 */
export async function takeBackEntries(
  session: AwsSession,
  networkAclId: string,
  entries: readonly NetworkAclEntry[],
  onRemoved: (entry: NetworkAclEntry) => void,
  { mayContinue = async () => {}, ours = [] }: Partial<Pick<RemoveOptions, 'mayContinue' | 'ours'>> = {},
): Promise<NotRemoved> {
  const left = new Set(entries);
  const removed = (entry: NetworkAclEntry): void => {
    left.delete(entry);
    onRemoved(entry);
  };
  try {
    return await removeEntries(session, networkAclId, entries, {
      looks: MAX_LOOKS,
      removed,
      mayContinue,
      ours,
    });
  } catch (error) {
    if (error instanceof ChangeRefusedError && error.because === 'gone')
      return { unseen: [], unknown: [], replaced: [] };
    if (error instanceof BlockedError) throw error;
    throw new TakeBackError(
      `network ACL ${networkAclId} may still contain inbound entries that are no longer needed: ${[...left].map(describeEntry).join(', ')}. Remove them. (${describeError(error)})`,
      { cause: error },
    );
  }
}
