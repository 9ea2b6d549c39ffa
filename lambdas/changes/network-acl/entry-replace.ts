import { z } from 'zod';
import type { ChangeKind } from '../change.ts';
import {
  changedMeanwhile,
  describeEntry,
  entryParameters,
  networkAclEntrySchema,
  readEntry,
  sameEntry,
} from './entry.ts';

const schema = z.object({
  kind: z.literal('network-acl-entry-replace'),
  /** The network ACL's id. */
  resource: z.string(),
  before: networkAclEntrySchema,
  /** Has the same number as `before`. */
  after: networkAclEntrySchema,
});
export type NetworkAclEntryReplace = z.infer<typeof schema>;

/** Puts another inbound entry in an entry's place, under its number, in one step. */
export const changeKind: ChangeKind<NetworkAclEntryReplace> = {
  kind: 'network-acl-entry-replace',
  schema,
  describe: (change) =>
    `~ inbound entry ${describeEntry(change.before)} -> ${describeEntry(change.after)} (${change.resource})`,
  async apply(session, change) {
    const { EC2Client, ReplaceNetworkAclEntryCommand } = await import('../../aws/ec2.ts');
    const found = await readEntry(session, change.resource, change.before.ruleNumber);
    if (found !== undefined && sameEntry(found, change.after)) return change;
    // One that is gone is not made anew: whoever took it out has not asked for what was to take its place.
    if (found === undefined || !sameEntry(found, change.before)) {
      throw changedMeanwhile(change.resource, found, change.before);
    }
    await session
      .client(EC2Client)
      .send(new ReplaceNetworkAclEntryCommand(entryParameters(change.resource, change.after)));
    return change;
  },
  inverse: (applied) => ({ ...applied, before: applied.after, after: applied.before }),
};
