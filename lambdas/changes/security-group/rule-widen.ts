import { ec2Writes } from '../../aws/pace.ts';
import type { AwsSession } from '../../aws/session.ts';
import { ChangeRefusedError } from '../../model/errors.ts';
import type { ChangeKind } from '../change.ts';
import { authorizeRules } from './authorize.ts';
import {
  copyableTags,
  type ExistingRule,
  formatRule,
  formatTraffic,
  looksLike,
  ruleKey,
} from './ingress-rule.ts';
import { modifyRule } from './modify.ts';
import { readRulesOf } from './read.ts';
import { revokeRules } from './revoke.ts';
import { type RuleShrink, type RuleWiden, ruleWidenSchema } from './schemas.ts';

/** Finds a rule by its id or, where an undo has put it back under another id, by all that it says. */
function find(rule: ExistingRule, standing: readonly ExistingRule[]): ExistingRule | undefined {
  return standing.find(({ id }) => id === rule.id) ?? standing.find((other) => looksLike(other, rule));
}

function refuse(resource: string, words: string): ChangeRefusedError {
  return new ChangeRefusedError(`${resource}: ${words}: nothing was changed`);
}

/** The narrow rule as it stands. @throws ChangeRefusedError when it is gone, or not as the shrinking left it */
function narrowNow(
  { resource, before }: RuleWiden & { before: ExistingRule },
  standing: readonly ExistingRule[],
): ExistingRule {
  const narrow = find(before, standing);
  if (narrow === undefined) {
    throw refuse(resource, `rule ${formatRule(before)} is gone since, so it can't be widened again`);
  }
  if (ruleKey(narrow) !== ruleKey(before)) {
    throw refuse(
      resource,
      `rule ${before.id} was left as ${formatTraffic(before)} from ${before.source} and is ${formatRule(narrow)} now`,
    );
  }
  return narrow;
}

/** Sees to the wide rule. @returns it where this made it wide, and the narrow one where that stands beside it and must go */
async function widen(
  session: AwsSession,
  change: RuleWiden,
  standing: readonly ExistingRule[],
): Promise<{ widened?: ExistingRule; leftover: readonly ExistingRule[] }> {
  const { resource, before, after } = change;
  const copy = { ...after, tags: copyableTags(after.tags) };
  const narrow = before === null ? undefined : find(before, standing);
  const leftover = narrow === undefined || ruleKey(narrow) === ruleKey(after) ? [] : [narrow];
  const wide = standing.find((rule) => ruleKey(rule) === ruleKey(after));
  // It is wide already: an earlier attempt got this far, or someone has put such a rule back, which is theirs.
  if (wide !== undefined) return { leftover: looksLike(wide, after) ? leftover : [] };
  const stillNarrow = before === null ? undefined : narrowNow({ ...change, before }, standing);
  if (stillNarrow !== undefined) {
    switch (await modifyRule(session, resource, stillNarrow, after)) {
      case 'done':
        return { widened: { ...after, id: stillNarrow.id }, leftover: [] };
      case 'gone':
        throw refuse(resource, `rule ${formatRule(stillNarrow)} was removed or changed meanwhile`);
      case 'unmodifiable':
        break;
    }
  }
  const [added] = await authorizeRules(session, resource, [copy], standing);
  if (added === undefined) throw refuse(resource, `${formatRule(after)} can't be put back`);
  return { widened: added, leftover };
}

/** The parts that were added, as far as they stand unchanged. What someone has changed since is theirs. */
function partsOf({ pieces, made }: RuleWiden, standing: readonly ExistingRule[]): readonly ExistingRule[] {
  if (made === undefined) return standing.filter((rule) => pieces.some((piece) => looksLike(rule, piece)));
  return made.flatMap((rule) => {
    const found = find(rule, standing);
    return found !== undefined && ruleKey(found) === ruleKey(rule) ? [found] : [];
  });
}

/** Undoes `security-group-rule-shrink`: widens the rule again, in place, then revokes the parts that were added. */
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

  async apply(session, change, note) {
    const { resource } = change;
    const standing = await readRulesOf(session, resource);
    const { leftover, ...wide } = await widen(session, change, standing);
    const soFar = { ...change, ...wide };
    const revoked: ExistingRule[] = [];
    note({ ...soFar, revoked: [] }, soFar.widened !== undefined);
    const parts = partsOf(change, standing);
    await revokeRules(session, resource, [...parts, ...leftover], {
      onRevoked(removed) {
        revoked.push(...removed);
        note({ ...soFar, revoked: [...revoked] });
      },
    });
    return { ...soFar, revoked };
  },

  inverse({ resource, before, after, widened = after, pieces }): RuleShrink | undefined {
    if (before === null) return undefined;
    const { id: _, ...part } = before;
    return { kind: 'security-group-rule-shrink', resource, before: widened, after: part, pieces };
  },
};
