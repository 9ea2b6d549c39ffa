import { z } from 'zod';
import { accountIdSchema, regionSchema, ruleIdSchema, timestampSchema } from './finding.ts';

/** States of a rule that are reported, once each time. */
export const noticeKindSchema = z.enum(['limit_reached', 'breaker_open']);

/** The `detail` of an event of the type `Rule Held Back`: a rule changes less than its mode allows, and why. */
export const noticeSchema = z.object({
  version: z.literal(1),
  kind: noticeKindSchema,
  rule: ruleIdSchema,
  /** `all` where it is about all accounts together. */
  account: z.union([accountIdSchema, z.literal('all')]),
  /** The region in which it was noticed. */
  region: regionSchema,
  at: timestampSchema,
  /** Words for a person: what happened, until when, and what to do. */
  words: z.string(),
});
export type Notice = z.infer<typeof noticeSchema>;
