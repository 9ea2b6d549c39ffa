import type { ExistingRule } from '../../../lambdas/changes/security-group/ingress-rule.ts';
import { answerByAction, listed } from './called-actions.ts';
import { type Answer, ec2Error, type ReceivedCall, xmlAnswer } from './scripted-aws.ts';

export interface ScriptedGroup {
  readonly owner?: string;
  readonly tags?: Readonly<Record<string, string>>;
  rules: ExistingRule[];
  /** Number of inbound rules that it can have. */
  readonly quota?: number;
  /** Revoking a rule that does not exist is not an error there. */
  readonly isInDefaultVpc?: boolean;
}

const answer = (operation: string, body: string): Answer =>
  xmlAnswer(
    `<${operation}Response xmlns="http://ec2.amazonaws.com/doc/2016-11-15/">${body}</${operation}Response>`,
  );

const tagSet = (tags: Readonly<Record<string, string>> = {}): string =>
  `<tagSet>${Object.entries(tags)
    .map(([key, value]) => `<item><key>${key}</key><value>${value}</value></item>`)
    .join('')}</tagSet>`;

function ruleXml(group: string, rule: ExistingRule, egress = false): string {
  const { id, protocol, fromPort, toPort, source, description, tags } = rule;
  const from = source.startsWith('pl-')
    ? `<prefixListId>${source}</prefixListId>`
    : source.includes('sg-')
      ? `<referencedGroupInfo><groupId>${source.slice(source.indexOf('sg-'))}</groupId></referencedGroupInfo>`
      : source.includes(':')
        ? `<cidrIpv6>${source}</cidrIpv6>`
        : `<cidrIpv4>${source}</cidrIpv4>`;
  return `<item><securityGroupRuleId>${id}</securityGroupRuleId><groupId>${group}</groupId><isEgress>${egress}</isEgress>
    <ipProtocol>${protocol}</ipProtocol><fromPort>${fromPort}</fromPort><toPort>${toPort}</toPort>${from}
    ${description === '' ? '' : `<description>${description}</description>`}${tagSet(tags)}</item>`;
}

/** The rules in an AuthorizeSecurityGroupIngress request. */
function asked({ form }: ReceivedCall): Omit<ExistingRule, 'id'>[] {
  const tags: Record<string, string> = {};
  for (let tag = 1; form.has(`TagSpecification.1.Tag.${tag}.Key`); tag += 1) {
    tags[form.get(`TagSpecification.1.Tag.${tag}.Key`) ?? ''] =
      form.get(`TagSpecification.1.Tag.${tag}.Value`) ?? '';
  }
  const rules: Omit<ExistingRule, 'id'>[] = [];
  for (let index = 1; form.has(`IpPermissions.${index}.IpProtocol`); index += 1) {
    const value = (name: string): string | null => form.get(`IpPermissions.${index}.${name}`);
    rules.push({
      protocol: value('IpProtocol') ?? '',
      fromPort: Number(value('FromPort') ?? -1),
      toPort: Number(value('ToPort') ?? -1),
      source: value('IpRanges.1.CidrIp') ?? value('Ipv6Ranges.1.CidrIpv6') ?? '',
      description: value('IpRanges.1.Description') ?? value('Ipv6Ranges.1.Description') ?? '',
      tags,
    });
  }
  return rules;
}

/** The rule after a ModifySecurityGroupRules request; undefined if its type would change. */
function modified({ form }: ReceivedCall, old: ExistingRule): ExistingRule | undefined {
  const value = (name: string): string | null => form.get(`SecurityGroupRule.1.SecurityGroupRule.${name}`);
  const source = value('CidrIpv4') ?? value('CidrIpv6') ?? '';
  if (source === '' || source.includes(':') !== old.source.includes(':')) return undefined;
  return {
    ...old,
    protocol: value('IpProtocol') ?? '',
    fromPort: Number(value('FromPort') ?? -1),
    toPort: Number(value('ToPort') ?? -1),
    source,
    // The worst case for a description that the call leaves out.
    description: value('Description') ?? '',
  };
}

const key = ({ protocol, fromPort, toPort, source }: Omit<ExistingRule, 'id'>): string =>
  `${protocol} ${fromPort} ${toPort} ${source}`;

/**
 * EC2's security groups, according to its API reference: a call adds or revokes all of its rules or none, and a page has
 * `pageSize` rules or groups. Each group has an outbound rule for all traffic, too.
 */
export function answerForSecurityGroups(
  groups: Record<string, ScriptedGroup>,
  pageSize = 1000,
): (call: ReceivedCall) => Answer {
  let made = 0;
  const paged = (call: ReceivedCall, operation: string, list: string, items: readonly string[]): Answer => {
    const from = Number(call.form.get('NextToken') ?? 0);
    const to = from + pageSize;
    return answer(
      operation,
      `<${list}>${items.slice(from, to).join('')}</${list}>${to < items.length ? `<nextToken>${to}</nextToken>` : ''}`,
    );
  };
  return answerByAction({
    'ec2:DescribeSecurityGroups': (call) =>
      paged(
        call,
        'DescribeSecurityGroups',
        'securityGroupInfo',
        listed(call, 'Filter.1.Value').flatMap((id) => {
          const group = groups[id];
          if (group === undefined) return [];
          return `<item><groupId>${id}</groupId><groupName>web</groupName><vpcId>vpc-0123abcd</vpcId><ownerId>${group.owner ?? '111122223333'}</ownerId>${tagSet(group.tags)}</item>`;
        }),
      ),
    'ec2:DescribeSecurityGroupRules': (call) =>
      paged(
        call,
        'DescribeSecurityGroupRules',
        'securityGroupRuleSet',
        listed(call, 'Filter.1.Value').flatMap((id) => {
          const { rules } = groups[id] ?? { rules: [] };
          const outbound = {
            protocol: '-1',
            fromPort: -1,
            toPort: -1,
            source: '0.0.0.0/0',
            description: '',
            tags: {},
          };
          return [
            ...rules.map((rule) => ruleXml(id, rule)),
            ruleXml(id, { id: 'sgr-0e', ...outbound }, true),
          ];
        }),
      ),
    'ec2:AuthorizeSecurityGroupIngress': (call) => {
      const id = call.form.get('GroupId') ?? '';
      const group = groups[id];
      if (group === undefined) return ec2Error('InvalidGroup.NotFound');
      const wanted = asked(call);
      const standing = new Set(group.rules.map(key));
      if (wanted.some((rule) => standing.has(key(rule)))) return ec2Error('InvalidPermission.Duplicate');
      if (group.rules.length + wanted.length > (group.quota ?? 60)) {
        return ec2Error('RulesPerSecurityGroupLimitExceeded');
      }
      const rules = wanted.map((rule) => {
        made += 1;
        return { ...rule, id: `sgr-${made.toString(16).padStart(17, 'f')}` };
      });
      group.rules = [...group.rules, ...rules];
      return answer(
        'AuthorizeSecurityGroupIngress',
        `<return>true</return><securityGroupRuleSet>${rules.map((rule) => ruleXml(id, rule)).join('')}</securityGroupRuleSet>`,
      );
    },
    'ec2:ModifySecurityGroupRules': (call) => {
      const group = groups[call.form.get('GroupId') ?? ''];
      if (group === undefined) return ec2Error('InvalidGroup.NotFound');
      const id = call.form.get('SecurityGroupRule.1.SecurityGroupRuleId');
      const old = group.rules.find((rule) => rule.id === id);
      if (old === undefined) return ec2Error('InvalidSecurityGroupRuleId.NotFound');
      const to = modified(call, old);
      if (to === undefined) return ec2Error('InvalidParameterValue', 'you cannot change the rule type');
      if (group.rules.some((rule) => rule.id !== id && key(rule) === key(to))) {
        return ec2Error('InvalidPermission.Duplicate');
      }
      group.rules = group.rules.map((rule) => (rule.id === id ? to : rule));
      return answer('ModifySecurityGroupRules', '<return>true</return>');
    },
    'ec2:RevokeSecurityGroupIngress': (call) => {
      const id = call.form.get('GroupId') ?? '';
      const group = groups[id];
      if (group === undefined) return ec2Error('InvalidGroup.NotFound');
      const keys = new Set(asked(call).map(key));
      const revoked = group.rules.filter((rule) => keys.has(key(rule)));
      const unknown = [...keys].filter((wanted) => !revoked.some((rule) => key(rule) === wanted));
      if (unknown.length > 0 && group.isInDefaultVpc !== true) return ec2Error('InvalidPermission.NotFound');
      group.rules = group.rules.filter((rule) => !revoked.includes(rule));
      return answer(
        'RevokeSecurityGroupIngress',
        `<return>true</return><revokedSecurityGroupRuleSet>${revoked.map((rule) => ruleXml(id, rule)).join('')}</revokedSecurityGroupRuleSet><unknownIpPermissionSet>${unknown.map(() => '<item><ipProtocol>tcp</ipProtocol></item>').join('')}</unknownIpPermissionSet>`,
      );
    },
  });
}
