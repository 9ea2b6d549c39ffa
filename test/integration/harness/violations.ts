import { DescribeSecurityGroupRulesCommand, EC2Client, type IpPermission } from '@aws-sdk/client-ec2';
import { IAMClient, ListAccessKeysCommand } from '@aws-sdk/client-iam';
import { AccountBuilder } from '../../lab/account-builder.ts';
import { bodyText, type Fault, withBody } from '../../lab/aws-proxy/index.ts';
import {
  labelOfRegion,
  type RuleCode,
  ruleBook,
  type TenantItem,
  tenantItem,
} from '../../lab/tenant/index.ts';

const codes = {
  'security-group-ssh-open': 'CIS-1-2-0-4-1',
  'security-group-rdp-open': 'CIS-1-2-0-4-2',
  's3-bucket-public': 'BPR-1-0-0',
  'iam-access-key-unrotated': 'CIS-1-2-0-1-4',
  'cloudtrail-log-file-validation': 'CIS-1-2-0-2-2',
  'vpc-flow-logs-disabled': 'CIS-1-2-0-2-9',
  'network-acl-default-allows-all': 'BPR-0-6',
  'network-acl-subnet-allows-all': 'BPR-0-1-0',
  'rds-snapshot-public': 'BPR-3-8',
  'redshift-cluster-public': 'BPR-1-9',
} as const satisfies Record<string, RuleCode>;

export type TestedRule = keyof typeof codes;

/** What the tenant says of a resource that violates a rule. */
export function itemOf(
  rule: TestedRule,
  fields: { readonly account_id: string; readonly resource_id: string } & Partial<TenantItem>,
): TenantItem {
  const { rule_name, severity, resource_type, resource_category } = ruleBook[codes[rule]];
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

/** Access keys can't be made with an old date: so the proxy says that all of them are. */
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

/** One for all groups of an account and region. */
const vpcs = new Map<string, Promise<string>>();

/** Makes a security group. */
export async function makeSecurityGroup(
  endpoint: string,
  account: string,
  permissions: readonly IpPermission[] = wideRange,
  { region = 'eu-central-1', tags = {} }: { region?: string; tags?: Readonly<Record<string, string>> } = {},
): Promise<string> {
  const builder = new AccountBuilder(endpoint, account);
  const place = `${endpoint} ${account} ${region}`;
  const vpc = vpcs.get(place) ?? builder.vpc(region);
  vpcs.set(place, vpc);
  const name = freshName('application');
  return builder.securityGroup(region, await vpc, name, permissions, tags);
}

/** Makes one resource of an account that violates a rule, and gives what the tenant says of it. */
export async function makeViolation(
  endpoint: string,
  rule: TestedRule,
  account: string,
  region = 'eu-central-1',
): Promise<TenantItem> {
  const item = (resource_id: string, region_name = labelOfRegion(region)): TenantItem =>
    itemOf(rule, { account_id: account, resource_id, region_name });
  const builder = new AccountBuilder(endpoint, account);
  switch (rule) {
    case 'security-group-ssh-open':
      return item(await makeSecurityGroup(endpoint, account, wideRange, { region }));
    case 'security-group-rdp-open':
      return item(await makeSecurityGroup(endpoint, account, openPort(3389), { region }));
    case 's3-bucket-public':
      return item(await builder.bucketPublicByAcl(region, freshName(`public-${account}-${process.pid}`)));
    case 'iam-access-key-unrotated': {
      const user = freshName('robot');
      await builder.userWithKeys(user, 1);
      return item(user, 'global');
    }
    case 'cloudtrail-log-file-validation':
      return item(await builder.unvalidatedTrail(region, freshName(`trail-${account}-${process.pid}`)));
    case 'vpc-flow-logs-disabled':
      return item(await builder.vpc(region));
    case 'network-acl-default-allows-all':
      return item(await builder.openDefaultNetworkAcl(region));
    case 'network-acl-subnet-allows-all':
      return item(await builder.openSubnetNetworkAcl(region));
    case 'rds-snapshot-public':
      return item(await builder.instanceWithPublicSnapshot(region, freshName('database')));
    case 'redshift-cluster-public':
      return item(await builder.publicRedshiftCluster(region, freshName('warehouse')));
  }
}

/** A group's inbound rules, each as `protocol from-to source description`, in the order of the alphabet. */
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
