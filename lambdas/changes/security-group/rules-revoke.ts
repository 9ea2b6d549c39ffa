import { z } from 'zod';
import type { ChangeKind } from '../change.ts';
import {
  copyableTags,
  existingRuleSchema,
  formatDescription,
  formatTraffic,
  securityGroupIdSchema,
} from './ingress-rule.ts';
import { revokeIngress } from './rules.ts';
import type { SecurityGroupRulesAuthorize } from './rules-authorize.ts';

const ruleSchema = existingRuleSchema.extend({ source: z.union([z.cidrv4(), z.cidrv6()]) });

const schema = z.object({
  kind: z.literal('security-group-rules-revoke'),
  /** The security group's id. */
  resource: securityGroupIdSchema,
  rules: z.array(ruleSchema).min(1),
  /** What a person should know before it is made, for instance what ends with it. */
  note: z.string().optional(),
  /** Set once it is applied: the rules that it took out, without those that were gone already. */
  revoked: z.array(ruleSchema).optional(),
});
export type SecurityGroupRulesRevoke = z.infer<typeof schema>;

/** Takes inbound rules out of a security group, by their ids. Other rules are not touched, however alike. */
export const changeKind: ChangeKind<SecurityGroupRulesRevoke> = {
  kind: 'security-group-rules-revoke',
  schema,
  describe({ rules, note }) {
    const lines = rules.map(
      (rule) => `${formatTraffic(rule)} from ${rule.source}${formatDescription(rule)} (${rule.id})`,
    );
    return `- ingress ${lines.join('; ')}${note === undefined ? '' : `: ${note}`}`;
  },
  async apply(session, change) {
    return { ...change, revoked: await revokeIngress(session, change.resource, change.rules) };
  },
  /**
   * Puts back what was taken out, with its description and tags; AWS gives it a new id. Of a change that was cut off
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
