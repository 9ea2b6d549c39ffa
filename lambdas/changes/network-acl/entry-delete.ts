import { z } from 'zod';
import { isAwsError, wasRetried } from '../../aws/errors.ts';
import type { ChangeKind } from '../change.ts';
import {
  changedMeanwhile,
  describeEntry,
  networkAclEntrySchema,
  networkAclGone,
  readEntry,
  sameEntry,
} from './entry.ts';
import type { NetworkAclEntryCreate } from './entry-create.ts';

const schema = z.object({
  kind: z.literal('network-acl-entry-delete'),
  /** The network ACL's id. */
  resource: z.string(),
  entry: networkAclEntrySchema,
  /** Set once it is applied: false where the entry was gone already, so that there is nothing to undo. */
  deleted: z.boolean().optional(),
});
export type NetworkAclEntryDelete = z.infer<typeof schema>;

/** Takes an inbound entry out of a network ACL. One that is gone already is success. */
export const changeKind: ChangeKind<NetworkAclEntryDelete> = {
  kind: 'network-acl-entry-delete',
  schema,
  describe: (change) => `- inbound entry ${describeEntry(change.entry)} (${change.resource})`,
  async apply(session, change) {
    const { DeleteNetworkAclEntryCommand, EC2Client } = await import('../../aws/ec2.ts');
    const found = await readEntry(session, change.resource, change.entry.ruleNumber);
    if (found === undefined) return { ...change, deleted: false };
    if (!sameEntry(found, change.entry)) throw changedMeanwhile(change.resource, found, change.entry);
    try {
      await session.client(EC2Client).send(
        new DeleteNetworkAclEntryCommand({
          NetworkAclId: change.resource,
          RuleNumber: change.entry.ruleNumber,
          Egress: false,
        }),
      );
    } catch (error) {
      if (!isAwsError(error, 'InvalidNetworkAclEntry.NotFound', networkAclGone)) throw error;
      // Where the SDK sent the call twice, the first may have taken it out: then it is ours to put back in an undo.
      return { ...change, deleted: wasRetried(error) };
    }
    return { ...change, deleted: true };
  },
  inverse({ resource, entry, deleted }): NetworkAclEntryCreate | undefined {
    if (deleted === false) return undefined;
    return { kind: 'network-acl-entry-create', resource, entry, made: true };
  },
};
