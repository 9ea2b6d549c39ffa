import {
  copyableTags,
  type ExistingRule,
  type IngressRule,
  ruleKey,
} from '../../../changes/security-group/ingress-rule.ts';
import { readIngressRules, readSecurityGroups } from '../../../changes/security-group/rules.ts';
import type { SecurityGroupRulesAuthorize } from '../../../changes/security-group/rules-authorize.ts';
import type { SecurityGroupRulesRevoke } from '../../../changes/security-group/rules-revoke.ts';
import type { RuleFacts } from '../../facts.ts';
import { defineRule, type Inspection } from '../../rule.ts';
import type { OpenPort, Options } from './facts.ts';

/** A type, not an interface, so that it is JSON. */
type Seen = {
  name: string;
  vpc: string;
  /** All inbound rules of the group, the legitimate ones too: what stood there before anything was changed. */
  rules: ExistingRule[];
};

/**
 * Netskope's rule names `0.0.0.0/0`; `::/0` is the same hole. Narrower blocks are not the world, even if several of
 * them together are, and neither are prefix lists: what is in those is decided elsewhere.
 */
function isWorld(source: string): boolean {
  return source.endsWith('/0');
}

function opens(rule: ExistingRule, { port, protocols }: OpenPort): boolean {
  if (!isWorld(rule.source)) return false;
  if (rule.protocol === '-1') return true;
  return (
    protocols.some((protocol) => protocol === rule.protocol) && rule.fromPort <= port && port <= rule.toPort
  );
}

/** What `rule` opens besides the port, as rules of its own with its source, description and tags. */
function remainder(rule: ExistingRule, openPort: OpenPort, { all_traffic }: Options): readonly IngressRule[] {
  const piece = (protocol: string, fromPort: number, toPort: number): IngressRule => ({
    protocol,
    fromPort,
    toPort,
    source: rule.source,
    description: rule.description,
    tags: copyableTags(rule.tags),
  });
  const { port, protocols } = openPort;
  const around = (protocol: string, fromPort: number, toPort: number): readonly IngressRule[] => [
    ...(fromPort < port ? [piece(protocol, fromPort, port - 1)] : []),
    ...(port < toPort ? [piece(protocol, port + 1, toPort)] : []),
  ];
  if (rule.protocol !== '-1') return around(rule.protocol, rule.fromPort, rule.toPort);
  if (all_traffic === 'revoke') return [];
  return [
    ...(['tcp', 'udp'] as const).flatMap((protocol) =>
      protocols.includes(protocol) ? around(protocol, 0, 65_535) : [piece(protocol, 0, 65_535)],
    ),
    piece(rule.source.includes(':') ? 'icmpv6' : 'icmp', -1, -1),
  ];
}

function noteOn(rule: ExistingRule, { all_traffic }: Options): { note: string } | undefined {
  if (rule.protocol !== '-1') return undefined;
  return {
    note:
      all_traffic === 'revoke'
        ? 'all that it opened ends with it'
        : 'protocols other than tcp, udp and ICMP end with it',
  };
}

/**
 * A rule against security groups that open a port to the world. Its plan closes exactly that port: a rule that opens
 * nothing else is revoked by its id; of a wider one, what it opens besides is added first as narrower rules, in one
 * change that AWS makes whole or not at all, and only then is the wide one revoked, so that nothing is cut in
 * between. A piece that stands there already (same protocol, ports and source) is not added again, so a plan made
 * after one that was cut off finishes its work. A piece that a rule of other ports covers is added all the same: that
 * rule may go for reasons of its own.
 */
export function portOpenRule(facts: RuleFacts<Options> & OpenPort) {
  const openPort = facts;
  return defineRule<Seen, Options>(facts, {
    async inspect(session, resources) {
      const [groups, rules] = await Promise.all([
        readSecurityGroups(session, resources),
        readIngressRules(session, resources),
      ]);
      return new Map(
        resources.map((id): [string, Inspection<Seen>] => {
          const group = groups.get(id);
          if (group === undefined) return [id, { state: 'gone' }];
          if (group.owner !== session.account) {
            return [
              id,
              {
                state: 'not_applicable',
                reason: `the group belongs to account ${group.owner}, which shares it with ${session.account}: only its owner can change it`,
              },
            ];
          }
          const standing = rules.get(id) ?? [];
          if (!standing.some((rule) => opens(rule, openPort))) return [id, { state: 'compliant' }];
          const seen: Seen = { name: group.name, vpc: group.vpc, rules: standing };
          return [id, { state: 'violation', seen, tags: group.tags }];
        }),
      );
    },

    plan(resource, seen, options) {
      const open = seen.rules.filter((rule) => opens(rule, openPort));
      const keys = new Set(seen.rules.map(ruleKey));
      const missing: IngressRule[] = [];
      for (const rule of open.flatMap((wide) => remainder(wide, openPort, options))) {
        if (keys.has(ruleKey(rule))) continue;
        keys.add(ruleKey(rule));
        missing.push(rule);
      }
      const authorize: SecurityGroupRulesAuthorize[] =
        missing.length === 0 ? [] : [{ kind: 'security-group-rules-authorize', resource, rules: missing }];
      const revokes = open.map(
        (rule): SecurityGroupRulesRevoke => ({
          kind: 'security-group-rules-revoke',
          resource,
          rules: [rule],
          ...noteOn(rule, options),
        }),
      );
      return [...authorize, ...revokes];
    },
  });
}
