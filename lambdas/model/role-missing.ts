import { z } from 'zod';
import { accountIdSchema, regionSchema, ruleIdSchema, timestampSchema } from './finding.ts';

/** An account whose target role could not be assumed, because it is missing or does not trust the remediators. */
export const roleMissingSchema = z.object({
  account: accountIdSchema,
  /** The region in which this was noticed. The role is missing for other regions and rules as well. */
  region: regionSchema,
  rule: ruleIdSchema,
});
export type RoleMissing = z.infer<typeof roleMissingSchema>;

/** The `detail` of an event of type `Target Role Missing`: one per account, while the state lasts. */
export const roleMissingEventSchema = roleMissingSchema.extend({
  version: z.literal(1),
  /** The time at which it was first noticed. */
  since: timestampSchema,
});
export type RoleMissingEvent = z.infer<typeof roleMissingEventSchema>;
