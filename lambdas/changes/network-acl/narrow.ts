import { z } from 'zod';
import { type NetworkAclEntry, networkAclEntrySchema } from './entry.ts';

/** Schema of the change that narrows or deletes an open inbound entry. */
export const narrowSchema = z.object({
  kind: z.literal('network-acl-entry-narrow'),
  /** The network ACL's id. */
  resource: z.string(),
  /** The open entry. */
  before: networkAclEntrySchema,
  /**
   * The entry that replaces the open one, with the same number, in one call; null if the open entry is only deleted.
   */
  after: networkAclEntrySchema.nullable(),
  /** Entries that are created with free numbers before that. Empty if `after` is null. */
  created: z.array(networkAclEntrySchema),
  /** All inbound entries on which the plan depends, in the form of `describeEntry`, sorted by number. */
  seen: z.array(z.string()),
  /** The subnets on which the plan depends. No others may be associated. */
  subnets: z.array(z.string()),
  /** Traffic that subnets lose in addition to what the open entry allowed, for the plan's line. */
  cuts: z.string().nullable().default(null),
  /** Set in the note that is written before the first call, after which calls may have been made. */
  mayBeMade: z.literal(true).optional(),
  /** The numbers of the entries in `created` that have been created. */
  made: z.array(z.number()).default([]),
  /** The number of the entry whose creation was not confirmed. */
  unconfirmed: z.number().optional(),
  /** `yes` if the open entry was deleted or replaced; `unconfirmed` if the call was not answered. */
  closed: z.enum(['no', 'yes', 'unconfirmed']).default('no'),
});
export type NetworkAclEntryNarrow = z.infer<typeof narrowSchema>;

/** Returns the planned entries that were created. */
export const madeOf = ({ created, made }: NetworkAclEntryNarrow): NetworkAclEntry[] =>
  created.filter(({ ruleNumber }) => made.includes(ruleNumber));
