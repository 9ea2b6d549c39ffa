import type { NetworkAcl } from '@aws-sdk/client-ec2';
import { z } from 'zod';
import { isAwsError } from '../../aws/errors.ts';
import type { AwsSession } from '../../aws/session.ts';
import { ChangeRefusedError } from '../../model/errors.ts';

/** One inbound entry of a network ACL. AWS evaluates entries by ascending number; the first that matches decides. */
export const networkAclEntrySchema = z.object({
  ruleNumber: z.number().int().min(1).max(32766),
  action: z.enum(['allow', 'deny']),
  /** An IANA protocol number, or `-1` for all. */
  protocol: z.string(),
  /** An IPv4 or IPv6 source. */
  cidr: z.string(),
  /** Set for tcp and udp. */
  ports: z.object({ from: z.number().int(), to: z.number().int() }).nullable(),
  /** Set for ICMP and ICMPv6; -1 is any. */
  icmp: z.object({ type: z.number().int(), code: z.number().int() }).nullable(),
});
export type NetworkAclEntry = z.infer<typeof networkAclEntrySchema>;

export const isIpv6 = (cidr: string): boolean => cidr.includes(':');

/** `100 allow all from 10.0.0.0/16`. */
export function describeEntry(entry: NetworkAclEntry): string {
  const names: Record<string, string> = { '-1': 'all', '1': 'icmp', '6': 'tcp', '17': 'udp', '58': 'icmpv6' };
  const { ports, icmp } = entry;
  const range =
    ports === null ? '' : ` ${ports.from === ports.to ? ports.from : `${ports.from}-${ports.to}`}`;
  const type = icmp === null || icmp.type === -1 ? '' : ` type ${icmp.type}`;
  const code = icmp === null || icmp.code === -1 ? '' : ` code ${icmp.code}`;
  return `${entry.ruleNumber} ${entry.action} ${names[entry.protocol] ?? `protocol ${entry.protocol}`}${range}${type}${code} from ${entry.cidr}`;
}

/** The entry as the EC2 API names its parts, for CreateNetworkAclEntry and ReplaceNetworkAclEntry. */
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

/** An entry as DescribeNetworkAcls gives it. */
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

/** The inbound entries, by number, without the one that AWS puts last and that can't be changed (32767). */
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
    .sort((one, other) => one.ruleNumber - other.ruleNumber);
}

export function sameEntry(one: NetworkAclEntry, other: NetworkAclEntry): boolean {
  return (
    one.ruleNumber === other.ruleNumber &&
    one.action === other.action &&
    one.protocol === other.protocol &&
    one.cidr === other.cidr &&
    one.ports?.from === other.ports?.from &&
    one.ports?.to === other.ports?.to &&
    one.icmp?.type === other.icmp?.type &&
    one.icmp?.code === other.icmp?.code
  );
}

/** The code by which EC2 says that a network ACL is gone. */
export const networkAclGone = 'InvalidNetworkAclID.NotFound';

/** Reads network ACLs, in one call where all of them are there. @returns those that are */
export async function readNetworkAcls(session: AwsSession, ids: readonly string[]): Promise<NetworkAcl[]> {
  const { EC2Client, paginateDescribeNetworkAcls } = await import('../../aws/ec2.ts');
  const acls: NetworkAcl[] = [];
  try {
    const pages = paginateDescribeNetworkAcls(
      { client: session.client(EC2Client) },
      { NetworkAclIds: [...ids] },
    );
    for await (const page of pages) acls.push(...(page.NetworkAcls ?? []));
    return acls;
  } catch (error) {
    if (!isAwsError(error, networkAclGone)) throw error;
    // EC2 refuses the whole call for one that is gone: so one by one.
    const single: NetworkAcl[] = [];
    if (ids.length > 1) for (const id of ids) single.push(...(await readNetworkAcls(session, [id])));
    return single;
  }
}

/**
 * The entry that stands at this number now, or undefined. An entry is named by its number alone, so what is taken
 * away is looked at once more: someone may have put another entry there since the plan was made.
 */
export async function readEntry(
  session: AwsSession,
  networkAclId: string,
  ruleNumber: number,
): Promise<NetworkAclEntry | undefined> {
  const [acl] = await readNetworkAcls(session, [networkAclId]);
  return inboundEntries(acl?.Entries ?? []).find((entry) => entry.ruleNumber === ruleNumber);
}

/** The refusal to touch an entry that is not the one that the plan showed. */
export function changedMeanwhile(
  networkAclId: string,
  found: NetworkAclEntry | undefined,
  planned: NetworkAclEntry,
): ChangeRefusedError {
  return new ChangeRefusedError(
    `network ACL ${networkAclId} was changed meanwhile: ${found === undefined ? 'no entry' : `entry ${describeEntry(found)}`} stands where the plan had ${describeEntry(planned)}; it was left as it is`,
  );
}
