import { z } from 'zod';
import { canonicalCidr } from './cidr.ts';
import { filterValues, sdkTags, tagsOf } from './ec2-parameters.ts';
import { AwsModelError, type Operation } from './operation.ts';
import { type AwsState, type GroupRule, type RuleContent, type SecurityGroup, withEntry } from './state.ts';

const PROTOCOLS: Readonly<Record<string, string>> = { '1': 'icmp', '6': 'tcp', '17': 'udp', '58': 'icmpv6' };

/**
 * The key that distinguishes the rules of a group, which cannot have two with the same protocol, ports and
 * source.
 */
const keyOf = ({ protocol, fromPort, toPort, source }: RuleContent): string =>
  `${protocol} ${fromPort} ${toPort} ${source}`;

function contentOf(
  {
    IpProtocol,
    FromPort,
    ToPort,
  }: { IpProtocol: string; FromPort?: number | undefined; ToPort?: number | undefined },
  source: string,
  description: string | undefined,
): RuleContent {
  const protocol = PROTOCOLS[IpProtocol] ?? IpProtocol;
  const hasPorts = ['tcp', 'udp', 'icmp', 'icmpv6'].includes(protocol);
  if (hasPorts && (FromPort === undefined || ToPort === undefined)) {
    throw new AwsModelError('MissingParameter', 'The request must contain the parameter FromPort');
  }
  if ((protocol === 'tcp' || protocol === 'udp') && (FromPort ?? 0) > (ToPort ?? 0)) {
    throw new AwsModelError(
      'InvalidPermission.Malformed',
      `Invalid TCP/UDP port range (${FromPort}:${ToPort})`,
    );
  }
  return {
    protocol,
    fromPort: hasPorts ? (FromPort ?? -1) : -1,
    toPort: hasPorts ? (ToPort ?? -1) : -1,
    source,
    description: description ?? '',
  };
}

/** A rule as DescribeSecurityGroupRules returns it. */
function sdkRule(group: string, { owner }: SecurityGroup, rule: GroupRule): object {
  const { source } = rule;
  return {
    SecurityGroupRuleId: rule.id,
    GroupId: group,
    GroupOwnerId: owner,
    IsEgress: false,
    IpProtocol: rule.protocol,
    FromPort: rule.fromPort,
    ToPort: rule.toPort,
    ...(source.startsWith('pl-')
      ? { PrefixListId: source }
      : source.includes('/sg-')
        ? { ReferencedGroupInfo: { UserId: source.split('/')[0], GroupId: source.split('/')[1] } }
        : source.includes(':')
          ? { CidrIpv6: source }
          : { CidrIpv4: source }),
    ...(rule.description !== '' && { Description: rule.description }),
    Tags: sdkTags(rule.tags),
  };
}

function groupOf(state: AwsState, id: string): SecurityGroup {
  const group = state.groups[id];
  if (group === undefined) {
    throw new AwsModelError('InvalidGroup.NotFound', `The security group '${id}' does not exist`);
  }
  return group;
}

function withRules(state: AwsState, id: string, rules: readonly GroupRule[]): AwsState {
  return { ...state, groups: withEntry(state.groups, id, { ...groupOf(state, id), rules }) };
}

function noRule(id: string): AwsModelError {
  return new AwsModelError(
    'InvalidSecurityGroupRuleId.NotFound',
    `The security group rule ID '${id}' does not exist`,
  );
}

const rangeSchema = z.object({ Description: z.string().optional() });
const permissionSchema = z.strictObject({
  IpProtocol: z.string(),
  FromPort: z.number().optional(),
  ToPort: z.number().optional(),
  IpRanges: z.array(rangeSchema.extend({ CidrIp: z.string() })).default([]),
  Ipv6Ranges: z.array(rangeSchema.extend({ CidrIpv6: z.string() })).default([]),
  PrefixListIds: z.array(rangeSchema.extend({ PrefixListId: z.string() })).default([]),
});

/** Each source of a permission is a separate rule. */
function contentsOf(permissions: readonly z.infer<typeof permissionSchema>[]): RuleContent[] {
  return permissions.flatMap((permission) => [
    ...permission.IpRanges.map(({ CidrIp, Description }) =>
      contentOf(permission, canonicalCidr(CidrIp), Description),
    ),
    ...permission.Ipv6Ranges.map(({ CidrIpv6, Description }) =>
      contentOf(permission, canonicalCidr(CidrIpv6), Description),
    ),
    ...permission.PrefixListIds.map(({ PrefixListId, Description }) =>
      contentOf(permission, PrefixListId, Description),
    ),
  ]);
}

/** https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeSecurityGroups.html */
const describeSecurityGroups: Operation = {
  isWrite: false,
  answer(input, state) {
    const ids = filterValues(input, 'group-id', 'GroupIds');
    return {
      output: {
        SecurityGroups: ids.flatMap((id) => {
          const group = state.groups[id];
          if (group === undefined) return [];
          const { owner, vpc, tags } = group;
          return [
            { GroupId: id, GroupName: `name-of-${id}`, VpcId: vpc, OwnerId: owner, Tags: sdkTags(tags) },
          ];
        }),
      },
    };
  },
};

const describeRulesSchema = z.object({ SecurityGroupRuleIds: z.array(z.string()).optional() });

/** https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeSecurityGroupRules.html */
const describeSecurityGroupRules: Operation = {
  isWrite: false,
  answer(input, state) {
    const { SecurityGroupRuleIds: wanted } = describeRulesSchema.parse(input);
    const all = Object.entries(state.groups).flatMap(([id, group]) =>
      group.rules.map((rule) => ({ id, group, rule })),
    );
    if (wanted !== undefined) {
      const missing = wanted.find((id) => !all.some(({ rule }) => rule.id === id));
      if (missing !== undefined) throw noRule(missing);
    }
    const groups = wanted === undefined ? filterValues(input, 'group-id') : undefined;
    const found = all.filter(({ id, rule }) => groups?.includes(id) ?? wanted?.includes(rule.id));
    return { output: { SecurityGroupRules: found.map(({ id, group, rule }) => sdkRule(id, group, rule)) } };
  },
};

const authorizeSchema = z.strictObject({
  GroupId: z.string(),
  IpPermissions: z.array(permissionSchema).min(1),
  TagSpecifications: z
    .array(z.object({ Tags: z.array(z.object({ Key: z.string(), Value: z.string() })) }))
    .default([]),
});

/** All rules of the call, or none. https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_AuthorizeSecurityGroupIngress.html */
const authorizeSecurityGroupIngress: Operation = {
  isWrite: true,
  answer(input, state, { newId }) {
    const { GroupId, IpPermissions, TagSpecifications } = authorizeSchema.parse(input);
    const group = groupOf(state, GroupId);
    const asked = contentsOf(IpPermissions);
    if (new Set(asked.map(keyOf)).size < asked.length) {
      throw new AwsModelError('InvalidParameterValue', 'The same permission must not appear multiple times');
    }
    const standing = new Set(group.rules.map(keyOf));
    if (asked.some((rule) => standing.has(keyOf(rule)))) {
      throw new AwsModelError('InvalidPermission.Duplicate', 'the specified rule already exists');
    }
    if (group.rules.length + asked.length > group.quota) {
      throw new AwsModelError(
        'RulesPerSecurityGroupLimitExceeded',
        'The maximum number of rules per security group has been reached.',
      );
    }
    const tags = tagsOf(TagSpecifications.flatMap(({ Tags }) => Tags));
    const made = asked.map((rule) => ({ ...rule, tags, id: newId('sgr') }));
    return {
      output: { Return: true, SecurityGroupRules: made.map((rule) => sdkRule(GroupId, group, rule)) },
      next: withRules(state, GroupId, [...group.rules, ...made]),
    };
  },
};

const revokeSchema = z.strictObject({
  GroupId: z.string(),
  SecurityGroupRuleIds: z.array(z.string()).optional(),
  IpPermissions: z.array(permissionSchema).optional(),
});

/**
 * Revokes by ids, or by content. In a default VPC, content that matches no rule is skipped; in any other one, nothing is revoked.
 * https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_RevokeSecurityGroupIngress.html
 */
const revokeSecurityGroupIngress: Operation = {
  isWrite: true,
  answer(input, state) {
    const { GroupId, SecurityGroupRuleIds, IpPermissions } = revokeSchema.parse(input);
    const group = groupOf(state, GroupId);
    const revoked = (SecurityGroupRuleIds ?? []).map((id) => {
      const rule = group.rules.find((one) => one.id === id);
      if (rule === undefined) throw noRule(id);
      return rule;
    });
    const unknown: object[] = [];
    for (const content of contentsOf(IpPermissions ?? [])) {
      const rule = group.rules.find((one) => keyOf(one) === keyOf(content));
      if (rule === undefined && state.vpcs[group.vpc]?.isDefault === true) {
        unknown.push({
          IpProtocol: content.protocol,
          FromPort: content.fromPort,
          ToPort: content.toPort,
          ...(content.source.includes(':')
            ? { Ipv6Ranges: [{ CidrIpv6: content.source }] }
            : { IpRanges: [{ CidrIp: content.source }] }),
        });
        continue;
      }
      if (rule === undefined) {
        throw new AwsModelError(
          'InvalidPermission.NotFound',
          'The specified rule does not exist in this security group.',
        );
      }
      revoked.push(rule);
    }
    return {
      output: {
        Return: true,
        RevokedSecurityGroupRules: revoked.map((rule) => sdkRule(GroupId, group, rule)),
        ...(unknown.length > 0 && { UnknownIpPermissions: unknown }),
      },
      ...(revoked.length > 0 && {
        next: withRules(
          state,
          GroupId,
          group.rules.filter((rule) => !revoked.includes(rule)),
        ),
      }),
    };
  },
};

const modifySchema = z.strictObject({
  GroupId: z.string(),
  SecurityGroupRules: z
    .array(
      z.strictObject({
        SecurityGroupRuleId: z.string(),
        SecurityGroupRule: z.strictObject({
          IpProtocol: z.string(),
          FromPort: z.number().optional(),
          ToPort: z.number().optional(),
          CidrIpv4: z.string().optional(),
          CidrIpv6: z.string().optional(),
          Description: z.string().optional(),
        }),
      }),
    )
    .min(1),
});

/**
 * Modifies by ids; ids and tags stay. What the request leaves out (a description) is removed.
 * https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ModifySecurityGroupRules.html
 */
const modifySecurityGroupRules: Operation = {
  isWrite: true,
  answer(input, state) {
    const { GroupId, SecurityGroupRules } = modifySchema.parse(input);
    let { rules } = groupOf(state, GroupId);
    for (const { SecurityGroupRuleId: id, SecurityGroupRule: asked } of SecurityGroupRules) {
      const rule = rules.find((one) => one.id === id);
      if (rule === undefined) throw noRule(id);
      const source = asked.CidrIpv4 ?? asked.CidrIpv6 ?? '';
      if (
        source === '' ||
        rule.source.startsWith('pl-') ||
        rule.source.includes('/sg-') ||
        source.includes(':') !== rule.source.includes(':')
      ) {
        throw new AwsModelError('InvalidParameterValue', 'You cannot change the rule type.');
      }
      const content = contentOf(asked, canonicalCidr(source), asked.Description);
      if (rules.some((other) => other.id !== id && keyOf(other) === keyOf(content))) {
        throw new AwsModelError('InvalidPermission.Duplicate', 'the specified rule already exists');
      }
      rules = rules.map((one) => (one.id === id ? { ...one, ...content } : one));
    }
    return { output: { Return: true }, next: withRules(state, GroupId, rules) };
  },
};

export const securityGroupOperations: Readonly<Record<string, Operation>> = {
  DescribeSecurityGroups: describeSecurityGroups,
  DescribeSecurityGroupRules: describeSecurityGroupRules,
  AuthorizeSecurityGroupIngress: authorizeSecurityGroupIngress,
  RevokeSecurityGroupIngress: revokeSecurityGroupIngress,
  ModifySecurityGroupRules: modifySecurityGroupRules,
};
