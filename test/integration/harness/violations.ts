import { DescribeSecurityGroupRulesCommand, EC2Client, type IpPermission } from '@aws-sdk/client-ec2';
import { IAMClient, ListAccessKeysCommand } from '@aws-sdk/client-iam';
import { AccountBuilder } from '../../lab/accounts/account-builder.ts';
import { bodyText, type Fault, withBody } from '../../lab/aws-proxy/index.ts';
import { isGlobal, type LabRuleId, labRules, violate } from '../../lab/rules/index.ts';
import { labelOfRegion, type TenantItem, tenantItem } from '../../lab/tenant/index.ts';

export type TestedRule = LabRuleId;

/** Makes the tenant's item for a resource that violates a rule. */
export function itemOf(
  rule: TestedRule,
  fields: { readonly account_id: string; readonly resource_id: string } & Partial<TenantItem>,
): TenantItem {
  const { rule_name, severity, resource_type, resource_category } = labRules[rule].words;
  return tenantItem({ rule_name, severity, resource_type, resource_category, ...fields });
}

export const WORLD = '0.0.0.0/0';

export const OFFICE = '198.51.100.0/24';

/** Ports 20–443 open to the world, and port 22 open to an office. */
export const wideRange: readonly IpPermission[] = [
  {
    IpProtocol: 'tcp',
    FromPort: 20,
    ToPort: 443,
    IpRanges: [{ CidrIp: WORLD, Description: 'legacy application' }],
  },
  {
    IpProtocol: 'tcp',
    FromPort: 22,
    ToPort: 22,
    IpRanges: [{ CidrIp: OFFICE, Description: 'office' }],
  },
];

export function openPort(port: number): readonly IpPermission[] {
  return [{ IpProtocol: 'tcp', FromPort: port, ToPort: port, IpRanges: [{ CidrIp: WORLD }] }];
}

/** Access keys cannot be created with an old date, so the proxy reports all of them as old. */
export const oldAccessKeys: Fault = {
  service: 'iam',
  operation: 'ListAccessKeys',
  effect: {
    rewrite: (answer) =>
      withBody(
        answer,
        bodyText(answer).replaceAll(/<CreateDate>[^<]*</g, '<CreateDate>2024-12-01T00:00:00Z<'),
      ),
  },
};

let made = 0;

function freshName(prefix: string): string {
  made += 1;
  return `${prefix}-${made}`;
}

/** Makes a security group. */
export async function makeSecurityGroup(
  endpoint: string,
  account: string,
  permissions: readonly IpPermission[] = wideRange,
  { region = 'eu-central-1', tags = {} }: { region?: string; tags?: Readonly<Record<string, string>> } = {},
): Promise<string> {
  const builder = new AccountBuilder(endpoint, account);
  const name = freshName('application');
  return builder.securityGroup(region, await builder.anyVpc(region), name, permissions, tags);
}

/** Creates a resource that violates a rule. @returns the tenant's item for it */
export async function makeViolation(
  endpoint: string,
  rule: TestedRule,
  account: string,
  region = 'eu-central-1',
): Promise<TenantItem> {
  const builder = new AccountBuilder(endpoint, account);
  const resource_id = await violate(rule, {
    builder,
    region,
    name: freshName(`violation-${account}-${process.pid}`),
  });
  const region_name = labelOfRegion(isGlobal(rule) ? 'global' : region);
  return itemOf(rule, { account_id: account, resource_id, region_name });
}

/** A group's inbound rules, each as `protocol from-to source description`, sorted. */
export async function ingressRules(
  endpoint: string,
  account: string,
  group: string,
  region = 'eu-central-1',
): Promise<string[]> {
  const client = new EC2Client({
    endpoint,
    region,
    credentials: { accessKeyId: account, secretAccessKey: 'test' },
  });
  const { SecurityGroupRules = [] } = await client.send(
    new DescribeSecurityGroupRulesCommand({ Filters: [{ Name: 'group-id', Values: [group] }] }),
  );
  return SecurityGroupRules.filter(({ IsEgress }) => IsEgress !== true)
    .map(
      ({ IpProtocol, FromPort, ToPort, CidrIpv4, CidrIpv6, Description = '' }) =>
        `${IpProtocol} ${FromPort}-${ToPort} ${CidrIpv4 ?? CidrIpv6} ${Description}`,
    )
    .sort();
}

/** The states of a user's access keys. */
export async function accessKeyStates(endpoint: string, account: string, user: string): Promise<string[]> {
  const client = new IAMClient({
    endpoint,
    region: 'us-east-1',
    credentials: { accessKeyId: account, secretAccessKey: 'test' },
  });
  const { AccessKeyMetadata = [] } = await client.send(new ListAccessKeysCommand({ UserName: user }));
  return AccessKeyMetadata.map(({ Status = '' }) => Status);
}
