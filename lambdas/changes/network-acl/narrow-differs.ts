import type { AwsSession } from '../../aws/session.ts';
import { isThere, look } from './calls.ts';
import { describeEntry, sameEntry } from './entry.ts';
import { madeOf, type NetworkAclEntryNarrow } from './narrow.ts';

/**
 * Describes how a network ACL differs from the state that the change left. Entries that others have added are ignored.
 */
export async function differs(
  session: AwsSession,
  applied: NetworkAclEntryNarrow,
): Promise<string | undefined> {
  const { resource, before, after, closed } = applied;
  if (closed === 'no') return undefined;
  const standing = await look(session, resource);
  if (standing === undefined) return 'it is gone';
  const now = standing.at(before.ruleNumber);
  // The entry was not narrowed after all, and the entries that were created for this may have been taken back.
  if (closed === 'unconfirmed' && isThere(before, standing)) return undefined;
  for (const entry of [...madeOf(applied), ...(after === null ? [] : [after])]) {
    const found = standing.at(entry.ruleNumber);
    if (found === undefined) return `it no longer has the entry ${describeEntry(entry)}`;
    if (!sameEntry(found, entry)) {
      return `it has the entry ${describeEntry(found)} instead of ${describeEntry(entry)}`;
    }
  }
  if (after !== null || now === undefined) return undefined;
  return `it has the entry ${describeEntry(now)}, although the fix left none with this number`;
}
