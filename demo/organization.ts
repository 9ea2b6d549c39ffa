import type { IpPermission } from '@aws-sdk/client-ec2';
import { EXEMPTION_TAG } from '../lambdas/model/exemption-tag.ts';
import { AccountBuilder } from '../test/lab/accounts/account-builder.ts';
import { type LabRuleId, labRules, violate } from '../test/lab/rules/index.ts';
import type { OrganizationOptions } from '../test/lab/stacksets/index.ts';

/** The accounts of `examples/organization`. */
export const accounts = {
  security: '111111111111',
  production: '222222222222',
  staging: '333333333333',
} as const;

/** The organization that these accounts are in. */
export const organization: OrganizationOptions = {
  id: 'o-demo000000',
  root: 'r-demo',
  managementAccount: accounts.security,
  accounts: { [accounts.production]: 'r-demo', [accounts.staging]: 'r-demo' },
};

/** The regions of `examples/organization`. */
export const regions = ['eu-central-1', 'us-east-1', 'us-west-2'] as const;
/** The regions of most resources. A few forgotten ones are elsewhere. */
export const busyRegions = ['eu-central-1', 'us-east-1'] as const;
export const quietRegion = 'us-west-2';
export const homeRegion = 'eu-central-1';

/**
 * The phases of the rollout: dry run everywhere; then production is remediated, by runbooks if AWS has them; then staging, too,
 * by direct calls.
 */
export type Phase = 'dry run' | 'production by runbooks' | 'staging directly';

/** The rules, as a platform team would write them in the example's variable. */
export function rules(phase: Phase) {
  const rollout = {
    mode: phase === 'staging directly' ? 'enforce' : 'dry_run',
    mode_by_account: phase === 'dry run' ? {} : { [accounts.production]: 'enforce' },
  };
  const method = phase === 'staging directly' ? 'api' : 'runbook';
  return {
    'security-group-ssh-open': { ...rollout, method },
    'security-group-rdp-open': { ...rollout, method },
    'cloudtrail-log-file-validation': { ...rollout, method },
    'redshift-cluster-public': { ...rollout, method },
    'network-acl-default-allows-all': {
      ...rollout,
      options: labRules['network-acl-default-allows-all'].options,
    },
    'network-acl-subnet-allows-all': {
      ...rollout,
      options: labRules['network-acl-subnet-allows-all'].options,
    },
    'rds-snapshot-public': rollout,
    'vpc-flow-logs-disabled': { ...rollout, options: { retention_days: 30 } },
    's3-bucket-public': {
      ...rollout,
      exemptions: [
        {
          account: accounts.production,
          resource: 'website-*',
          reason: 'serves the public web site',
          owner: 'web team',
          expires: '2099-12-31',
        },
      ],
    },
    'iam-access-key-unrotated': {
      ...rollout,
      // Open all day, every day, because the demo can run at any time.
      maintenance_window: { start: '00:00', end: '00:00' },
      options: { max_age_days: 90, unused_only_days: 30 },
    },
  };
}

/** The rules that can be remediated by a runbook. */
export const runbookRules: readonly string[] = Object.entries(rules('dry run')).flatMap(([id, rule]) =>
  'method' in rule ? id : [],
);

/** A resource that was created for the demo, and its expected outcome. */
export interface Made {
  readonly account: string;
  readonly region: string;
  readonly resource: string;
  readonly what: string;
  readonly expected: 'remediated' | 'exempt' | 'fine';
}

const world = '0.0.0.0/0';
const worldIpv6 = '::/0';

function tcp(
  from: number,
  to: number,
  ...sources: readonly { cidr: string; description?: string }[]
): IpPermission {
  const ranges = sources.filter(({ cidr }) => !cidr.includes(':'));
  const ipv6Ranges = sources.filter(({ cidr }) => cidr.includes(':'));
  return {
    IpProtocol: 'tcp',
    FromPort: from,
    ToPort: to,
    ...(ranges.length > 0 && {
      IpRanges: ranges.map(({ cidr, description }) => ({
        CidrIp: cidr,
        ...(description !== undefined && { Description: description }),
      })),
    }),
    ...(ipv6Ranges.length > 0 && { Ipv6Ranges: ipv6Ranges.map(({ cidr }) => ({ CidrIpv6: cidr })) }),
  };
}

const groups: readonly {
  name: string;
  what: string;
  expected: Made['expected'];
  permissions: readonly IpPermission[];
  tags?: Record<string, string>;
}[] = [
  {
    name: 'ssh-alone',
    what: 'port 22 open to the world, and to an office; 443 open to the world',
    expected: 'remediated',
    permissions: [
      tcp(22, 22, { cidr: world }, { cidr: '198.51.100.0/24', description: 'office' }),
      tcp(443, 443, { cidr: world, description: 'web' }),
    ],
  },
  {
    name: 'range',
    what: 'ports 20-443 open to the world',
    expected: 'remediated',
    permissions: [tcp(20, 443, { cidr: world, description: 'legacy application' })],
  },
  {
    name: 'all-traffic',
    what: 'all traffic from the world',
    expected: 'remediated',
    permissions: [{ IpProtocol: '-1', IpRanges: [{ CidrIp: world }] }],
  },
  {
    name: 'ipv6',
    what: 'port 22 open to ::/0',
    expected: 'remediated',
    permissions: [tcp(22, 22, { cidr: worldIpv6 }, { cidr: '10.0.0.0/8', description: 'inside' })],
  },
  {
    name: 'rdp',
    what: 'port 3389 open to the world for tcp and udp, and to an office',
    expected: 'remediated',
    permissions: [
      tcp(3389, 3389, { cidr: world }, { cidr: '198.51.100.0/24', description: 'office' }),
      { IpProtocol: 'udp', FromPort: 3389, ToPort: 3389, IpRanges: [{ CidrIp: world }] },
    ],
  },
  {
    name: 'ssh-and-rdp',
    what: 'ports 20-4000 open to the world, including 22 and 3389',
    expected: 'remediated',
    permissions: [tcp(20, 4000, { cidr: world, description: 'everything' })],
  },
  {
    name: 'bastion',
    what: 'port 22 open to the world, exempt by its tag',
    expected: 'exempt',
    permissions: [tcp(22, 22, { cidr: world })],
    tags: { [EXEMPTION_TAG]: 'bastion host until 2099-12-31' },
  },
  {
    name: 'closed',
    what: 'port 22 open to an office only',
    expected: 'fine',
    permissions: [tcp(22, 22, { cidr: '198.51.100.0/24', description: 'office' })],
  },
];

/** Violations that the laboratory's rules create, in each account and region. */
const plainViolations: readonly { rule: LabRuleId; prefix: string; what: string }[] = [
  {
    rule: 'network-acl-default-allows-all',
    prefix: 'default',
    what: 'default network ACL that allows all inbound traffic',
  },
  {
    rule: 'network-acl-subnet-allows-all',
    prefix: 'subnet',
    what: "a subnet's network ACL that allows all inbound traffic",
  },
  {
    rule: 'cloudtrail-log-file-validation',
    prefix: 'trail',
    what: 'trail without log file validation',
  },
  { rule: 'rds-snapshot-public', prefix: 'db', what: 'DB instance with a public snapshot' },
  { rule: 'redshift-cluster-public', prefix: 'warehouse', what: 'public Redshift cluster' },
  { rule: 's3-bucket-public', prefix: 'acl', what: 'bucket that is public by its ACL' },
];

/** The ages of the users' keys in days, as reported by the proxy in front of the local AWS. */
export const keyAges = { 'old-robot': 400, 'production-deployer': 120, 'staging-deployer': 91 } as const;

/** Creates the violations, and resources next to them that must not change, in two accounts, mostly in two regions. */
export async function makeResources(endpoint: string): Promise<readonly Made[]> {
  const made: Made[] = [];
  const names = [
    ['production', accounts.production],
    ['staging', accounts.staging],
  ] as const;
  for (const [accountName, account] of names) {
    const builder = new AccountBuilder(endpoint, account);
    for (const region of busyRegions) {
      const name = `${accountName}-${region}`;
      const add = (resource: string, what: string): void => {
        made.push({ account, region, resource, what, expected: 'remediated' });
      };
      for (const { rule, prefix, what } of plainViolations) {
        add(await violate(rule, { builder, region, name: `${prefix}-${name}` }), what);
      }
      const vpc = await builder.vpc(region);
      add(vpc, 'VPC without a flow log');
      add(
        await builder.clusterWithPublicSnapshot(region, `aurora-${name}`),
        'Aurora cluster with a public snapshot',
      );
      for (const { name, what, expected, permissions, tags } of groups) {
        const resource = await builder.securityGroup(region, vpc, name, permissions, tags);
        made.push({ account, region, resource, what: `security group ${name}: ${what}`, expected });
      }
      const bucket = (kind: string): string => `${kind}-${accountName}-${region}`;
      made.push(
        {
          account,
          region,
          resource: await builder.bucketPublicByPolicy(region, bucket('policy')),
          what: 'bucket that is public by its policy',
          expected: 'remediated',
        },
        {
          account,
          region,
          resource: await builder.privateBucket(region, bucket('private')),
          what: 'private bucket',
          expected: 'fine',
        },
      );
    }
    made.push(...(await makeForgotten(builder)));
    const user = async (name: string, keys: number, what: string, expected: Made['expected']) => {
      await builder.userWithKeys(name, keys);
      made.push({ account, region: 'global', resource: name, what: `user ${name}: ${what}`, expected });
    };
    const deployer = accountName === 'production' ? 'production-deployer' : 'staging-deployer';
    await user(deployer, 1, `an access key that is ${keyAges[deployer]} days old`, 'remediated');
    await user('old-robot', 2, 'two access keys that are 400 days old', 'remediated');
    await user('new-robot', 1, 'an access key of today', 'fine');
  }
  made.push({
    account: accounts.production,
    region: 'us-east-1',
    resource: await new AccountBuilder(endpoint, accounts.production).bucketPublicByPolicy(
      'us-east-1',
      'website-production',
    ),
    what: 'bucket of the public web site, exempt by the settings',
    expected: 'exempt',
  });
  return made;
}

/** Creates resources that somebody left behind in a region that the account does not use otherwise. */
async function makeForgotten(builder: AccountBuilder): Promise<readonly Made[]> {
  const { account } = builder;
  const vpc = await builder.vpc(quietRegion);
  const place = { account, region: quietRegion, expected: 'remediated' as const };
  const group = await builder.securityGroup(quietRegion, vpc, 'forgotten', [tcp(22, 22, { cidr: world })]);
  return [
    { ...place, resource: vpc, what: 'VPC without a flow log' },
    { ...place, resource: group, what: 'security group forgotten: port 22 open to the world' },
  ];
}
