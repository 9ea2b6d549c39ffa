import { z } from 'zod';
import { networkAclEntrySchema } from './entry.ts';

/** Schema of the change that restores an open entry or deletes added entries. */
export const restoreSchema = z.object({
  kind: z.literal('network-acl-entry-restore'),
  /** The network ACL's id. */
  resource: z.string(),
  /** The open entry to restore with its number; null if entries are only deleted. */
  open: networkAclEntrySchema.nullable(),
  /** The entry that now has the open entry's number; null if there is none. */
  over: networkAclEntrySchema.nullable(),
  /** The entries to delete, which were added for the open one. */
  remove: z.array(networkAclEntrySchema),
  /**
   * Set if the fix may already have deleted them itself. The undo then waits for reads to show them only if our recent
   * changes created them and did not delete them again.
   */
  mayBeGone: z.literal(true).optional(),
});
export type NetworkAclEntryRestore = z.infer<typeof restoreSchema>;
