import { z } from 'zod';
import {
  type ExistingRule,
  existingRuleSchema,
  ingressRuleSchema,
  securityGroupIdSchema,
} from './ingress-rule.ts';

/**
 * Schemas of the changes to security group rules. They share a file because a change and its inverse refer to each other.
 */

const source = z.union([z.cidrv4(), z.cidrv6()]);
/** A rule to add. */
const pieceSchema = ingressRuleSchema.extend({ source });
/** A rule that exists, or existed. */
const standingSchema = existingRuleSchema.extend({ source });

export const rulesAuthorizeSchema = z.object({
  kind: z.literal('security-group-rules-authorize'),
  /** The security group's id. */
  resource: securityGroupIdSchema,
  rules: z.array(pieceSchema).min(1),
  /** Set once the change is applied: the rules that it created, without those that existed before. */
  made: z.array(existingRuleSchema).optional(),
});
export type SecurityGroupRulesAuthorize = z.infer<typeof rulesAuthorizeSchema>;

export const rulesRevokeSchema = z.object({
  kind: z.literal('security-group-rules-revoke'),
  /** The security group's id. */
  resource: securityGroupIdSchema,
  rules: z.array(standingSchema).min(1),
  /**
   * The parts of the rules that stay open because of other rules. Set in plans: these other rules must still exist, and
   * the rules to revoke must match the plan. Undefined in an undo, where a rule that is already gone counts as success.
   */
  remains: z.array(ingressRuleSchema).optional(),
  /** Note for people who review the plan, for example about what the change ends. */
  note: z.string().optional(),
  /** Set once the change is applied: the rules that it removed, without those that were already gone. */
  revoked: z.array(standingSchema).optional(),
});
export type SecurityGroupRulesRevoke = z.infer<typeof rulesRevokeSchema>;

/** Creates the change that removes rules that an earlier change created. */
export function revocation(resource: string, rules: readonly ExistingRule[]): SecurityGroupRulesRevoke {
  return { kind: 'security-group-rules-revoke', resource, rules: [...rules] };
}

/** Creates the record of a change that removed rules. */
export function revoked(
  resource: string,
  rules: readonly ExistingRule[],
  note?: string,
): SecurityGroupRulesRevoke {
  const change = { ...revocation(resource, rules), revoked: [...rules] };
  return note === undefined ? change : { ...change, note };
}

export const ruleShrinkSchema = z.object({
  kind: z.literal('security-group-rule-shrink'),
  /** The security group's id. */
  resource: securityGroupIdSchema,
  /** The wide rule as planned; once it is shrunk, as it was at the time of the call. */
  before: standingSchema,
  /** The part of the wide rule that keeps its id. */
  after: pieceSchema,
  /** The other parts, which are added as rules with one shared set of tags. None of them existed before. */
  pieces: z.array(pieceSchema),
  /** Parts that existed as rules before. They stay, and an undo leaves them unchanged. */
  remains: z.array(pieceSchema).optional(),
  /** Note for people who review the plan, for example about what the change ends. */
  note: z.string().optional(),
  /** Set while the change is applied: the rules that have been added. */
  made: z.array(standingSchema).optional(),
  /** Set in the note that is written before the first call, after which calls may have been made. */
  mayBeMade: z.literal(true).optional(),
  /**
   * The call that is in progress or was not answered: `adding` adds rules, `shrinking` closes a part of the wide rule.
   */
  unconfirmed: z.enum(['adding', 'shrinking']).optional(),
  /**
   * Set if AWS can't modify the wide rule: the part that would have kept the id is added, and the wide rule is revoked.
   */
  replaces: z.literal(true).optional(),
  /** The ids of existing rules that look like the parts and belong to someone else. Set while the change is applied. */
  stood: z.array(z.string()).optional(),
  /**
   * Set once the change is applied: the rule that replaced the wide one, with the same id. If AWS can't modify the wide
   * rule, it is a new rule; null if an equal rule already existed.
   */
  shrunk: standingSchema.nullable().optional(),
});
export type RuleShrink = z.infer<typeof ruleShrinkSchema>;

/** Checks whether the call that closes a part of the wide rule may be in progress, or was not answered. */
export function isClosing({ unconfirmed, replaces }: RuleShrink): boolean {
  return unconfirmed === 'shrinking' || replaces === true;
}

export const ruleWidenSchema = z.object({
  kind: z.literal('security-group-rule-widen'),
  /** The security group's id. */
  resource: securityGroupIdSchema,
  /** The narrow rule as the shrinking left it; null if none of our rules replaces the wide rule. */
  before: standingSchema.nullable(),
  /** The original wide rule. */
  after: standingSchema,
  /** The parts that the shrinking planned to add. */
  pieces: z.array(pieceSchema),
  /** The parts that were added. If undefined, all rules that look like the parts count as added. */
  made: z.array(standingSchema).optional(),
  /** Set once the change is applied: the wide rule, if the change restored it; undefined if it existed before. */
  widened: standingSchema.optional(),
  /** Set once the change is applied: the added parts that were revoked. */
  revoked: z.array(standingSchema).optional(),
});
export type RuleWiden = z.infer<typeof ruleWidenSchema>;
