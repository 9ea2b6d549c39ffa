import { createHash } from 'node:crypto';
import { z } from 'zod';
import { accountIdSchema, regionSchema, ruleIdSchema, timestampSchema } from './finding.ts';
import { sortOf } from './reason.ts';
import type { ItemKey } from './table-items.ts';

/** The states of a rule that are reported, once when each begins. */
export const noticeKindSchema = z.enum([
  'limit_reached',
  'breaker_open',
  'settings_invalid',
  'lasting_deferral',
]);

/** The `detail` of an event of type `Rule Held Back`: the reason why a rule changes less than its mode allows. */
export const noticeSchema = z.object({
  version: z.literal(1),
  kind: noticeKindSchema,
  rule: ruleIdSchema,
  /** The account, or `all` if the notice concerns all accounts together. */
  account: z.union([accountIdSchema, z.literal('all')]),
  /** The region in which it was noticed. */
  region: regionSchema,
  at: timestampSchema,
  /** The text of the notification: what happened, until when, and what to do. */
  words: z.string(),
});
export type Notice = z.infer<typeof noticeSchema>;

/**
 * Builds the key `deferral#<digest>` of the item that stores when people were last notified of a cause that has
 * deferred findings for a long time.
 */
export function deferralNoticeKey(cause: string): ItemKey {
  return { pk: `deferral#${digestOf(cause)}`, sk: 'told' };
}

/**
 * Builds the key `settings#<digest>` of the item that stores when people were last notified of invalid settings,
 * whichever job found them.
 */
export function settingsNoticeKey(reason: string): ItemKey {
  return { pk: `settings#${digestOf(sortOf(reason))}`, sk: 'told' };
}

function digestOf(words: string): string {
  return createHash('sha256').update(words).digest('hex').slice(0, 16);
}
