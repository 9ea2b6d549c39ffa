import { z } from 'zod';
import {
  type ExistingRule,
  existingRuleSchema,
  ingressRuleSchema,
  securityGroupIdSchema,
} from './ingress-rule.ts';

/**
 * The changes of security groups' rules as data. They stand in one place because a change and its inverse name each
 * other.
 */

const source = z.union([z.cidrv4(), z.cidrv6()]);
/** A rule that is to be added. */
const pieceSchema = ingressRuleSchema.extend({ source });
/** A rule that exists, or existed. */
const standingSchema = existingRuleSchema.extend({ source });

export const rulesAuthorizeSchema = z.object({
  kind: z.literal('security-group-rules-authorize'),
  /** The security group's id. */
  resource: securityGroupIdSchema,
  rules: z.array(pieceSchema).min(1),
  /** Set once it is applied: the rules that it made, without those that stood there already. */
  made: z.array(existingRuleSchema).optional(),
});
export type SecurityGroupRulesAuthorize = z.infer<typeof rulesAuthorizeSchema>;

export const rulesRevokeSchema = z.object({
  kind: z.literal('security-group-rules-revoke'),
  /** The security group's id. */
  resource: securityGroupIdSchema,
  rules: z.array(standingSchema).min(1),
  /**
   * Set by a plan, undefined in an undo: what of the rules stays open by other rules. These must still stand, and the
   * rules to be revoked must be what the plan saw; in an undo, a rule that is gone already is success.
   */
  remains: z.array(ingressRuleSchema).optional(),
  /** Note for a person to read before it is made, for instance what ends with it. */
  note: z.string().optional(),
  /** Set once it is applied: the rules that it removed, without those that were gone already. */
  revoked: z.array(standingSchema).optional(),
});
export type SecurityGroupRulesRevoke = z.infer<typeof rulesRevokeSchema>;

/** The change that takes rules out which an earlier one made. */
export function revocation(resource: string, rules: readonly ExistingRule[]): SecurityGroupRulesRevoke {
  return { kind: 'security-group-rules-revoke', resource, rules: [...rules] };
}

/** The change that took rules out, as it is recorded. */
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
  /** The wide rule as it was seen; once it is shrunk, as it stood at the write. */
  before: standingSchema,
  /** The part of it that keeps its id. */
  after: pieceSchema,
  /** The other parts that are added as rules; they share one set of tags. None of them stood there. */
  pieces: z.array(pieceSchema),
  /** Parts that stood there as rules already: they stay, and an undo leaves them. */
  remains: z.array(pieceSchema).optional(),
  /** Note for a person to read before it is made, for instance what ends with it. */
  note: z.string().optional(),
  /** Set as it is applied: the rules that were added. */
  made: z.array(standingSchema).optional(),
  /** Set in the note that is written before the first call: from then on, calls of the change may have been made. */
  mayBeMade: z.literal(true).optional(),
  /** Set while a call is on its way, and left where its answer was lost: the one that adds rules, or the one that closes. */
  unconfirmed: z.enum(['adding', 'shrinking']).optional(),
  /** Set where AWS did not modify the wide rule: the part that was to keep the id is added, and the wide rule revoked. */
  replaces: z.literal(true).optional(),
  /** The ids of rules that look like its parts and stood before they were added: someone else's. Set while it is applied. */
  stood: z.array(z.string()).optional(),
  /**
   * Set once it is applied: the rule that stands in the wide one's place, with its id. Where AWS did not modify the wide
   * rule, it is a new one, or null if someone else's stood there already.
   */
  shrunk: standingSchema.nullable().optional(),
});
export type RuleShrink = z.infer<typeof ruleShrinkSchema>;

/** Reports whether the call may be on its way that closes a part of the wide rule, or its answer was lost. */
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
  /** The parts that were to be added when it was shrunk. */
  pieces: z.array(pieceSchema),
  /** Parts that were added; undefined if that is not known, so that all that look like them are taken for them. */
  made: z.array(standingSchema).optional(),
  /** Set once it is applied: the wide rule that exists now; undefined if one existed before. */
  widened: standingSchema.optional(),
  /** Set once it is applied: the added parts that were revoked. */
  revoked: z.array(standingSchema).optional(),
});
export type RuleWiden = z.infer<typeof ruleWidenSchema>;
