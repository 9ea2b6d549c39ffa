import type { Change } from '../change.ts';
import { type ExistingRule, ruleKey } from './ingress-rule.ts';
import { ruleShrinkSchema, rulesRevokeSchema, ruleWidenSchema } from './schemas.ts';

/** Ids of rules that our changes removed or modified, to what they no longer say; null: they are gone whatever they say. */
function endedBy(ours: readonly Change[]): ReadonlyMap<string, string | null> {
  const ended = new Map<string, string | null>();
  for (const change of ours) {
    for (const { id } of rulesRevokeSchema.safeParse(change).data?.revoked ?? []) ended.set(id, null);
    const { before, shrunk } = ruleShrinkSchema.safeParse(change).data ?? {};
    if (before !== undefined && shrunk !== undefined) {
      ended.set(before.id, shrunk?.id === before.id ? ruleKey(before) : null);
    }
    const widen = ruleWidenSchema.safeParse(change).data;
    for (const { id } of widen?.revoked ?? []) ended.set(id, null);
    if (widen?.widened !== undefined && widen.before?.id === widen.widened.id) {
      ended.set(widen.widened.id, ruleKey(widen.before));
    }
  }
  return ended;
}

/**
 * Reports whether a read of a group shows what we changed a moment ago. EC2 gives an id once: a read in which a rule stands
 * that we removed, or that still says what it said before we modified it, is older than that.
 */
export function showsOurs(standing: readonly ExistingRule[], ours: readonly Change[]): boolean {
  const ended = endedBy(ours);
  return standing.every((rule) => {
    const said = ended.get(rule.id);
    return said === undefined || (said !== null && said !== ruleKey(rule));
  });
}
