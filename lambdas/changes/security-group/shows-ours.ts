import type { Change } from '../change.ts';
import { type ExistingRule, ruleKey } from './ingress-rule.ts';
import { ruleShrinkSchema, rulesRevokeSchema, ruleWidenSchema } from './schemas.ts';

/**
 * Maps the ids of rules that our changes removed or modified to their outdated content, or to null if the rule was
 * removed.
 */
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
 * Checks whether a read of a group shows our latest changes. EC2 never reuses an id, so a read is stale if it contains
 * a rule that we removed, or the old content of a rule that we modified.
 */
export function showsOurs(standing: readonly ExistingRule[], ours: readonly Change[]): boolean {
  const ended = endedBy(ours);
  return standing.every((rule) => {
    const said = ended.get(rule.id);
    return said === undefined || (said !== null && said !== ruleKey(rule));
  });
}
