import { z } from 'zod';

/** The id of a security group: `sg-` and 8 or 17 hexadecimal digits. */
export const securityGroupIdSchema = z
  .string()
  .regex(/^sg-(?:[0-9a-f]{8}|[0-9a-f]{17})$/, 'expected the id of a security group, sg-…');

/** An AWS tag set as a plain object. */
export const tagsSchema = z.record(z.string(), z.string());

/**
 * An inbound rule of a security group, in a normalized form. A protocol has the name that EC2 uses (`tcp`, `udp`,
 * `icmp`, `icmpv6`) or its number; `-1` means all traffic. Ports are 0–65535 if the rule has none. For ICMP, they are
 * the type and the code, with `-1` for all. For protocols without ports, they are `-1`. See `IpPermission` in the EC2
 * API reference.
 */
export const ingressRuleSchema = z.object({
  protocol: z.string().regex(/^(-1|tcp|udp|icmp|icmpv6|\d{1,3})$/, 'expected a protocol name, number or -1'),
  fromPort: z.number().int().min(-1).max(65_535),
  toPort: z.number().int().min(-1).max(65_535),
  /** The source of the traffic: a CIDR block, a group id, or a prefix list id. */
  source: z.string().min(1),
  /** The description; empty if there is none. */
  description: z.string(),
  tags: tagsSchema,
});
export type IngressRule = z.infer<typeof ingressRuleSchema>;

/** A rule that exists in a group, with the id that AWS gave it. */
export const existingRuleSchema = ingressRuleSchema.extend({
  id: z.string().regex(/^sgr-[0-9a-f]+$/, 'expected the id of a security group rule, sgr-…'),
});
export type ExistingRule = z.infer<typeof existingRuleSchema>;

const protocolNames: Readonly<Record<string, string>> = {
  '1': 'icmp',
  '6': 'tcp',
  '17': 'udp',
  '58': 'icmpv6',
  all: '-1',
};

/** Converts the protocol and ports in EC2's answer, which may omit them, to the form of `IngressRule`. */
export function normalizePorts(
  ipProtocol: string,
  fromPort: number | undefined,
  toPort: number | undefined,
): Pick<IngressRule, 'protocol' | 'fromPort' | 'toPort'> {
  const protocol = protocolNames[ipProtocol.toLowerCase()] ?? ipProtocol.toLowerCase();
  switch (protocol) {
    case 'tcp':
    case 'udp':
      // A rule without ports opens all of them.
      return fromPort === undefined || fromPort < 0 || toPort === undefined || toPort < 0
        ? { protocol, fromPort: 0, toPort: 65_535 }
        : { protocol, fromPort, toPort };
    case 'icmp':
    case 'icmpv6':
      return { protocol, fromPort: fromPort ?? -1, toPort: toPort ?? -1 };
    default:
      return { protocol, fromPort: -1, toPort: -1 };
  }
}

/**
 * Returns the key by which AWS distinguishes the rules of a group: no two rules have the same protocol, ports, and
 * source, even with different descriptions.
 */
export function ruleKey(rule: IngressRule): string {
  return `${rule.protocol} ${rule.fromPort}-${rule.toPort} ${rule.source}`;
}

/** Formats the traffic of a rule: `tcp 22`, `tcp 20-443`, `icmp`, `icmp type 8 code 0`, `all traffic`, `protocol 50`. */
export function formatTraffic(rule: IngressRule): string {
  const { protocol, fromPort, toPort } = rule;
  switch (protocol) {
    case '-1':
      return 'all traffic';
    case 'tcp':
    case 'udp':
      return fromPort === toPort ? `${protocol} ${fromPort}` : `${protocol} ${fromPort}-${toPort}`;
    case 'icmp':
    case 'icmpv6':
      if (fromPort === -1) return protocol;
      return toPort === -1 ? `${protocol} type ${fromPort}` : `${protocol} type ${fromPort} code ${toPort}`;
    default:
      return `protocol ${protocol}`;
  }
}

/** Formats the description of a rule for a plan: quoted, with a leading space. Empty if there is none. */
export function formatDescription(rule: IngressRule): string {
  return rule.description === '' ? '' : ` ${JSON.stringify(rule.description)}`;
}

/** Checks whether one of the rules has the same protocol, ports, and source. */
export function stands(rule: IngressRule, among: readonly IngressRule[]): boolean {
  const key = ruleKey(rule);
  return among.some((other) => ruleKey(other) === key);
}

/** Checks whether `rule` allows all traffic that `piece` allows. */
export function covers(rule: IngressRule, piece: IngressRule): boolean {
  if (rule.source !== piece.source) return false;
  if (rule.protocol === '-1') return true;
  if (rule.protocol !== piece.protocol) return false;
  if (rule.protocol !== 'tcp' && rule.protocol !== 'udp') return ruleKey(rule) === ruleKey(piece);
  return rule.fromPort <= piece.fromPort && piece.toPort <= rule.toPort;
}

/** Formats a rule: `tcp 20-443 from 0.0.0.0/0 "web" (sgr-…)`. */
export function formatRule(rule: ExistingRule): string {
  return `${formatTraffic(rule)} from ${rule.source}${formatDescription(rule)} (${rule.id})`;
}

/** Returns the tags that a copy of the rule may have. AWS reserves keys that begin with `aws:`. */
export function copyableTags(tags: IngressRule['tags']): IngressRule['tags'] {
  return Object.fromEntries(Object.entries(tags).filter(([key]) => !key.toLowerCase().startsWith('aws:')));
}

/** Checks whether two tag sets are equal. */
export function sameTags(a: IngressRule['tags'], b: IngressRule['tags']): boolean {
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => a[key] === b[key]);
}

/** Checks whether two rules are equal except for their ids and the tags that AWS reserves. */
export function looksLike(a: IngressRule, b: IngressRule): boolean {
  return (
    ruleKey(a) === ruleKey(b) &&
    a.description === b.description &&
    sameTags(copyableTags(a.tags), copyableTags(b.tags))
  );
}
