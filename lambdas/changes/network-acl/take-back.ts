import { describeError } from '../../aws/errors.ts';
import type { AwsSession } from '../../aws/session.ts';
import { ChangeRefusedError, TakeBackError } from '../../model/errors.ts';
import { deleteEntry, look } from './calls.ts';
import { describeEntry, type NetworkAclEntry, sameEntry } from './entry.ts';

/**
 * Takes entries out of a network ACL, each only while it is exactly as it was made. EC2 deletes by number alone, so each
 * is looked at directly before. An entry that someone has put in its place stays.
 * @param unseen Whether an entry that the read does not show is taken out, too: a read may be too old to show what was
 *   made a moment ago, and what is left standing lets traffic in.
 * @param removed Takes each entry that was taken out.
 */
export async function removeEntries(
  session: AwsSession,
  networkAclId: string,
  entries: readonly NetworkAclEntry[],
  { unseen, removed = () => {} }: { unseen: boolean; removed?: (entry: NetworkAclEntry) => void },
): Promise<void> {
  for (const entry of entries) {
    const standing = await look(session, networkAclId);
    if (standing === undefined) return;
    const found = standing.at(entry.ruleNumber);
    if (found === undefined ? !unseen : !sameEntry(found, entry)) continue;
    if ((await deleteEntry(session, networkAclId, entry.ruleNumber)) === 'made') removed(entry);
  }
}

/**
 * Takes back entries that have lost their purpose.
 * @throws TakeBackError when AWS does not let them be taken back
 */
export async function takeBackEntries(
  session: AwsSession,
  networkAclId: string,
  entries: readonly NetworkAclEntry[],
  unseen: boolean,
): Promise<readonly NetworkAclEntry[]> {
  const removed: NetworkAclEntry[] = [];
  try {
    await removeEntries(session, networkAclId, entries, {
      unseen,
      removed: (entry) => removed.push(entry),
    });
    return removed;
  } catch (error) {
    if (error instanceof ChangeRefusedError && error.because === 'gone') return removed;
    const left = entries.filter((entry) => !removed.includes(entry)).map(describeEntry);
    throw new TakeBackError(
      `network ACL ${networkAclId} may still hold inbound entries that have lost their purpose: ${left.join(', ')}. Take them out. (${describeError(error)})`,
      { cause: error },
    );
  }
}
