import { z } from 'zod';
import { networkAclEntrySchema } from './entry.ts';

/** The change that puts an open entry back, or takes entries out, as data. */
export const restoreSchema = z.object({
  kind: z.literal('network-acl-entry-restore'),
  /** The network ACL's id. */
  resource: z.string(),
  /** The open entry that is put back under its number; null if only entries are taken out. */
  open: networkAclEntrySchema.nullable(),
  /** The entry that has the open entry's number by now; null if there is none. */
  over: networkAclEntrySchema.nullable(),
  /** The entries that were put in the open one's place, to be taken out. */
  remove: z.array(networkAclEntrySchema),
  /** Set where the change may have taken them out again itself: that no read shows them is not a reason to wait. */
  mayBeGone: z.literal(true).optional(),
});
export type NetworkAclEntryRestore = z.infer<typeof restoreSchema>;
