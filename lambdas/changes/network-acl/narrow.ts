import { z } from 'zod';
import { type NetworkAclEntry, networkAclEntrySchema } from './entry.ts';

/** The change that takes an open inbound entry out, as data. */
export const narrowSchema = z.object({
  kind: z.literal('network-acl-entry-narrow'),
  /** The network ACL's id. */
  resource: z.string(),
  /** The open entry. */
  before: networkAclEntrySchema,
  /** The entry that takes its place under its number, in one step; null if it just goes. */
  after: networkAclEntrySchema.nullable(),
  /** Entries that are put under free numbers before. Only where there is an `after`. */
  created: z.array(networkAclEntrySchema),
  /** All inbound entries that the plan rests on, in words (`describeEntry`), by number. */
  seen: z.array(z.string()),
  /** The subnets that the plan rests on: none may have been added. */
  subnets: z.array(z.string()),
  /** Traffic that subnets lose in addition to the open entry, for the plan's line. */
  cuts: z.string().nullable().default(null),
  /** Set in the note that is written before the first call: from then on, calls of the change may have been made. */
  mayBeMade: z.literal(true).optional(),
  /** The numbers of those of `created` that were made. */
  made: z.array(z.number()).default([]),
  /** The number of the one whose call got no answer. */
  unconfirmed: z.number().optional(),
  /** `yes` where the open entry was deleted or replaced. `unconfirmed`: the call was sent, and its answer lost. */
  closed: z.enum(['no', 'yes', 'unconfirmed']).default('no'),
});
export type NetworkAclEntryNarrow = z.infer<typeof narrowSchema>;

/** The entries that were made, of those that were to be created. */
export const madeOf = ({ created, made }: NetworkAclEntryNarrow): NetworkAclEntry[] =>
  created.filter(({ ruleNumber }) => made.includes(ruleNumber));
