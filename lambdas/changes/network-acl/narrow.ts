import { z } from 'zod';
import { type NetworkAclEntry, networkAclEntrySchema } from './entry.ts';

/** Schema of the change that narrows or deletes an open inbound entry. */
export const narrowSchema = z.object({
  kind: z.literal('network-acl-entry-narrow'),
  /** The network ACL's id. */
  resource: z.string(),
  /** The open entry. */
  before: networkAclEntrySchema,
  /** The entry that replaces it under the same number in one call; null if it is only deleted. */
  after: networkAclEntrySchema.nullable(),
  /** Entries that are created under free numbers before. Empty if `after` is null. */
  created: z.array(networkAclEntrySchema),
  /** All inbound entries that the plan depends on, as described by `describeEntry`, sorted by number. */
  seen: z.array(z.string()),
  /** The subnets that the plan depends on; no others may be associated. */
  subnets: z.array(z.string()),
  /** Traffic that subnets lose in addition to the open entry's, for the plan's line. */
  cuts: z.string().nullable().default(null),
  /** Set in the note that is written before the first call; from then on, calls may have been made. */
  mayBeMade: z.literal(true).optional(),
  /** The numbers of the entries in `created` that exist by now. */
  made: z.array(z.number()).default([]),
  /** The number of the entry whose creation was not confirmed. */
  unconfirmed: z.number().optional(),
  /** `yes` if the open entry was deleted or replaced; `unconfirmed` if the answer to the call was lost. */
  closed: z.enum(['no', 'yes', 'unconfirmed']).default('no'),
});
export type NetworkAclEntryNarrow = z.infer<typeof narrowSchema>;

/** Returns the planned entries that were created. */
export const madeOf = ({ created, made }: NetworkAclEntryNarrow): NetworkAclEntry[] =>
  created.filter(({ ruleNumber }) => made.includes(ruleNumber));
