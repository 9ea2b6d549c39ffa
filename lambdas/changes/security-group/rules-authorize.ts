import { ec2Writes } from '../../aws/pace.ts';
import type { ChangeKind } from '../change.ts';
import { authorizeRules } from './authorize.ts';
import {
  type ExistingRule,
  formatDescription,
  formatTraffic,
  type IngressRule,
  stands,
} from './ingress-rule.ts';
import { readRulesOf } from './read.ts';
import { takeBackRules, withoutRules } from './revoke.ts';
import { revocation, revoked, rulesAuthorizeSchema, type SecurityGroupRulesAuthorize } from './schemas.ts';

/** Formats rules, grouped by source and description: `tcp 20-21, tcp 23-443 from 0.0.0.0/0 "web"`. */
function formatRules(rules: readonly IngressRule[]): string {
  const traffic = new Map<string, string[]>();
  for (const rule of rules) {
    const from = `from ${rule.source}${formatDescription(rule)}`;
    traffic.set(from, [...(traffic.get(from) ?? []), formatTraffic(rule)]);
  }
  return [...traffic].map(([from, parts]) => `${parts.join(', ')} ${from}`).join('; ');
}

/**
 * Adds inbound rules to a security group with one call per rule, all of them or none. Existing rules remain unchanged.
 * A read that shows a rule may be older than its removal, so AWS is called for each rule.
 */
export const changeKind: ChangeKind<SecurityGroupRulesAuthorize> = {
  kind: 'security-group-rules-authorize',
  schema: rulesAuthorizeSchema,
  pace: ec2Writes,
  calls: ({ rules }) => Math.max(1, rules.length),
  describe: (change) => `+ ingress ${formatRules(change.rules)}`,
  async apply(session, change, note, { tookBack }) {
    const { resource, rules } = change;
    const before = await readRulesOf(session, resource);
    let made: ExistingRule[] = [];
    for (const rule of rules) {
      try {
        made.push(...(await authorizeRules(session, resource, [rule], before, { mayLag: true })));
      } catch (error) {
        await takeBackRules(session, resource, made, {
          onRevoked(rules) {
            const part: SecurityGroupRulesAuthorize = { ...change, made: [...rules] };
            tookBack({ made: part, taken: revoked(resource, rules) });
            made = withoutRules(made, rules);
            note({ ...change, made }, made.length > 0);
          },
        });
        note({ ...change, made: [] }, false);
        throw error;
      }
      note({ ...change, made: [...made] });
    }
    return { ...change, made };
  },
  async differs(session, { resource, rules }) {
    const standing = await readRulesOf(session, resource);
    const gone = rules.find((rule) => !stands(rule, standing));
    return gone === undefined ? undefined : `it does not have the rule ${formatRules([gone])}`;
  },
  inverse: ({ resource, made = [] }) => (made.length === 0 ? undefined : revocation(resource, made)),
};
