import { z } from 'zod';
import type { ChangeKind } from '../change.ts';
import { refusal } from '../refusal.ts';
import {
  existingRuleSchema,
  formatDescription,
  formatTraffic,
  type IngressRule,
  ingressRuleSchema,
  securityGroupIdSchema,
} from './ingress-rule.ts';
import { authorizeIngress } from './rules.ts';
import type { SecurityGroupRulesRevoke } from './rules-revoke.ts';

const schema = z.object({
  kind: z.literal('security-group-rules-authorize'),
  /** The security group's id. */
  resource: securityGroupIdSchema,
  rules: z.array(ingressRuleSchema.extend({ source: z.union([z.cidrv4(), z.cidrv6()]) })).min(1),
  /** Set once it is applied: the rules that it made, without those that stood there already. */
  made: z.array(existingRuleSchema).optional(),
});
export type SecurityGroupRulesAuthorize = z.infer<typeof schema>;

/** Traffic that shares source and description is named together: `tcp 20-21, tcp 23-443 from 0.0.0.0/0 "web"`. */
function formatRules(rules: readonly IngressRule[]): string {
  const traffic = new Map<string, string[]>();
  for (const rule of rules) {
    const from = `from ${rule.source}${formatDescription(rule)}`;
    traffic.set(from, [...(traffic.get(from) ?? []), formatTraffic(rule)]);
  }
  return [...traffic].map(([from, parts]) => `${parts.join(', ')} ${from}`).join('; ');
}

/**
 * Adds inbound rules to a security group: all of them, or none. It is one change, however many rules it adds, so that
 * a group without room for all of them is left as it was.
 */
export const changeKind: ChangeKind<SecurityGroupRulesAuthorize> = {
  kind: 'security-group-rules-authorize',
  schema,
  describe: (change) => `+ ingress ${formatRules(change.rules)}`,
  async apply(session, change) {
    try {
      return { ...change, made: await authorizeIngress(session, change.resource, change.rules) };
    } catch (error) {
      throw refusal(error, `security group ${change.resource}`, { gone: ['InvalidGroup.NotFound'] });
    }
  },
  inverse({ resource, made = [] }): SecurityGroupRulesRevoke | undefined {
    return made.length === 0 ? undefined : { kind: 'security-group-rules-revoke', resource, rules: made };
  },
};
