import { z } from 'zod';
import type { ChangeKind } from '../change.ts';
import { authorizeRules } from './authorize.ts';
import {
  type ExistingRule,
  existingRuleSchema,
  formatDescription,
  formatTraffic,
  type IngressRule,
  ingressRuleSchema,
  securityGroupIdSchema,
} from './ingress-rule.ts';
import { readRulesOf } from './read.ts';
import { takeBackRules } from './revoke.ts';
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
 * Adds inbound rules to a security group, by a call each: all of them, or none. A rule that stands there already is left
 * as it is.
 */
export const changeKind: ChangeKind<SecurityGroupRulesAuthorize> = {
  kind: 'security-group-rules-authorize',
  schema,
  describe: (change) => `+ ingress ${formatRules(change.rules)}`,
  async apply(session, change, note) {
    const { resource, rules } = change;
    const before = await readRulesOf(session, resource);
    const made: ExistingRule[] = [];
    for (const rule of rules) {
      try {
        made.push(...(await authorizeRules(session, resource, [rule], before)));
      } catch (error) {
        await takeBackRules(session, resource, made);
        throw error;
      }
      note({ ...change, made: [...made] });
    }
    return { ...change, made };
  },
  inverse({ resource, made = [] }): SecurityGroupRulesRevoke | undefined {
    return made.length === 0 ? undefined : { kind: 'security-group-rules-revoke', resource, rules: made };
  },
};
