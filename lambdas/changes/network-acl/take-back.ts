import { describeError } from '../../aws/errors.ts';
import type { AwsSession } from '../../aws/session.ts';
import { BlockedError, ChangeRefusedError, TakeBackError } from '../../model/errors.ts';
import type { Change, MayContinue } from '../change.ts';
import { untilTaken } from '../until-taken.ts';
import { deleteEntry, isThere, look, type Standing } from './calls.ts';
import { describeEntry, type NetworkAclEntry } from './entry.ts';
import { showsOurs } from './shows-ours.ts';

/** Maximum number of reads of a network ACL until one shows the latest changes. */
export const MAX_LOOKS = 10;

/**
 * Reads until the entry appears. A read that shows no entry, or a different one, may be stale. A read that shows a
 * deleted entry is stale.
 * @param gone the entries that have already been deleted
 * @returns the last read; undefined if the network ACL does not exist
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
 * Deletes entries from a network ACL, each only if it is exactly as it was created. EC2 deletes by number alone, so
 * each entry is read immediately before the call. A different entry with the same number stays.
 * @param looks Maximum number of reads for an entry that no read shows yet.
 * @param removed Called for each deleted entry.
 * @param mayContinue Called before each entry, because deleting many entries takes time.
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
  /** Our changes since the entries were created; a read that does not show them is stale. Default: none. */
  readonly ours?: readonly Change[];
}

/** Entries that are not known to be deleted. */
export interface NotRemoved {
  /** Entries whose number is free in all reads: deleted, or not visible yet. */
  readonly unseen: readonly NetworkAclEntry[];
  /** Entries for which all reads were stale, because they still show an entry that was deleted before. */
  readonly unknown: readonly NetworkAclEntry[];
  /** Entries whose number belongs to another entry in all reads: someone else's, or an older one. */
  readonly replaced: readonly NetworkAclEntry[];
}

/** An entry to delete. */
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
 * Deletes entries that are no longer needed.
 * @param onRemoved Called for each deleted entry, even if the rest fails.
 * @param options.mayContinue Called before each entry. Default: the caller has already checked.
 * @param options.ours Our changes since the entries were created. Default: none.
 * @throws TakeBackError if AWS refuses a deletion
 * @throws BlockedError if changes are currently blocked; the other entries still exist
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
      `network ACL ${networkAclId} may still contain inbound entries that are no longer needed: ${[...left].map(describeEntry).join(', ')}. Remove them by hand. (${describeError(error)})`,
      { cause: error },
    );
  }
}
