import { z } from 'zod';
import { accountIdSchema, regionSchema, ruleIdSchema, timestampSchema } from './finding.ts';

/** An account whose target role could not be assumed: missing there, or without trust in the remediators. */
export const roleMissingSchema = z.object({
  account: accountIdSchema,
  /** Region and rule in which it was noticed: in the others it is missing as well. */
  region: regionSchema,
  rule: ruleIdSchema,
});
export type RoleMissing = z.infer<typeof roleMissingSchema>;

/** The `detail` of an event of the type `Target Role Missing`: one per account, while it lasts. */
export const roleMissingEventSchema = roleMissingSchema.extend({
  version: z.literal(1),
  /** Time at which it was noticed first. */
  since: timestampSchema,
});
export type RoleMissingEvent = z.infer<typeof roleMissingEventSchema>;
