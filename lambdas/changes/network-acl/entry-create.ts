import { z } from 'zod';
import { isAwsError, wasRetried } from '../../aws/errors.ts';
import { ChangeRefusedError } from '../../model/errors.ts';
import type { ChangeKind } from '../change.ts';
import { refusal } from '../refusal.ts';
import {
  changedMeanwhile,
  describeEntry,
  entryParameters,
  networkAclEntrySchema,
  networkAclGone,
  readEntry,
  sameEntry,
} from './entry.ts';
import type { NetworkAclEntryDelete } from './entry-delete.ts';

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
    const { CreateNetworkAclEntryCommand, EC2Client } = await import('../../aws/ec2.ts');
    try {
      await session
        .client(EC2Client)
        .send(new CreateNetworkAclEntryCommand(entryParameters(change.resource, change.entry)));
      return { ...change, made: true };
    } catch (error) {
      if (isAwsError(error, 'NetworkAclEntryLimitExceeded')) {
        throw new ChangeRefusedError(
          `network ACL ${change.resource} has no room for another inbound entry (${error.name}): ` +
            'take out entries that are not needed, name fewer replacement_cidrs, or raise the quota "Rules per network ACL".',
          { cause: error },
        );
      }
      if (!isAwsError(error, 'NetworkAclEntryAlreadyExists')) {
        throw refusal(error, `network ACL ${change.resource}`, { gone: [networkAclGone] });
      }
      const found = await readEntry(session, change.resource, change.entry.ruleNumber);
      if (found === undefined || !sameEntry(found, change.entry)) {
        throw found === undefined ? error : changedMeanwhile(change.resource, found, change.entry);
      }
      // Where the SDK sent the call twice, the first may have made it.
      return { ...change, made: wasRetried(error) };
    }
  },
  inverse({ resource, entry, made }): NetworkAclEntryDelete | undefined {
    return made ? { kind: 'network-acl-entry-delete', resource, entry } : undefined;
  },
};
