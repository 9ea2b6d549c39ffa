import { createHash } from 'node:crypto';
import { z } from 'zod';
import { accountIdSchema, regionSchema, ruleIdSchema, timestampSchema } from './finding.ts';
import { sortOf } from './reason.ts';
import type { ItemKey } from './table-items.ts';

/** States of a rule that are reported, once each time. */
export const noticeKindSchema = z.enum([
  'limit_reached',
  'breaker_open',
  'settings_invalid',
  'lasting_deferral',
]);

/** The `detail` of an event of the type `Rule Held Back`: a rule changes less than its mode allows, and why. */
export const noticeSchema = z.object({
  version: z.literal(1),
  kind: noticeKindSchema,
  rule: ruleIdSchema,
  /** `all` if it is about all accounts together. */
  account: z.union([accountIdSchema, z.literal('all')]),
  /** The region in which it was noticed. */
  region: regionSchema,
  at: timestampSchema,
  /** Words for a person: what happened, until when, and what to do. */
  words: z.string(),
});
export type Notice = z.infer<typeof noticeSchema>;

/** `deferral#<digest>`: beside it stands when people were last notified of a cause that defers findings for long. */
export function deferralNoticeKey(cause: string): ItemKey {
  return { pk: `deferral#${digestOf(cause)}`, sk: 'told' };
}

/** `settings#<digest>`: beside it stands when people were last notified of wrong settings, regardless of the jobs that find it. */
export function settingsNoticeKey(reason: string): ItemKey {
  return { pk: `settings#${digestOf(sortOf(reason))}`, sk: 'told' };
}

function digestOf(words: string): string {
  return createHash('sha256').update(words).digest('hex').slice(0, 16);
}
