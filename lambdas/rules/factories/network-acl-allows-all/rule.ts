import { BlockList } from 'node:net';
import type { AwsSession } from '../../../aws/session.ts';
import { tagMap } from '../../../aws/tags.ts';
import {
  inboundEntries,
  isIpv6,
  type NetworkAclEntry,
  readNetworkAcls,
} from '../../../changes/network-acl/entry.ts';
import type { NetworkAclEntryCreate } from '../../../changes/network-acl/entry-create.ts';
import type { NetworkAclEntryDelete } from '../../../changes/network-acl/entry-delete.ts';
import type { NetworkAclEntryReplace } from '../../../changes/network-acl/entry-replace.ts';
import type { Inspection, NoCure } from '../../rule.ts';
import type { Options } from './facts.ts';

/**
 * The remediation that two rules share: an inbound entry that allows everything from everywhere is taken out of a
 * network ACL, with narrower entries put in first where the options name them.
 */

export type Seen = {
  isDefault: boolean;
  /** The subnets that the ACL is associated with. */
  subnets: string[];
  /** The CIDRs of the ACL's VPC, both families. */
  vpcCidrs: string[];
  /** The inbound entries, by number. */
  entries: NetworkAclEntry[];
};

const WORLD: readonly string[] = ['0.0.0.0/0', '::/0'];

/** Whether the entry allows every protocol from everywhere: the violation. */
export const allowsAll = (entry: NetworkAclEntry): boolean =>
  entry.action === 'allow' && entry.protocol === '-1' && WORLD.includes(entry.cidr);

/**
 * Reads the ACLs, and the CIDRs of the VPCs of those that violate the rule.
 * @param condition why the rule does not concern this ACL, or undefined when it does
 */
export async function inspectNetworkAcls(
  session: AwsSession,
  resources: readonly string[],
  condition: (acl: { isDefault: boolean; subnets: readonly string[] }) => string | undefined,
): Promise<Map<string, Inspection<Seen>>> {
  const { EC2Client, paginateDescribeVpcs } = await import('../../../aws/ec2.ts');
  const client = session.client(EC2Client);
  const inspections = new Map<string, Inspection<Seen>>(
    resources.map((resource) => [resource, { state: 'gone' }]),
  );
  const violating: { id: string; vpc: string; seen: Omit<Seen, 'vpcCidrs'>; tags: Record<string, string> }[] =
    [];
  for (const acl of await readNetworkAcls(session, resources)) {
    const id = acl.NetworkAclId ?? '';
    if (acl.OwnerId !== undefined && acl.OwnerId !== session.account) {
      inspections.set(id, {
        state: 'not_applicable',
        reason: `network ACL ${id} belongs to account ${acl.OwnerId}, which shares its VPC: only the owner can change it`,
      });
      continue;
    }
    const isDefault = acl.IsDefault === true;
    const subnets = (acl.Associations ?? []).flatMap(({ SubnetId }) =>
      SubnetId === undefined ? [] : [SubnetId],
    );
    const reason = condition({ isDefault, subnets });
    const entries = inboundEntries(acl.Entries ?? []);
    if (!entries.some(allowsAll)) inspections.set(id, { state: 'compliant' });
    else if (reason !== undefined) inspections.set(id, { state: 'not_applicable', reason });
    else {
      const tags = tagMap(acl.Tags);
      violating.push({ id, vpc: acl.VpcId ?? '', seen: { isDefault, subnets, entries }, tags });
    }
  }
  if (violating.length === 0) return inspections;
  const cidrs = new Map<string, string[]>();
  const vpcs = [...new Set(violating.map(({ vpc }) => vpc))];
  for await (const { Vpcs = [] } of paginateDescribeVpcs(
    { client },
    { Filters: [{ Name: 'vpc-id', Values: vpcs }] },
  )) {
    for (const vpc of Vpcs) {
      const associated = [
        ...(vpc.CidrBlockAssociationSet ?? []).map(({ CidrBlock, CidrBlockState }) => [
          CidrBlock,
          CidrBlockState?.State,
        ]),
        ...(vpc.Ipv6CidrBlockAssociationSet ?? []).map((ipv6) => [
          ipv6.Ipv6CidrBlock,
          ipv6.Ipv6CidrBlockState?.State,
        ]),
      ].flatMap(([cidr, state]) => (cidr !== undefined && state === 'associated' ? [cidr] : []));
      cidrs.set(vpc.VpcId ?? '', [
        ...new Set([...(vpc.CidrBlock === undefined ? [] : [vpc.CidrBlock]), ...associated]),
      ]);
    }
  }
  for (const { id, vpc, seen, tags } of violating) {
    inspections.set(id, { state: 'violation', seen: { ...seen, vpcCidrs: cidrs.get(vpc) ?? [] }, tags });
  }
  return inspections;
}

/** Whether every address of `inner` is in `outer`. */
function contains(outer: string, inner: string): boolean {
  const family = isIpv6(outer) ? 'ipv6' : 'ipv4';
  if (isIpv6(inner) !== isIpv6(outer)) return false;
  const [outerAddress = '', outerPrefix = ''] = outer.split('/');
  const [innerAddress = '', innerPrefix = ''] = inner.split('/');
  const list = new BlockList();
  list.addSubnet(outerAddress, Number(outerPrefix), family);
  return Number(innerPrefix) >= Number(outerPrefix) && list.check(innerAddress, family);
}

/** Whether everything that `inner` matches is matched by `outer` too. */
function covers(outer: NetworkAclEntry, inner: NetworkAclEntry): boolean {
  if (!contains(outer.cidr, inner.cidr)) return false;
  if (outer.protocol === '-1') return true;
  if (outer.protocol !== inner.protocol) return false;
  if (outer.icmp !== null) {
    return (
      (outer.icmp.type === -1 || outer.icmp.type === inner.icmp?.type) &&
      (outer.icmp.code === -1 || outer.icmp.code === inner.icmp?.code)
    );
  }
  if (outer.ports === null) return true;
  return inner.ports !== null && outer.ports.from <= inner.ports.from && inner.ports.to <= outer.ports.to;
}

/** Whether anything at all may come in: an entry allows something that no entry before it denies. */
export function hasInboundPath(entries: readonly NetworkAclEntry[]): boolean {
  return entries.some(
    (entry) =>
      entry.action === 'allow' &&
      !entries.some(
        (earlier) =>
          earlier.action === 'deny' && earlier.ruleNumber < entry.ruleNumber && covers(earlier, entry),
      ),
  );
}

/** Whether this source is allowed already, at a place where it means the same as in the open entry's place. */
function standsAlready(entries: readonly NetworkAclEntry[], open: NetworkAclEntry, cidr: string): boolean {
  return entries.some(
    (entry) =>
      entry.action === 'allow' &&
      entry.protocol === '-1' &&
      entry.cidr === cidr &&
      !entries.some(
        ({ action, ruleNumber }) =>
          action === 'deny' && open.ruleNumber < ruleNumber && ruleNumber < entry.ruleNumber,
      ),
  );
}

/**
 * The numbers that are free in the open entry's place: after it, then before it, up to the next entries that deny.
 * Among entries that allow, the order means nothing.
 */
function freeNumbers(entries: readonly NetworkAclEntry[], open: NetworkAclEntry, count: number): number[] {
  const taken = new Set(entries.map(({ ruleNumber }) => ruleNumber));
  const denying = entries.filter(({ action }) => action === 'deny').map(({ ruleNumber }) => ruleNumber);
  const next = Math.min(32_767, ...denying.filter((number) => number > open.ruleNumber));
  const previous = Math.max(0, ...denying.filter((number) => number < open.ruleNumber));
  const numbers: number[] = [];
  for (let number = open.ruleNumber + 1; number < next && numbers.length < count; number += 1) {
    if (!taken.has(number)) numbers.push(number);
  }
  for (let number = open.ruleNumber - 1; number > previous && numbers.length < count; number -= 1) {
    if (!taken.has(number)) numbers.push(number);
  }
  return numbers;
}

/**
 * Narrower entries in the open entry's own place, so that the order keeps its meaning. The last of them takes the open
 * one's number, in one step: nothing is cut in between, and fewer numbers and entries are needed. Where none is
 * missing, the open one just goes.
 */
export function planNetworkAcl(
  resource: string,
  seen: Seen,
  options: Options,
): readonly (NetworkAclEntryCreate | NetworkAclEntryDelete | NetworkAclEntryReplace)[] | NoCure {
  const sources = [
    ...new Set(options.replacement_cidrs.flatMap((cidr) => (cidr === 'vpc' ? seen.vpcCidrs : [cidr]))),
  ];
  const changes: (NetworkAclEntryCreate | NetworkAclEntryDelete | NetworkAclEntryReplace)[] = [];
  let entries = seen.entries;
  for (const open of seen.entries.filter(allowsAll)) {
    const missing = sources
      .filter((cidr) => isIpv6(cidr) === isIpv6(open.cidr) && !standsAlready(entries, open, cidr))
      .map((cidr): NetworkAclEntry => ({ ...open, cidr }));
    const last = missing.pop();
    const numbers = freeNumbers(entries, open, missing.length);
    if (numbers.length < missing.length) {
      return {
        notApplicable: `network ACL ${resource} has too few free rule numbers around entry ${open.ruleNumber} for ${missing.length + 1} replacement entries: renumber its neighbours or name fewer replacement_cidrs`,
      };
    }
    const created = numbers.map(
      (ruleNumber, index): NetworkAclEntry => ({ ...open, ...missing[index], ruleNumber }),
    );
    for (const entry of created)
      changes.push({ kind: 'network-acl-entry-create', resource, entry, made: true });
    changes.push(
      last === undefined
        ? { kind: 'network-acl-entry-delete', resource, entry: open }
        : { kind: 'network-acl-entry-replace', resource, before: open, after: last },
    );
    entries = [
      ...entries.filter((entry) => entry !== open),
      ...created,
      ...(last === undefined ? [] : [last]),
    ].sort((one, other) => one.ruleNumber - other.ruleNumber);
  }
  if (!options.allow_isolation && seen.subnets.length > 0 && !hasInboundPath(entries)) {
    return {
      notApplicable: `closing network ACL ${resource} would leave ${seen.subnets.length} subnet(s) with no inbound path at all (${seen.subnets.join(', ')}): name replacement_cidrs, or set allow_isolation = true`,
    };
  }
  return changes;
}
