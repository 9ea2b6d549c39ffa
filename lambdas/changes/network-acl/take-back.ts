import { describeError } from '../../aws/errors.ts';
import type { AwsSession } from '../../aws/session.ts';
import { BlockedError, ChangeRefusedError, TakeBackError } from '../../model/errors.ts';
import { untilTaken } from '../until-taken.ts';
import { deleteEntry, look, type Standing } from './calls.ts';
import { describeEntry, type NetworkAclEntry, sameEntry } from './entry.ts';

/** Number of reads of a network ACL until one shows what was made a moment ago. */
export const MAX_LOOKS = 10;

/** Looks until the entry is there: a look that shows nothing or another in its place may be older. @returns the last look; undefined where the network ACL is gone */
async function lookFor(
  session: AwsSession,
  networkAclId: string,
  entry: NetworkAclEntry,
  looks: number,
): Promise<Standing | undefined> {
  const standing = await look(session, networkAclId);
  const found = standing?.at(entry.ruleNumber);
  if (standing === undefined || looks <= 1 || (found !== undefined && sameEntry(found, entry)))
    return standing;
  return lookFor(session, networkAclId, entry, looks - 1);
}

/**
 * Takes entries out of a network ACL, each only while it is exactly as it was made. EC2 deletes by number alone, so each
 * is looked at directly before. An entry that someone has put in its place stays.
 * @param looks How often it is looked for an entry that no read shows yet.
 * @param removed Takes each entry that was taken out.
 * @returns the entries that no read showed, nor anything in their place
 */
export async function removeEntries(
  session: AwsSession,
  networkAclId: string,
  entries: readonly NetworkAclEntry[],
  looks: number,
  removed: (entry: NetworkAclEntry) => void,
): Promise<NetworkAclEntry[]> {
  const unseen: NetworkAclEntry[] = [];
  for (const entry of entries) {
    const end = await untilTaken(session, () => removeEntry(session, networkAclId, entry, looks));
    if (end === 'no network ACL') return [];
    if (end === 'unseen') unseen.push(entry);
    if (end === 'removed') removed(entry);
  }
  return unseen;
}

async function removeEntry(
  session: AwsSession,
  networkAclId: string,
  entry: NetworkAclEntry,
  looks: number,
): Promise<'no network ACL' | 'unseen' | 'removed' | 'left'> {
  const standing = await lookFor(session, networkAclId, entry, looks);
  if (standing === undefined) return 'no network ACL';
  const found = standing.at(entry.ruleNumber);
  if (found === undefined) return 'unseen';
  if (!sameEntry(found, entry)) return 'left';
  const answer = await deleteEntry(session, networkAclId, entry.ruleNumber, looks);
  return answer === 'made' ? 'removed' : 'left';
}

/**
 * Takes back entries that have lost their purpose.
 * @param onRemoved Takes each that was taken out, also where the rest fails.
 * @returns the entries that no read showed: gone, or not visible yet
 * @throws TakeBackError when AWS does not let them be taken back
 * @throws BlockedError when nothing may be changed just now: the others still stand
 */
export async function takeBackEntries(
  session: AwsSession,
  networkAclId: string,
  entries: readonly NetworkAclEntry[],
  onRemoved: (entry: NetworkAclEntry) => void,
): Promise<readonly NetworkAclEntry[]> {
  const removed: NetworkAclEntry[] = [];
  try {
    return await removeEntries(session, networkAclId, entries, MAX_LOOKS, (entry) => {
      removed.push(entry);
      onRemoved(entry);
    });
  } catch (error) {
    if (error instanceof ChangeRefusedError && error.because === 'gone') return [];
    if (error instanceof BlockedError) throw error;
    const left = entries.filter((entry) => !removed.includes(entry));
    throw new TakeBackError(
      `network ACL ${networkAclId} may still contain inbound entries that are no longer needed: ${left.map(describeEntry).join(', ')}. Remove them. (${describeError(error)})`,
      { cause: error },
    );
  }
}
