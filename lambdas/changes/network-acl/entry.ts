import { z } from 'zod';
import { canonicalCidr, isCidr, isIpv6 } from './cidr.ts';

/** An inbound entry of a network ACL. AWS evaluates entries by ascending number, and the first match decides. */
export const networkAclEntrySchema = z.object({
  ruleNumber: z.number().int().min(1).max(32766),
  action: z.enum(['allow', 'deny']),
  /** An IANA protocol number, or `-1` for all. */
  protocol: z.string(),
  /** The IPv4 or IPv6 source, in the form in which AWS stores it. */
  cidr: z.string().refine(isCidr, 'expected an IPv4 or IPv6 CIDR').transform(canonicalCidr),
  /** Set for tcp and udp. */
  ports: z.object({ from: z.number().int(), to: z.number().int() }).nullable(),
  /** Set for ICMP and ICMPv6. -1 means any. */
  icmp: z.object({ type: z.number().int(), code: z.number().int() }).nullable(),
});
export type NetworkAclEntry = z.infer<typeof networkAclEntrySchema>;

/** Describes an entry completely: `100 allow all from 10.0.0.0/16`. Two entries are equal if their descriptions are. */
export function describeEntry(entry: NetworkAclEntry): string {
  const names: Record<string, string> = { '-1': 'all', '1': 'icmp', '6': 'tcp', '17': 'udp', '58': 'icmpv6' };
  const { ports, icmp } = entry;
  const range =
    ports === null ? '' : ` ${ports.from === ports.to ? ports.from : `${ports.from}-${ports.to}`}`;
  const type = icmp === null || icmp.type === -1 ? '' : ` type ${icmp.type}`;
  const code = icmp === null || icmp.code === -1 ? '' : ` code ${icmp.code}`;
  return `${entry.ruleNumber} ${entry.action} ${names[entry.protocol] ?? `protocol ${entry.protocol}`}${range}${type}${code} from ${canonicalCidr(entry.cidr)}`;
}

export const sameEntry = (one: NetworkAclEntry, other: NetworkAclEntry): boolean =>
  describeEntry(one) === describeEntry(other);

export const byNumber = (one: NetworkAclEntry, other: NetworkAclEntry): number =>
  one.ruleNumber - other.ruleNumber;

/** Converts an entry to the parameters of CreateNetworkAclEntry and ReplaceNetworkAclEntry. */
export function entryParameters(networkAclId: string, entry: NetworkAclEntry) {
  const { ports, icmp } = entry;
  return {
    NetworkAclId: networkAclId,
    Egress: false,
    RuleNumber: entry.ruleNumber,
    RuleAction: entry.action,
    Protocol: entry.protocol,
    ...(isIpv6(entry.cidr) ? { Ipv6CidrBlock: entry.cidr } : { CidrBlock: entry.cidr }),
    ...(ports === null ? {} : { PortRange: { From: ports.from, To: ports.to } }),
    ...(icmp === null ? {} : { IcmpTypeCode: { Type: icmp.type, Code: icmp.code } }),
  };
}

/** An entry as DescribeNetworkAcls returns it. */
interface AwsEntry {
  RuleNumber?: number | undefined;
  RuleAction?: string | undefined;
  Protocol?: string | undefined;
  CidrBlock?: string | undefined;
  Ipv6CidrBlock?: string | undefined;
  PortRange?: { From?: number | undefined; To?: number | undefined } | undefined;
  IcmpTypeCode?: { Type?: number | undefined; Code?: number | undefined } | undefined;
  Egress?: boolean | undefined;
}

/** Returns the inbound entries sorted by number, without AWS's unchangeable default entries (32767, 32768). */
export function inboundEntries(entries: readonly AwsEntry[]): NetworkAclEntry[] {
  return entries
    .filter((entry) => entry.Egress !== true && (entry.RuleNumber ?? 32767) < 32767)
    .map((entry) =>
      networkAclEntrySchema.parse({
        ruleNumber: entry.RuleNumber,
        action: entry.RuleAction,
        protocol: entry.Protocol,
        cidr: entry.CidrBlock ?? entry.Ipv6CidrBlock,
        ports:
          entry.PortRange?.From === undefined || entry.PortRange.To === undefined
            ? null
            : { from: entry.PortRange.From, to: entry.PortRange.To },
        icmp:
          entry.IcmpTypeCode?.Type === undefined || entry.IcmpTypeCode.Code === undefined
            ? null
            : { type: entry.IcmpTypeCode.Type, code: entry.IcmpTypeCode.Code },
      }),
    )
    .sort(byNumber);
}
