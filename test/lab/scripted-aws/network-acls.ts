import type { NetworkAclEntry } from '../../../lambdas/changes/network-acl/entry.ts';
import { creating, deleting, replacing, type Step } from '../traffic/network-acls.ts';
import { answerByAction, listed } from './called-actions.ts';
import {
  type Answer,
  ec2Error,
  type ReceivedCall,
  type ScriptedAws,
  scriptedAws,
  xmlAnswer,
} from './scripted-aws.ts';

/** The default owner of the network ACLs. */
export const ACL_ACCOUNT = '111122223333';

export interface ScriptedAcl {
  readonly isDefault?: boolean;
  readonly owner?: string;
  subnets?: readonly string[];
  tags?: Readonly<Record<string, string>>;
  entries: NetworkAclEntry[];
}

export interface ScriptedNetworkAcls {
  /** Families of subnets that are not dual-stack. `null`: EC2 does not list the subnet. */
  readonly families?: Readonly<Record<string, 'ipv4' | 'ipv6' | 'both' | null>>;
  /** Number of inbound entries that a network ACL may have. Default: 20. */
  readonly quota?: number;
  /** Runs before each call is answered; if it returns an answer, that one is used. */
  readonly before?: (action: string, call: ReceivedCall) => Answer | undefined;
  /** Runs after a call has taken effect; an answer that it returns replaces the real one, and `cut` loses it. */
  readonly after?: (action: string, call: ReceivedCall) => Answer | undefined;
  /** Returns a network ACL as reads show it, instead of its real state. */
  readonly shown?: (id: string) => readonly NetworkAclEntry[] | undefined;
}

export function entryXml(entry: NetworkAclEntry, egress = false): string {
  const { ruleNumber, action, protocol, cidr, ports, icmp } = entry;
  return `<item><ruleNumber>${ruleNumber}</ruleNumber><protocol>${protocol}</protocol><ruleAction>${action}</ruleAction><egress>${egress}</egress>
    ${cidr.includes(':') ? `<ipv6CidrBlock>${cidr}</ipv6CidrBlock>` : `<cidrBlock>${cidr}</cidrBlock>`}
    ${icmp === null ? '' : `<icmpTypeCode><type>${icmp.type}</type><code>${icmp.code}</code></icmpTypeCode>`}
    ${ports === null ? '' : `<portRange><from>${ports.from}</from><to>${ports.to}</to></portRange>`}</item>`;
}

const everything = (ruleNumber: number, action: 'allow' | 'deny', cidr: string): NetworkAclEntry => ({
  ruleNumber,
  action,
  protocol: '-1',
  cidr,
  ports: null,
  icmp: null,
});

function entryOf(form: URLSearchParams): NetworkAclEntry {
  if (form.get('Egress') !== 'false') throw new Error('expected an inbound entry');
  const from = form.get('PortRange.From');
  const type = form.get('IcmpTypeCode.Type');
  return {
    ruleNumber: Number(form.get('RuleNumber')),
    action: form.get('RuleAction') === 'allow' ? 'allow' : 'deny',
    protocol: form.get('Protocol') ?? '',
    cidr: form.get('CidrBlock') ?? form.get('Ipv6CidrBlock') ?? '',
    ports: from === null ? null : { from: Number(from), to: Number(form.get('PortRange.To')) },
    icmp: type === null ? null : { type: Number(type), code: Number(form.get('IcmpTypeCode.Code')) },
  };
}

const answer = (operation: string, body: string): Answer =>
  xmlAnswer(
    `<${operation}Response xmlns="http://ec2.amazonaws.com/doc/2016-11-15/">${body}</${operation}Response>`,
  );

function aclXml(id: string, acl: ScriptedAcl, shown: readonly NetworkAclEntry[]): string {
  const { isDefault = false, owner = ACL_ACCOUNT, subnets = [], tags = {} } = acl;
  return `<item><networkAclId>${id}</networkAclId><vpcId>vpc-0123abcd</vpcId><ownerId>${owner}</ownerId><default>${isDefault}</default>
    <associationSet>${subnets.map((subnet) => `<item><subnetId>${subnet}</subnetId></item>`).join('')}</associationSet>
    <tagSet>${Object.entries(tags)
      .map(([key, value]) => `<item><key>${key}</key><value>${value}</value></item>`)
      .join('')}</tagSet>
    <entrySet>${shown.map((entry) => entryXml(entry)).join('')}
      ${entryXml(everything(100, 'allow', '0.0.0.0/0'), true)}
      ${entryXml(everything(32_767, 'deny', '0.0.0.0/0'))}${entryXml(everything(32_768, 'deny', '::/0'))}</entrySet></item>`;
}

const vpcs = answer(
  'DescribeVpcs',
  `<vpcSet><item><vpcId>vpc-0123abcd</vpcId><cidrBlock>172.31.0.0/16</cidrBlock>
    <cidrBlockAssociationSet>
      <item><cidrBlock>172.31.0.0/16</cidrBlock><cidrBlockState><state>associated</state></cidrBlockState></item>
      <item><cidrBlock>100.64.0.0/16</cidrBlock><cidrBlockState><state>associated</state></cidrBlockState></item>
      <item><cidrBlock>100.65.0.0/16</cidrBlock><cidrBlockState><state>disassociated</state></cidrBlockState></item>
    </cidrBlockAssociationSet>
    <ipv6CidrBlockAssociationSet>
      <item><ipv6CidrBlock>2001:db8:1::/56</ipv6CidrBlock><ipv6CidrBlockState><state>associated</state></ipv6CidrBlockState></item>
    </ipv6CidrBlockAssociationSet></item></vpcSet>`,
);

function subnetXml(id: string, family: 'ipv4' | 'ipv6' | 'both'): string {
  return `<item><subnetId>${id}</subnetId>${family === 'ipv6' ? '' : '<cidrBlock>172.31.1.0/24</cidrBlock>'}
    <ipv6CidrBlockAssociationSet><item><ipv6CidrBlock>2001:db8:1::/64</ipv6CidrBlock>
      <ipv6CidrBlockState><state>${family === 'ipv4' ? 'disassociated' : 'associated'}</state></ipv6CidrBlockState></item>
    </ipv6CidrBlockAssociationSet></item>`;
}

/** EC2's network ACLs, according to its API reference, with pages of one network ACL. */
export async function scriptedNetworkAcls(
  acls: Record<string, ScriptedAcl>,
  { families = {}, quota = 20, before, after, shown }: ScriptedNetworkAcls = {},
): Promise<ScriptedAws> {
  const write =
    (operation: string, stepOf: (form: URLSearchParams) => Step) =>
    ({ form }: ReceivedCall): Answer => {
      const acl = acls[form.get('NetworkAclId') ?? ''];
      if (acl === undefined) return ec2Error('InvalidNetworkAclID.NotFound');
      try {
        const next = stepOf(form)(acl.entries);
        if (next.length > Math.max(quota, acl.entries.length))
          return ec2Error('NetworkAclEntryLimitExceeded');
        acl.entries = next;
        return answer(operation, '<return>true</return>');
      } catch (error) {
        return ec2Error(error instanceof Error ? error.message : String(error));
      }
    };
  const carryOut = answerByAction({
    'ec2:DescribeNetworkAcls': (call) => {
      const ids = listed(call, 'NetworkAclId');
      if (ids.some((id) => acls[id] === undefined)) return ec2Error('InvalidNetworkAclID.NotFound');
      const at = Number(call.form.get('NextToken') ?? 0);
      const page = ids.slice(at, at + 1).map((id) => {
        const acl = acls[id] ?? { entries: [] };
        return aclXml(id, acl, shown?.(id) ?? acl.entries);
      });
      return answer(
        'DescribeNetworkAcls',
        `<networkAclSet>${page.join('')}</networkAclSet>${at + 1 < ids.length ? `<nextToken>${at + 1}</nextToken>` : ''}`,
      );
    },
    'ec2:DescribeVpcs': () => vpcs,
    'ec2:DescribeSubnets': (call) => {
      const subnets = listed(call, 'Filter.1.Value').flatMap((id) => {
        const family = families[id] === undefined ? 'both' : families[id];
        return family === null ? [] : [subnetXml(id, family)];
      });
      return answer('DescribeSubnets', `<subnetSet>${subnets.join('')}</subnetSet>`);
    },
    'ec2:CreateNetworkAclEntry': write('CreateNetworkAclEntry', (form) => creating(entryOf(form))),
    'ec2:ReplaceNetworkAclEntry': write('ReplaceNetworkAclEntry', (form) => replacing(entryOf(form))),
    'ec2:DeleteNetworkAclEntry': write('DeleteNetworkAclEntry', (form) =>
      deleting(Number(form.get('RuleNumber'))),
    ),
  });
  return scriptedAws((call) => {
    const action = call.form.get('Action') ?? '';
    const instead = before?.(action, call);
    if (instead !== undefined) return instead;
    const answered = carryOut(call);
    return after?.(action, call) ?? answered;
  });
}
