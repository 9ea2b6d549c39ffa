import type { Change } from '../../../changes/change.ts';
import {
  copyableTags,
  type ExistingRule,
  type IngressRule,
  ruleKey,
} from '../../../changes/security-group/ingress-rule.ts';
import { readIngressRules, readSecurityGroups } from '../../../changes/security-group/read.ts';
import type { RuleShrink, SecurityGroupRulesRevoke } from '../../../changes/security-group/schemas.ts';
import type { RuleFacts } from '../../facts.ts';
import { defineRule, type Inspection } from '../../rule.ts';
import { portsAround } from '../closed-ports.ts';
import type { OpenPorts, Options } from './facts.ts';
import { isWorld, notesOnUnjudged, reaches } from './unjudged.ts';

/** The observed state. A type, not an interface, so that it is assignable to JSON. */
type Seen = {
  name: string;
  vpc: string;
  /** All inbound rules of the group before any change, including legitimate ones. */
  rules: ExistingRule[];
};

function opens(rule: ExistingRule, { ports }: Pick<OpenPorts, 'ports'>): boolean {
  return isWorld(rule.source) && ports.some((port) => reaches(rule, port));
}

/**
 * Returns rules for everything that `rule` opens other than the closed ports, with its source, description and tags.
 */
function remainder(
  rule: ExistingRule,
  { ports }: Pick<OpenPorts, 'ports'>,
  { all_traffic }: Options,
): readonly IngressRule[] {
  const piece = (protocol: string, fromPort: number, toPort: number): IngressRule => ({
    protocol,
    fromPort,
    toPort,
    source: rule.source,
    description: rule.description,
    tags: copyableTags(rule.tags),
  });
  const around = (protocol: string, fromPort: number, toPort: number): readonly IngressRule[] =>
    portsAround(ports, protocol, { from: fromPort, to: toPort }).map(({ from, to }) =>
      piece(protocol, from, to),
    );
  if (rule.protocol !== '-1') return around(rule.protocol, rule.fromPort, rule.toPort);
  if (all_traffic === 'revoke') return [];
  return [
    ...['tcp', 'udp'].flatMap((protocol) => around(protocol, 0, 65_535)),
    piece(rule.source.includes(':') ? 'icmpv6' : 'icmp', -1, -1),
  ];
}

function noteOn(rule: ExistingRule, { all_traffic }: Options): { note: string } | undefined {
  if (rule.protocol !== '-1') return undefined;
  return {
    note:
      all_traffic === 'revoke'
        ? 'everything that it opened is closed'
        : 'protocols other than tcp, udp, and ICMP are no longer allowed',
  };
}

/** Counts the ports that a part opens; 0 if its protocol has none. */
function ports({ protocol, fromPort, toPort }: IngressRule): number {
  return protocol === 'tcp' || protocol === 'udp' ? toPort - fromPort + 1 : 0;
}

/**
 * Selects the part that keeps the wide rule's id: the largest, or the first of the largest. The others become new
 * rules.
 */
function keepLargest(
  parts: readonly IngressRule[],
): { after: IngressRule; pieces: IngressRule[] } | undefined {
  const [first, ...others] = parts;
  if (first === undefined) return undefined;
  const after = others.reduce((largest, part) => (ports(part) > ports(largest) ? part : largest), first);
  return { after, pieces: parts.filter((part) => part !== after) };
}

/**
 * Plans the changes in the order in which they are applied: first those that make room in the group, last those that
 * rely on parts which were added before.
 */
function planFor(
  resource: string,
  open: readonly ExistingRule[],
  standing: readonly ExistingRule[],
  openPorts: OpenPorts,
  options: Options,
): readonly Change[] {
  const keys = new Set(standing.map(ruleKey));
  const revokes: SecurityGroupRulesRevoke[] = [];
  const shrinks: RuleShrink[] = [];
  for (const rule of open) {
    const rest = remainder(rule, openPorts, options);
    const missing = rest.filter((part) => !keys.has(ruleKey(part)));
    const remains = rest.filter((part) => keys.has(ruleKey(part)));
    const kept = keepLargest(missing);
    const note = noteOn(rule, options);
    for (const part of missing) keys.add(ruleKey(part));
    if (kept === undefined) {
      revokes.push({ kind: 'security-group-rules-revoke', resource, rules: [rule], remains, ...note });
    } else {
      shrinks.push({
        kind: 'security-group-rule-shrink',
        resource,
        before: rule,
        ...kept,
        ...(remains.length > 0 && { remains }),
        ...note,
      });
    }
  }
  const isLast = ({ remains = [] }: SecurityGroupRulesRevoke): boolean => remains.length > 0;
  return [...revokes.filter((revoke) => !isLast(revoke)), ...shrinks, ...revokes.filter(isLast)];
}

/**
 * Creates a rule against security groups that open ports to the world. Its plan closes exactly these ports. A rule of
 * which nothing remains is revoked. A wider rule is shrunk in place, by its id, after the other parts of what it opens
 * have been added as narrower rules. All of this is one change per wide rule, so that traffic is never interrupted. A
 * part that already exists (same protocol, ports and source) is not added again, so a plan after an interrupted attempt
 * finishes its work. A part that a rule for other ports covers is added anyway, because that rule may be removed
 * independently.
 */
export function portOpenRule(facts: RuleFacts<Options> & OpenPorts) {
  const openPorts = facts;
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
          const unjudged = openPorts.ports.flatMap((port) => notesOnUnjudged(standing, port));
          const notes = unjudged.length === 0 ? {} : { notes: unjudged };
          if (!standing.some((rule) => opens(rule, openPorts))) return [id, { state: 'compliant', ...notes }];
          const seen: Seen = { name: group.name, vpc: group.vpc, rules: standing };
          return [id, { state: 'violation', seen, tags: group.tags, ...notes }];
        }),
      );
    },

    plan(resource, { rules }, options) {
      const openRules = rules.filter((rule) => opens(rule, openPorts));
      return planFor(resource, openRules, rules, openPorts, options);
    },
  });
}
