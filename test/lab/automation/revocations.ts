import {
  DescribeSecurityGroupRulesCommand,
  DescribeSecurityGroupsCommand,
  DescribeVpcsCommand,
  EC2Client,
  RevokeSecurityGroupIngressCommand,
  type SecurityGroupRule,
} from '@aws-sdk/client-ec2';
import { type AwsAnswer, type AwsCall, awsError } from '../aws-proxy/index.ts';

/** One rule as a caller describes it, in lower case. */
interface DescribedRule {
  readonly protocol: string;
  readonly fromPort: string;
  readonly toPort: string;
  readonly source: string;
}

/**
 * Inbound rules that are revoked by description, as in EC2. The local AWS differs: it revokes the rules before one that does
 * not exist. In a default VPC, EC2 skips rules that do not exist; in any other one they are an error, and nothing is
 * revoked.
 * https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_RevokeSecurityGroupIngress.html
 */
export function revokedAsInAws(upstream: () => string) {
  return async (call: AwsCall): Promise<AwsAnswer | undefined> => {
    if (call.service !== 'ec2' || call.operation !== 'RevokeSecurityGroupIngress') return undefined;
    const { GroupId: group, DryRun: dryRun } = call.parameters;
    const described = describedRules(call.parameters);
    if (typeof group !== 'string' || dryRun === 'true' || described === undefined) return undefined;
    const client = new EC2Client({
      endpoint: upstream(),
      region: call.region,
      credentials: { accessKeyId: call.principal.account, secretAccessKey: 'simulated' },
    });
    const isInDefaultVpc = await isDefaultVpc(client, group);
    if (isInDefaultVpc === undefined) return undefined;
    const { SecurityGroupRules: rules = [] } = await client.send(
      new DescribeSecurityGroupRulesCommand({ Filters: [{ Name: 'group-id', Values: [group] }] }),
    );
    const found = described.flatMap((one) => rules.find((rule) => isDescribed(rule, one)) ?? []);
    if (found.length < described.length && !isInDefaultVpc) {
      return awsError(call, 'InvalidPermission.NotFound', {
        message: 'The specified rule does not exist in this security group.',
      });
    }
    const ids = found.flatMap(({ SecurityGroupRuleId: id }) => id ?? []);
    if (ids.length > 0) {
      await client.send(new RevokeSecurityGroupIngressCommand({ GroupId: group, SecurityGroupRuleIds: ids }));
    }
    return {
      status: 200,
      headers: { 'content-type': 'text/xml;charset=UTF-8' },
      body: Buffer.from(
        `<RevokeSecurityGroupIngressResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><requestId>${crypto.randomUUID()}</requestId><return>true</return></RevokeSecurityGroupIngressResponse>`,
      ),
    };
  };
}

/** Undefined if there is no such group: the local AWS reports that as AWS does. */
async function isDefaultVpc(client: EC2Client, group: string): Promise<boolean | undefined> {
  const { SecurityGroups = [] } = await client.send(
    new DescribeSecurityGroupsCommand({ Filters: [{ Name: 'group-id', Values: [group] }] }),
  );
  const vpc = SecurityGroups[0]?.VpcId;
  if (vpc === undefined) return undefined;
  const { Vpcs = [] } = await client.send(new DescribeVpcsCommand({ VpcIds: [vpc] }));
  return Vpcs[0]?.IsDefault === true;
}

/** Undefined if rules are named by id, or have sources other than addresses. */
function describedRules(parameters: AwsCall['parameters']): DescribedRule[] | undefined {
  const rules: DescribedRule[] = [];
  for (const [name, value] of Object.entries(parameters)) {
    if (name === 'GroupId') continue;
    const [, number, field = ''] = /^IpPermissions\.(\d+)\.(.+)$/.exec(name) ?? [];
    if (number === undefined) return undefined;
    if (['IpProtocol', 'FromPort', 'ToPort'].includes(field) || field.endsWith('.Description')) continue;
    if (!/^(IpRanges\.\d+\.CidrIp|Ipv6Ranges\.\d+\.CidrIpv6)$/.test(field)) return undefined;
    const text = (key: string): string =>
      String(parameters[`IpPermissions.${number}.${key}`] ?? '').toLowerCase();
    rules.push({
      protocol: text('IpProtocol'),
      fromPort: text('FromPort'),
      toPort: text('ToPort'),
      source: String(value).toLowerCase(),
    });
  }
  return rules.length > 0 ? rules : undefined;
}

function isDescribed(
  rule: SecurityGroupRule,
  { protocol, fromPort, toPort, source }: DescribedRule,
): boolean {
  return (
    rule.IsEgress !== true &&
    rule.IpProtocol === protocol &&
    String(rule.FromPort) === fromPort &&
    String(rule.ToPort) === toPort &&
    (rule.CidrIpv4 ?? rule.CidrIpv6) === source
  );
}
