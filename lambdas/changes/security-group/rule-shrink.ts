import { ec2Writes } from '../../aws/pace.ts';
import type { AwsSession } from '../../aws/session.ts';
import { StalePlanError } from '../../model/errors.ts';
import type { Change, ChangeKind } from '../change.ts';
import { asSeen, checkRemains } from './as-seen.ts';
import { authorizeRules } from './authorize.ts';
import {
  covers,
  type ExistingRule,
  formatRule,
  formatTraffic,
  looksLike,
  ruleKey,
  stands,
} from './ingress-rule.ts';
import { isCertainRefusal, modifyRule } from './modify.ts';
import { readRulesOf, readUntil } from './read.ts';
import { revokeRules, takeBackRules } from './revoke.ts';
import {
  type RuleShrink,
  type RuleWiden,
  ruleShrinkSchema,
  type SecurityGroupRulesRevoke,
} from './schemas.ts';

type Note = (soFar: RuleShrink) => void;

/** `tcp 20-21, tcp 23-443`: by protocol and port, whichever of them keeps the id. */
function formatParts({ after, pieces }: RuleShrink): string {
  const order = ['tcp', 'udp', 'icmp', 'icmpv6'];
  return [after, ...pieces]
    .sort((a, b) => order.indexOf(a.protocol) - order.indexOf(b.protocol) || a.fromPort - b.fromPort)
    .map(formatTraffic)
    .join(', ');
}

/**
 * Reads the group and checks that it is what the plan saw. A read without the rules that were added just now is older
 * than they are, and is made again.
 * @returns its rules, and the wide one among them
 */
async function look(
  session: AwsSession,
  { resource, before, remains = [], made = [] }: RuleShrink,
): Promise<{ standing: readonly ExistingRule[]; wide: ExistingRule }> {
  const standing = await readUntil(session, resource, (rules) =>
    made.every(({ id }) => rules.some((rule) => rule.id === id)),
  );
  if (standing === undefined) {
    throw new StalePlanError(
      `${resource}: AWS's reads do not show ${made.map(formatRule).join('; ')}, which was added just now`,
    );
  }
  const wide = asSeen(resource, before, standing);
  checkRemains(resource, remains, standing);
  return { standing, wide };
}

/** The rules that a cut-off application has added, as far as they stand: what was noted and, beyond that, what is alike. */
function addedBy(
  { after, pieces, made }: RuleShrink,
  standing: readonly ExistingRule[],
): readonly ExistingRule[] {
  const noted = standing.filter(({ id }) => made?.some((rule) => rule.id === id));
  const unnoted = made === undefined ? [after, ...pieces] : [after];
  return [
    ...noted,
    ...standing.filter((rule) => !noted.includes(rule) && unnoted.some((part) => looksLike(rule, part))),
  ];
}

/**
 * Adds the part that was to keep the id, and revokes the wide rule: for a rule that AWS does not modify.
 * @throws StalePlanError when the wide rule is gone or different; the caller takes back what `note` was given
 */
async function replace(session: AwsSession, change: RuleShrink, note: Note): Promise<RuleShrink> {
  const { resource, after, made = [] } = change;
  const added = await authorizeRules(session, resource, [after], (await look(session, change)).standing);
  const soFar = { ...change, made: [...made, ...added] };
  note(soFar);
  const { wide } = await look(session, soFar);
  if ((await revokeRules(session, resource, [wide])).length === 0) {
    throw new StalePlanError(`${resource}: rule ${formatRule(wide)} is gone since it was read`);
  }
  return { ...soFar, made, shrunk: added[0] ?? null };
}

/** Shrinks the wide rule once its other parts stand. */
async function shrink(
  session: AwsSession,
  change: RuleShrink,
  wide: ExistingRule,
  note: Note,
): Promise<RuleShrink> {
  const { resource, after } = change;
  switch (await modifyRule(session, resource, wide, after)) {
    case 'done':
      return { ...change, shrunk: { ...after, id: wide.id, description: wide.description, tags: wide.tags } };
    case 'gone':
      throw new StalePlanError(
        `${resource}: rule ${formatRule(wide)} is gone or was changed since it was read`,
      );
    case 'unmodifiable':
      return replace(session, change, note);
  }
}

/**
 * Closes a part of a wide inbound rule: adds what is to stay besides as narrower rules, then shrinks the wide rule in
 * place, by its id, so that nothing is cut in between. EC2 takes no condition for the second step: directly before it,
 * the rule is read again.
 */
export const changeKind: ChangeKind<RuleShrink> = {
  kind: 'security-group-rule-shrink',
  schema: ruleShrinkSchema,
  pace: ec2Writes,
  describe(change) {
    const { before, remains = [], note } = change;
    const already = remains.length === 0 ? '' : ` (${remains.map(formatTraffic).join(', ')} stands already)`;
    return `~ ingress ${formatRule(before)} -> ${formatParts(change)}${already}${note === undefined ? '' : `: ${note}`}`;
  },

  async apply(session, change, note) {
    const { resource } = change;
    const first = await look(session, { ...change, made: [] });
    let soFar: RuleShrink = { ...change, made: [] };
    const noteAll: Note = (next) => {
      soFar = next;
      note(next);
    };
    const made = await authorizeRules(session, resource, change.pieces, first.standing);
    if (made.length > 0) noteAll({ ...change, made });
    try {
      // Adding took its time: the rule is read once more, as late as can be.
      const { wide } = made.length === 0 ? first : await look(session, soFar);
      const applied = await shrink(session, soFar, wide, noteAll);
      note(applied);
      return applied;
    } catch (error) {
      // While nobody knows whether the rule is shrunk, its other parts stay: without them, something might be cut.
      if (error instanceof StalePlanError || isCertainRefusal(error)) {
        await takeBackRules(session, resource, soFar.made ?? []);
      }
      throw error;
    }
  },

  /**
   * Revokes the parts that were added, where the wide rule is gone or lets them in no more. Where the part that was to
   * keep the id was added too, the wide rule was to be revoked: that it is gone is taken for our own doing then.
   */
  async takeBack(session, change): Promise<Change | undefined> {
    const { resource, before, after, made } = change;
    const standing = await readRulesOf(session, resource);
    const wide = standing.find(({ id }) => id === before.id);
    if (wide === undefined ? made !== undefined && stands(after, made) : ruleKey(wide) === ruleKey(after)) {
      return undefined;
    }
    const left = addedBy(change, standing).filter((rule) => wide === undefined || !covers(wide, rule));
    if (left.length === 0) return undefined;
    const taken: SecurityGroupRulesRevoke = {
      kind: 'security-group-rules-revoke',
      resource,
      rules: left,
      note: `added for ${formatRule(before)}, which is gone or different`,
      revoked: await takeBackRules(session, resource, left),
    };
    return taken;
  },

  /** Reads that lag show the rule as it was. */
  async isVisible(session, { resource, before }) {
    const rule = (await readRulesOf(session, resource)).find(({ id }) => id === before.id);
    return rule === undefined || ruleKey(rule) !== ruleKey(before);
  },

  /** Of a change that was cut off before its end was recorded, the rule is taken to stand as it was to become. */
  inverse({ resource, before, after, pieces, made, shrunk }): RuleWiden {
    const narrow = shrunk === undefined ? { ...after, id: before.id, tags: before.tags } : shrunk;
    return { kind: 'security-group-rule-widen', resource, before: narrow, after: before, pieces, made };
  },
};
