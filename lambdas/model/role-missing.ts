import { z } from 'zod';
import { accountIdSchema, regionSchema, ruleIdSchema, timestampSchema } from './finding.ts';

/** An account whose target role could not be assumed: missing there, or without trust in the remediators. */
export const roleMissingSchema = z.object({
  account: accountIdSchema,
  /** Where and for which rule it was noticed: in the others it is missing as well. */
  region: regionSchema,
  rule: ruleIdSchema,
});
export type RoleMissing = z.infer<typeof roleMissingSchema>;

/** What `detail` holds in an event of the type `Target Role Missing`: one per account, while it lasts. */
export const roleMissingEventSchema = roleMissingSchema.extend({
  version: z.literal(1),
  /** When it was noticed first. */
  since: timestampSchema,
});
export type RoleMissingEvent = z.infer<typeof roleMissingEventSchema>;
