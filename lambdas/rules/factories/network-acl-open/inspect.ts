import type { NetworkAcl, Vpc } from '@aws-sdk/client-ec2';
import { chunks, EC2_FILTER_VALUES } from '../../../aws/batches.ts';
import type { AwsSession } from '../../../aws/session.ts';
import { tagMap } from '../../../aws/tags.ts';
import { readNetworkAcls, subnetsOf } from '../../../changes/network-acl/calls.ts';
import { inboundEntries, type NetworkAclEntry } from '../../../changes/network-acl/entry.ts';
import type { Inspection } from '../../rule.ts';
import type { Opening } from './opening.ts';

/** A subnet of a network ACL, and its address families. */
export type Subnet = { id: string; ipv4: boolean; ipv6: boolean };

export type Seen = {
  isDefault: boolean;
  /** The subnets that the ACL is associated with. */
  subnets: Subnet[];
  /** The CIDRs of the ACL's VPC, in both families. */
  vpcCidrs: string[];
  /** The inbound entries, by number. */
  entries: NetworkAclEntry[];
};

/** Returns the associated CIDRs of a VPC, in both families. */
function cidrsOf(vpc: Vpc): string[] {
  const associated = [
    ...(vpc.CidrBlockAssociationSet ?? []).map(({ CidrBlock, CidrBlockState }) => ({
      cidr: CidrBlock,
      state: CidrBlockState?.State,
    })),
    ...(vpc.Ipv6CidrBlockAssociationSet ?? []).map(({ Ipv6CidrBlock, Ipv6CidrBlockState }) => ({
      cidr: Ipv6CidrBlock,
      state: Ipv6CidrBlockState?.State,
    })),
  ].flatMap(({ cidr, state }) => (cidr !== undefined && state === 'associated' ? [cidr] : []));
  return [...new Set([...(vpc.CidrBlock === undefined ? [] : [vpc.CidrBlock]), ...associated])];
}

async function readVpcCidrs(session: AwsSession, ids: readonly string[]): Promise<Map<string, string[]>> {
  const { EC2Client, paginateDescribeVpcs } = await import('../../../aws/ec2.ts');
  const cidrs = new Map<string, string[]>();
  const pages = paginateDescribeVpcs(
    { client: session.client(EC2Client) },
    { Filters: [{ Name: 'vpc-id', Values: [...ids] }] },
  );
  for await (const { Vpcs = [] } of pages) {
    for (const vpc of Vpcs) cidrs.set(vpc.VpcId ?? '', cidrsOf(vpc));
  }
  return cidrs;
}

/**
 * Reads the address families of subnets. A block that is being associated or disassociated counts, because it may still
 * carry traffic. A subnet that EC2 does not list, because it is new, may have both.
 */
async function readSubnets(session: AwsSession, ids: readonly string[]): Promise<Map<string, Subnet>> {
  const { EC2Client, paginateDescribeSubnets } = await import('../../../aws/ec2.ts');
  const subnets = new Map(ids.map((id) => [id, { id, ipv4: true, ipv6: true }]));
  for (const Values of chunks(ids, EC2_FILTER_VALUES)) {
    const pages = paginateDescribeSubnets(
      { client: session.client(EC2Client) },
      { Filters: [{ Name: 'subnet-id', Values }] },
    );
    for await (const { Subnets = [] } of pages) {
      for (const { SubnetId: id = '', CidrBlock, Ipv6CidrBlockAssociationSet = [] } of Subnets) {
        const ipv6 = Ipv6CidrBlockAssociationSet.some(
          ({ Ipv6CidrBlockState }) => !['disassociated', 'failed'].includes(Ipv6CidrBlockState?.State ?? ''),
        );
        subnets.set(id, { id, ipv4: (CidrBlock ?? '') !== '', ipv6 });
      }
    }
  }
  return subnets;
}

/**
 * Inspects an ACL without reading its VPC and subnets. @returns undefined if it violates the rule and can be changed
 */
function settled(
  acl: NetworkAcl,
  account: string,
  { opens, condition }: Opening,
): Inspection<Seen> | undefined {
  if (acl.OwnerId !== undefined && acl.OwnerId !== account) {
    return {
      state: 'not_applicable',
      reason: `network ACL ${acl.NetworkAclId} belongs to account ${acl.OwnerId}, which shares its VPC: only the owner can change it`,
    };
  }
  if (!inboundEntries(acl.Entries ?? []).some(opens)) return { state: 'compliant' };
  const reason = condition?.({ isDefault: acl.IsDefault === true, subnets: subnetsOf(acl) });
  return reason === undefined ? undefined : { state: 'not_applicable', reason };
}

/**
 * Reads network ACLs and, for those that violate the rule, the CIDRs of their VPCs and the address families of their
 * subnets.
 */
export async function inspectNetworkAcls(
  session: AwsSession,
  resources: readonly string[],
  opening: Opening,
): Promise<Map<string, Inspection<Seen>>> {
  const inspections = new Map<string, Inspection<Seen>>(
    resources.map((resource) => [resource, { state: 'gone' }]),
  );
  const violating: NetworkAcl[] = [];
  for (const acl of await readNetworkAcls(session, resources)) {
    const inspection = settled(acl, session.account, opening);
    if (inspection === undefined) violating.push(acl);
    else inspections.set(acl.NetworkAclId ?? '', inspection);
  }
  if (violating.length === 0) return inspections;
  const [vpcs, families] = await Promise.all([
    readVpcCidrs(session, [...new Set(violating.map(({ VpcId = '' }) => VpcId))]),
    readSubnets(session, violating.flatMap(subnetsOf)),
  ]);
  for (const acl of violating) {
    inspections.set(acl.NetworkAclId ?? '', {
      state: 'violation',
      seen: {
        isDefault: acl.IsDefault === true,
        subnets: subnetsOf(acl).flatMap((id) => families.get(id) ?? []),
        vpcCidrs: vpcs.get(acl.VpcId ?? '') ?? [],
        entries: inboundEntries(acl.Entries ?? []),
      },
      tags: tagMap(acl.Tags),
    });
  }
  return inspections;
}
