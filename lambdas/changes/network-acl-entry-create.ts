import { z } from 'zod';
import { isAwsError } from '../shared/aws-errors.ts';
import type { ChangeKind } from './change.ts';
import {
  changedMeanwhile,
  describeEntry,
  entryParameters,
  networkAclEntrySchema,
  readEntry,
  sameEntry,
} from './network-acl-entry.ts';
import type { NetworkAclEntryDelete } from './network-acl-entry-delete.ts';

const schema = z.object({
  kind: z.literal('network-acl-entry-create'),
  /** The network ACL's id. */
  resource: z.string(),
  entry: networkAclEntrySchema,
  /** False when the same entry stood there already: an undo must not take away what we did not make. */
  made: z.boolean().default(true),
});
export type NetworkAclEntryCreate = z.infer<typeof schema>;

/** Puts an inbound entry into a network ACL. */
export const changeKind: ChangeKind<NetworkAclEntryCreate> = {
  kind: 'network-acl-entry-create',
  schema,
  describe: (change) => `+ inbound entry ${describeEntry(change.entry)} (${change.resource})`,
  async apply(session, change) {
    const { CreateNetworkAclEntryCommand, EC2Client } = await import('../aws/ec2.ts');
    try {
      await session
        .client(EC2Client)
        .send(new CreateNetworkAclEntryCommand(entryParameters(change.resource, change.entry)));
      return { ...change, made: true };
    } catch (error) {
      if (!isAwsError(error, 'NetworkAclEntryAlreadyExists')) throw error;
      const found = await readEntry(session, change.resource, change.entry.ruleNumber);
      if (found === undefined || !sameEntry(found, change.entry)) {
        throw found === undefined ? error : changedMeanwhile(change.resource, found, change.entry);
      }
      return { ...change, made: false };
    }
  },
  inverse({ resource, entry, made }): NetworkAclEntryDelete | undefined {
    return made ? { kind: 'network-acl-entry-delete', resource, entry } : undefined;
  },
};
