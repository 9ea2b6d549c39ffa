import { z } from 'zod';
import { StalePlanError } from '../../model/errors.ts';
import type { ChangeKind } from '../change.ts';
import { asSeen, checkRemains } from './as-seen.ts';
import {
  copyableTags,
  existingRuleSchema,
  formatRule,
  ingressRuleSchema,
  securityGroupIdSchema,
} from './ingress-rule.ts';
import { readRulesOf } from './read.ts';
import { revokeRules } from './revoke.ts';
import type { SecurityGroupRulesAuthorize } from './rules-authorize.ts';

const ruleSchema = existingRuleSchema.extend({ source: z.union([z.cidrv4(), z.cidrv6()]) });

const schema = z.object({
  kind: z.literal('security-group-rules-revoke'),
  /** The security group's id. */
  resource: securityGroupIdSchema,
  rules: z.array(ruleSchema).min(1),
  /**
   * Set by a plan, undefined in an undo: what of the rules stays open by other rules. These must still stand, and the
   * rules to be revoked must be what the plan saw; in an undo, a rule that is gone already is success.
   */
  remains: z.array(ingressRuleSchema).optional(),
  /** What a person should know before it is made, for instance what ends with it. */
  note: z.string().optional(),
  /** Set once it is applied: the rules that it removed, without those that were gone already. */
  revoked: z.array(ruleSchema).optional(),
});
export type SecurityGroupRulesRevoke = z.infer<typeof schema>;

/** Removes inbound rules from a security group, by their ids. Other rules are not touched, however alike. */
export const changeKind: ChangeKind<SecurityGroupRulesRevoke> = {
  kind: 'security-group-rules-revoke',
  schema,
  describe({ rules, note }) {
    return `- ingress ${rules.map(formatRule).join('; ')}${note === undefined ? '' : `: ${note}`}`;
  },
  async apply(session, change) {
    const { resource, rules, remains } = change;
    if (remains !== undefined) {
      const standing = await readRulesOf(session, resource);
      for (const rule of rules) asSeen(resource, rule, standing);
      checkRemains(resource, remains, standing);
    }
    const revoked = await revokeRules(session, resource, rules);
    // Between the look and the call, someone else has removed it.
    if (remains !== undefined && revoked.length === 0) {
      throw new StalePlanError(
        `${resource}: rule ${rules.map(formatRule).join('; ')} is gone since it was read`,
      );
    }
    return { ...change, revoked };
  },
  /** Reads that lag show rules that are revoked. */
  async isVisible(session, { resource, revoked = [] }) {
    const ids = new Set((await readRulesOf(session, resource)).map(({ id }) => id));
    return !revoked.some(({ id }) => ids.has(id));
  },
  /**
   * Puts back what was removed, with its description and tags; AWS gives it a new id. Of a change that was cut off
   * before its answer was kept, it puts back all: a rule that still stands is left as it is.
   */
  inverse({ resource, rules, revoked = rules }): SecurityGroupRulesAuthorize | undefined {
    if (revoked.length === 0) return undefined;
    return {
      kind: 'security-group-rules-authorize',
      resource,
      rules: revoked.map(({ id: _, ...rule }) => ({ ...rule, tags: copyableTags(rule.tags) })),
    };
  },
};
