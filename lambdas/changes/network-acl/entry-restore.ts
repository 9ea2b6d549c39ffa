import { ec2Writes } from '../../aws/pace.ts';
import type { AwsSession } from '../../aws/session.ts';
import { OutOfTimeError, StalePlanError } from '../../model/errors.ts';
import type { Amid, ChangeKind } from '../change.ts';
import { createEntry, isThere, look, replaceEntry, type Standing } from './calls.ts';
import { describeEntry, sameEntry } from './entry.ts';
import { lookFirst } from './look-first.ts';
import { type NetworkAclEntryRestore, restoreSchema } from './restore.ts';
import { standingOf } from './standing-of.ts';
import { MAX_LOOKS, removeEntries } from './take-back.ts';

function stale(resource: string, what: string): StalePlanError {
  return new StalePlanError(
    `network ACL ${resource} is not as the fix left it: ${what}. Nothing was changed: undo the fix by hand if you still want to`,
  );
}

const isRestored = ({ open }: NetworkAclEntryRestore, standing: Standing): boolean =>
  open === null || isThere(open, standing);

/**
 * Checks the entries before the undo.
 * @throws StalePlanError unless they are as the fix, or an earlier attempt at this undo, left them
 */
function check(change: NetworkAclEntryRestore, standing: Standing): void {
  const { resource, open, over, remove } = change;
  const restored = isRestored(change, standing);
  for (const entry of remove) {
    const found = standing.at(entry.ruleNumber);
    if (found === undefined && !restored) throw stale(resource, `it no longer has ${describeEntry(entry)}`);
    if (found !== undefined && !sameEntry(found, entry)) {
      throw stale(resource, `it has ${describeEntry(found)} instead of ${describeEntry(entry)}`);
    }
  }
  if (open === null || restored) return;
  const now = standing.at(open.ruleNumber);
  if (now === undefined ? over === null : over !== null && sameEntry(now, over)) return;
  const expected = over === null ? 'no entry' : describeEntry(over);
  throw stale(
    resource,
    `it has ${now === undefined ? 'no entry' : describeEntry(now)} instead of ${expected}`,
  );
}

async function apply(
  session: AwsSession,
  change: NetworkAclEntryRestore,
  note: (soFar: NetworkAclEntryRestore) => void,
  { ours, mayContinue }: Pick<Amid, 'ours' | 'mayContinue'>,
): Promise<NetworkAclEntryRestore> {
  const { resource, open, over, remove } = change;
  const standing = await lookFirst(session, resource, ours);
  check(change, standing);
  // The call is sent even if the read shows the entry as restored, because the read may be older than the narrowing.
  if (open !== null) {
    const answer =
      over === null
        ? await createEntry(session, resource, open)
        : await replaceEntry(session, resource, open);
    if (answer === 'taken' && !isRestored(change, standing)) {
      throw stale(resource, `another entry has the number ${open.ruleNumber}`);
    }
    if (answer === 'gone') throw stale(resource, `no entry has the number ${open.ruleNumber}`);
    note({ ...change, remove: [] });
  }
  const removed: typeof remove = [];
  const { unseen, unknown } = await removeEntries(session, resource, remove, {
    looks: MAX_LOOKS,
    removed(entry) {
      removed.push(entry);
      note({ ...change, remove: [...removed] });
    },
    mayContinue,
  });
  const standingByRecord = standingOf(ours);
  const hidden = unseen.filter(
    ({ ruleNumber }) => change.mayBeGone !== true || standingByRecord.has(ruleNumber),
  );
  if (unknown.length === 0 && hidden.length === 0) return { ...change, remove: removed };
  // EC2 deletes by number alone. An entry that no read shows is not deleted, because the number may now belong to
  // another entry.
  throw new OutOfTimeError(
    `AWS's reads of network ACL ${resource} do not show ${[...hidden, ...unknown].map(describeEntry).join(', ')}, which must be removed: they are already gone, or not visible yet`,
  );
}

/**
 * Restores the open entry with its number in one call, and then deletes the entries that replaced it. Undoes
 * `network-acl-entry-narrow`. It has no inverse: the next finding narrows the entry again.
 */
export const changeKind: ChangeKind<NetworkAclEntryRestore> = {
  kind: 'network-acl-entry-restore',
  schema: restoreSchema,
  pace: ec2Writes,
  calls: ({ remove }) => Math.max(1, remove.length),
  describe({ resource, open, over, remove }) {
    const out = remove.map(describeEntry);
    if (open === null) return `- inbound entry ${out.join(', ')} (${resource})`;
    const from = [...(over === null ? [] : [describeEntry(over)]), ...out];
    return from.length === 0
      ? `+ inbound entry ${describeEntry(open)} (${resource})`
      : `~ inbound entry ${from.join(', ')} -> ${describeEntry(open)} (${resource})`;
  },
  apply,
  async isVisible(session, change) {
    const standing = await look(session, change.resource);
    if (standing === undefined) return true;
    return isRestored(change, standing) && !change.remove.some((entry) => isThere(entry, standing));
  },
  async differs(session, change) {
    const standing = await look(session, change.resource);
    if (standing === undefined) return 'it is gone';
    const { open } = change;
    if (open !== null && !isRestored(change, standing))
      return `it does not have the entry ${describeEntry(open)}`;
    const left = change.remove.find((entry) => isThere(entry, standing));
    return left === undefined ? undefined : `it has the entry ${describeEntry(left)}`;
  },
  /** True, because a fix uses this change only to delete what a failed attempt added. */
  takesBack: () => true,
  removes: ({ remove }) => remove.map(describeEntry),
  inverse: () => undefined,
};
