import { z } from 'zod';
import { canonicalCidr } from './cidr.ts';
import { filterValues, sdkTags } from './ec2-parameters.ts';
import { AwsModelError, type Operation } from './operation.ts';
import { type AclEntry, type AwsState, type NetworkAcl, withEntry } from './state.ts';

/** AWS's last entry, which denies what no other entry matches. */
const LAST: AclEntry = {
  number: 32_767,
  action: 'deny',
  protocol: '-1',
  cidr: '0.0.0.0/0',
  ports: null,
  icmp: null,
};

function sdkEntry(entry: AclEntry): object {
  const { number, action, protocol, cidr, ports, icmp } = entry;
  return {
    Egress: false,
    RuleNumber: number,
    RuleAction: action,
    Protocol: protocol,
    ...(cidr.includes(':') ? { Ipv6CidrBlock: cidr } : { CidrBlock: cidr }),
    ...(ports !== null && { PortRange: { From: ports.from, To: ports.to } }),
    ...(icmp !== null && { IcmpTypeCode: { Type: icmp.type, Code: icmp.code } }),
  };
}

function aclOf(state: AwsState, id: string): NetworkAcl {
  const acl = state.acls[id];
  if (acl === undefined) {
    throw new AwsModelError('InvalidNetworkAclID.NotFound', `The networkAcl ID '${id}' does not exist`);
  }
  return acl;
}

function withEntries(state: AwsState, id: string, entries: readonly AclEntry[]): AwsState {
  const sorted = [...entries].sort((one, other) => one.number - other.number);
  return { ...state, acls: withEntry(state.acls, id, { ...aclOf(state, id), entries: sorted }) };
}

const entrySchema = z.strictObject({
  NetworkAclId: z.string(),
  Egress: z.literal(false),
  RuleNumber: z.number().int().min(1).max(32_766),
  RuleAction: z.enum(['allow', 'deny']),
  Protocol: z.string(),
  CidrBlock: z.string().optional(),
  Ipv6CidrBlock: z.string().optional(),
  PortRange: z.object({ From: z.number(), To: z.number() }).optional(),
  IcmpTypeCode: z.object({ Type: z.number(), Code: z.number() }).optional(),
});

function entryOf(input: z.infer<typeof entrySchema>): AclEntry {
  const { PortRange: ports, IcmpTypeCode: icmp } = input;
  return {
    number: input.RuleNumber,
    action: input.RuleAction,
    protocol: input.Protocol,
    cidr: canonicalCidr(input.CidrBlock ?? input.Ipv6CidrBlock ?? ''),
    ports: ports === undefined ? null : { from: ports.From, to: ports.To },
    icmp: icmp === undefined ? null : { type: icmp.Type, code: icmp.Code },
  };
}

/** https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeNetworkAcls.html */
const describeNetworkAcls: Operation = {
  isWrite: false,
  answer(input, state) {
    const ids = filterValues(input, 'network-acl-id', 'NetworkAclIds');
    return {
      output: {
        NetworkAcls: ids.map((id) => {
          const { owner, vpc, isDefault, subnets, tags, entries } = aclOf(state, id);
          return {
            NetworkAclId: id,
            OwnerId: owner,
            VpcId: vpc,
            IsDefault: isDefault,
            Associations: subnets.map((SubnetId) => ({ SubnetId, NetworkAclId: id })),
            Tags: sdkTags(tags),
            Entries: [...entries, LAST].map(sdkEntry),
          };
        }),
      },
    };
  },
};

/** https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeVpcs.html */
const describeVpcs: Operation = {
  isWrite: false,
  answer(input, state) {
    const ids = filterValues(input, 'vpc-id', 'VpcIds');
    const State = { State: 'associated' };
    return {
      output: {
        Vpcs: ids.flatMap((id) => {
          const vpc = state.vpcs[id];
          if (vpc === undefined) return [];
          return [
            {
              VpcId: id,
              Tags: sdkTags(vpc.tags ?? {}),
              CidrBlock: vpc.cidrs[0],
              CidrBlockAssociationSet: vpc.cidrs.map((CidrBlock) => ({ CidrBlock, CidrBlockState: State })),
              Ipv6CidrBlockAssociationSet: vpc.ipv6Cidrs.map((Ipv6CidrBlock) => ({
                Ipv6CidrBlock,
                Ipv6CidrBlockState: State,
              })),
            },
          ];
        }),
      },
    };
  },
};

/** The subnets of the model have the CIDRs of their VPC. https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeSubnets.html */
const describeSubnets: Operation = {
  isWrite: false,
  answer(input, state) {
    const ids = filterValues(input, 'subnet-id', 'SubnetIds');
    const State = { State: 'associated' };
    return {
      output: {
        Subnets: Object.values(state.acls).flatMap(({ subnets, vpc }) =>
          subnets
            .filter((id) => ids.includes(id))
            .map((SubnetId) => ({
              SubnetId,
              VpcId: vpc,
              CidrBlock: state.vpcs[vpc]?.cidrs[0],
              Ipv6CidrBlockAssociationSet: (state.vpcs[vpc]?.ipv6Cidrs ?? []).map((Ipv6CidrBlock) => ({
                Ipv6CidrBlock,
                Ipv6CidrBlockState: State,
              })),
            })),
        ),
      },
    };
  },
};

/** https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateNetworkAclEntry.html */
const createNetworkAclEntry: Operation = {
  isWrite: true,
  answer(input, state) {
    const parsed = entrySchema.parse(input);
    const acl = aclOf(state, parsed.NetworkAclId);
    const entry = entryOf(parsed);
    if (acl.entries.some(({ number }) => number === entry.number)) {
      throw new AwsModelError(
        'NetworkAclEntryAlreadyExists',
        `The network acl entry identified by ${entry.number} already exists.`,
      );
    }
    if (acl.entries.length >= acl.quota) {
      throw new AwsModelError(
        'NetworkAclEntryLimitExceeded',
        'The maximum number of network acl entries has been reached.',
      );
    }
    return { output: {}, next: withEntries(state, parsed.NetworkAclId, [...acl.entries, entry]) };
  },
};

function noEntry(number: number): AwsModelError {
  return new AwsModelError(
    'InvalidNetworkAclEntry.NotFound',
    `The network acl entry identified by ${number} does not exist.`,
  );
}

/** Replaces by number only: there is no condition on content. https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ReplaceNetworkAclEntry.html */
const replaceNetworkAclEntry: Operation = {
  isWrite: true,
  answer(input, state) {
    const parsed = entrySchema.parse(input);
    const { entries } = aclOf(state, parsed.NetworkAclId);
    const entry = entryOf(parsed);
    if (!entries.some(({ number }) => number === entry.number)) throw noEntry(entry.number);
    const next = entries.map((one) => (one.number === entry.number ? entry : one));
    return { output: {}, next: withEntries(state, parsed.NetworkAclId, next) };
  },
};

const deleteSchema = z.strictObject({
  NetworkAclId: z.string(),
  Egress: z.literal(false),
  RuleNumber: z.number(),
});

/** Deletes by number only. https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DeleteNetworkAclEntry.html */
const deleteNetworkAclEntry: Operation = {
  isWrite: true,
  answer(input, state) {
    const { NetworkAclId, RuleNumber } = deleteSchema.parse(input);
    const { entries } = aclOf(state, NetworkAclId);
    if (!entries.some(({ number }) => number === RuleNumber)) throw noEntry(RuleNumber);
    return {
      output: {},
      next: withEntries(
        state,
        NetworkAclId,
        entries.filter(({ number }) => number !== RuleNumber),
      ),
    };
  },
};

export const networkAclOperations: Readonly<Record<string, Operation>> = {
  DescribeNetworkAcls: describeNetworkAcls,
  DescribeVpcs: describeVpcs,
  DescribeSubnets: describeSubnets,
  CreateNetworkAclEntry: createNetworkAclEntry,
  ReplaceNetworkAclEntry: replaceNetworkAclEntry,
  DeleteNetworkAclEntry: deleteNetworkAclEntry,
};
