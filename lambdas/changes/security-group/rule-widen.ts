import { ec2Writes } from '../../aws/pace.ts';
import type { AwsSession } from '../../aws/session.ts';
import { ChangeRefusedError } from '../../model/errors.ts';
import type { ChangeKind } from '../change.ts';
import { olderThanOurs } from '../ours.ts';
import { authorizeRules } from './authorize.ts';
import { findRule, standingOf } from './differs.ts';
import {
  copyableTags,
  type ExistingRule,
  formatRule,
  formatTraffic,
  looksLike,
  ruleKey,
  stands,
} from './ingress-rule.ts';
import { modifyRule } from './modify.ts';
import { readRulesOf, readUntil } from './read.ts';
import { revokeRules } from './revoke.ts';
import { type RuleShrink, type RuleWiden, ruleWidenSchema } from './schemas.ts';
import { showsOurs } from './shows-ours.ts';

function refuse(resource: string, words: string): ChangeRefusedError {
  return new ChangeRefusedError(`${resource}: ${words}: nothing was changed`);
}

/** Returns the current narrow rule. @throws ChangeRefusedError if it is gone, or not as the shrinking left it */
function narrowNow(
  { resource, before }: RuleWiden & { before: ExistingRule },
  standing: readonly ExistingRule[],
): ExistingRule {
  const narrow = findRule(before, standing);
  if (narrow === undefined) {
    throw refuse(resource, `rule ${formatRule(before)} is gone, so it cannot be widened again`);
  }
  if (ruleKey(narrow) !== ruleKey(before)) {
    throw refuse(
      resource,
      `rule ${before.id} was left as ${formatTraffic(before)} from ${before.source} and is now ${formatRule(narrow)}`,
    );
  }
  return narrow;
}

/** The restored wide rule. */
interface Wide {
  /** The rule, if this change widened it. */
  readonly widened?: ExistingRule;
  /** True if the narrow rule may still exist too, and must be removed. */
  readonly isBeside: boolean;
}

/**
 * Makes sure that the wide rule exists. A read that shows it as wide may be older than the shrinking, so AWS is called
 * in any case. It reports a duplicate if the rule exists. The parts must not be removed without the wide rule.
 */
async function widen(
  session: AwsSession,
  change: RuleWiden,
  standing: readonly ExistingRule[],
): Promise<Wide> {
  const { resource, before, after } = change;
  const wide = standing.find((rule) => ruleKey(rule) === ruleKey(after));
  if (before !== null) {
    const rule = wide === undefined ? narrowNow({ ...change, before }, standing) : findRule(before, standing);
    switch (rule === undefined ? 'unmodifiable' : await modifyRule(session, resource, rule, after)) {
      case 'done':
        return { widened: { ...after, id: rule?.id ?? after.id }, isBeside: false };
      case 'gone':
        throw refuse(resource, `rule ${formatRule(before)} was removed or changed in the meantime`);
      case 'unmodifiable':
        break;
    }
  }
  const copy = { ...after, tags: copyableTags(after.tags) };
  const [added] = await authorizeRules(session, resource, [copy], standing, { mayLag: true });
  if (added !== undefined) return { widened: added, isBeside: true };
  // The rule is already wide: an earlier attempt widened it, or someone else restored it, in which case it belongs to
  // them.
  if (wide !== undefined) return { isBeside: looksLike(wide, after) };
  throw refuse(resource, `${formatRule(after)} cannot be restored`);
}

/**
 * Selects the rules to remove now that the wide rule exists, if they are still as the shrinking left them. Rules that
 * someone has since changed belong to them and stay, because they no longer match the call that revokes them. A read
 * without the rules may be older than they are, and is repeated.
 */
async function leftovers(
  session: AwsSession,
  { resource, before, pieces, made }: RuleWiden,
  isBeside: boolean,
): Promise<ExistingRule[]> {
  const known = [...(made ?? []), ...(isBeside && before !== null ? [before] : [])];
  const areShown = (rules: readonly ExistingRule[]) =>
    known.every((rule) => findRule(rule, rules) !== undefined);
  const standing = (await readUntil(session, resource, areShown)) ?? (await readRulesOf(session, resource));
  const alike = standing.filter((rule) => pieces.some((piece) => looksLike(rule, piece)));
  const left = known.flatMap((rule) => {
    const found = findRule(rule, standing);
    if (found !== undefined && ruleKey(found) === ruleKey(rule)) return [found];
    // No read shows the rule in this form. If it is gone or changed, revoking it by content has no effect. Otherwise,
    // the reads are older than the rule, or than the undo of our later change to it.
    return stands(rule, standing) ? [] : [rule];
  });
  return made === undefined ? [...alike, ...left] : left;
}

/** Undoes `security-group-rule-shrink`: widens the rule again, in place, and then revokes the parts that were added. */
export const changeKind: ChangeKind<RuleWiden> = {
  kind: 'security-group-rule-widen',
  schema: ruleWidenSchema,
  pace: ec2Writes,
  describe({ before, after, pieces, made = [] }) {
    const rules = made.length > 0 ? made.map(formatRule) : pieces.map(formatTraffic);
    const parts = rules.length === 0 ? '' : `, without ${rules.join('; ')}`;
    return before === null
      ? `+ ingress ${formatRule(after)}${parts}`
      : `~ ingress ${formatRule(before)} -> ${formatTraffic(after)}${parts}`;
  },

  async apply(session, change, note, { ours }) {
    const { resource } = change;
    const standing = await readUntil(session, resource, (rules) => showsOurs(rules, ours));
    if (standing === undefined) throw olderThanOurs(resource);
    const { isBeside, ...wide } = await widen(session, change, standing);
    const soFar = { ...change, ...wide };
    const revoked: ExistingRule[] = [];
    note({ ...soFar, revoked: [] }, soFar.widened !== undefined);
    await revokeRules(session, resource, await leftovers(session, change, isBeside), {
      onRevoked(removed) {
        revoked.push(...removed);
        note({ ...soFar, revoked: [...revoked] });
      },
    });
    return { ...soFar, revoked };
  },

  async differs(session, { resource, after, made = [] }) {
    const standing = await readRulesOf(session, resource);
    if (!stands(after, standing)) return `its rule ${formatRule(after)} is gone`;
    return standingOf(
      made.filter(({ id }) => standing.some((rule) => rule.id === id)),
      standing,
    );
  },
  inverse({ resource, before, after, widened = after, pieces }): RuleShrink | undefined {
    if (before === null) return undefined;
    const { id: _, ...part } = before;
    return { kind: 'security-group-rule-shrink', resource, before: widened, after: part, pieces };
  },
};
