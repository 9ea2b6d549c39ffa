import { z } from 'zod';
import { isAwsError } from '../shared/aws-errors.ts';
import type { ChangeKind } from './change.ts';
import {
  changedMeanwhile,
  describeEntry,
  networkAclEntrySchema,
  readEntry,
  sameEntry,
} from './network-acl-entry.ts';
import type { NetworkAclEntryCreate } from './network-acl-entry-create.ts';

const schema = z.object({
  kind: z.literal('network-acl-entry-delete'),
  /** The network ACL's id. */
  resource: z.string(),
  entry: networkAclEntrySchema,
});
export type NetworkAclEntryDelete = z.infer<typeof schema>;

/** Takes an inbound entry out of a network ACL. One that is gone already is success. */
export const changeKind: ChangeKind<NetworkAclEntryDelete> = {
  kind: 'network-acl-entry-delete',
  schema,
  describe: (change) => `- inbound entry ${describeEntry(change.entry)} (${change.resource})`,
  async apply(session, change) {
    const { DeleteNetworkAclEntryCommand, EC2Client } = await import('../aws/ec2.ts');
    const found = await readEntry(session, change.resource, change.entry.ruleNumber);
    if (found === undefined) return change;
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
      if (!isAwsError(error, 'InvalidNetworkAclEntry.NotFound')) throw error;
    }
    return change;
  },
  inverse({ resource, entry }): NetworkAclEntryCreate {
    return { kind: 'network-acl-entry-create', resource, entry, made: true };
  },
};
