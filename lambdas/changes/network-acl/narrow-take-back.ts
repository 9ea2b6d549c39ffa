import type { AwsSession } from '../../aws/session.ts';
import type { CutOff, TakenBack } from '../change.ts';
import { look } from './calls.ts';
import { sameEntry } from './entry.ts';
import type { NetworkAclEntryRestore } from './entry-restore.ts';
import type { NetworkAclEntryNarrow } from './narrow.ts';
import { takeBackEntries } from './take-back.ts';

/**
 * What became of an entry that was to be narrowed. Where what was to take its place stands there, the others have their
 * purpose. Where the open entry still stands, is gone or is different, they are taken out.
 */
export async function takeBack(
  session: AwsSession,
  change: NetworkAclEntryNarrow,
  { isNoted, isLagOver }: CutOff,
): Promise<TakenBack> {
  const { resource, before, after, created, made, closed, unconfirmed } = change;
  const mayBeClosed = !isNoted || closed === 'unconfirmed';
  if (created.length === 0) return { state: mayBeClosed ? 'unconfirmed' : 'settled' };
  const standing = await look(session, resource);
  if (standing === undefined) return { state: 'settled' };
  const now = standing.at(before.ruleNumber);
  if (mayBeClosed && now !== undefined && after !== null && sameEntry(now, after)) {
    const stands = created.filter((entry) => {
      const found = standing.at(entry.ruleNumber);
      return found !== undefined && sameEntry(found, entry);
    });
    const { unconfirmed: _, ...whole } = change;
    const done: NetworkAclEntryNarrow = {
      ...whole,
      made: isNoted ? made : stands.map(({ ruleNumber }) => ruleNumber),
      closed: 'yes',
    };
    return { state: 'settled', done };
  }
  // It may have been closed by a call that the read does not show yet.
  if (mayBeClosed && now !== undefined && sameEntry(now, before) && !isLagOver) return { state: 'open' };
  const mayStand = created.filter(
    ({ ruleNumber }) => !isNoted || made.includes(ruleNumber) || ruleNumber === unconfirmed,
  );
  const { removed, unseen } = await takeBackEntries(session, resource, mayStand);
  const taken: NetworkAclEntryRestore = {
    kind: 'network-acl-entry-restore',
    resource,
    open: null,
    over: null,
    remove: [...removed],
  };
  return {
    state: unseen.length > 0 && !isLagOver ? 'open' : 'settled',
    ...(removed.length > 0 && { taken }),
  };
}
