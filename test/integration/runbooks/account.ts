import { CloudTrailClient, DescribeTrailsCommand } from '@aws-sdk/client-cloudtrail';
import { DescribeVpcsCommand, EC2Client, type IpPermission } from '@aws-sdk/client-ec2';
import { CreateRoleCommand, IAMClient } from '@aws-sdk/client-iam';
import { DescribeClustersCommand, RedshiftClient } from '@aws-sdk/client-redshift';
import { z } from 'zod';
import { AccountBuilder } from '../../lab/accounts/account-builder.ts';
import { labelOfRegion, type TenantItem } from '../../lab/tenant/index.ts';
import type { Deployed } from '../harness/harness.ts';
import { ingressRules, itemOf as itemIn, WORLD } from '../harness/violations.ts';

export const REGION = 'eu-central-1';
/** A home region of a trail that is not the region of its finding. */
export const ELSEWHERE = 'us-east-1';

export type RunbookRule =
  | 'security-group-ssh-open'
  | 'security-group-rdp-open'
  | 'cloudtrail-log-file-validation'
  | 'redshift-cluster-public';

/** Makes the tenant's item for a resource that violates a rule. */
export function itemOf(rule: RunbookRule, account_id: string, resource_id: string): TenantItem {
  return itemIn(rule, { account_id, resource_id, region_name: labelOfRegion(REGION) });
}

/** A rule for exactly one port. */
export function tcp(from: number, to: number, source: string): IpPermission {
  const range = source.includes(':')
    ? { Ipv6Ranges: [{ CidrIpv6: source }] }
    : { IpRanges: [{ CidrIp: source }] };
  return { IpProtocol: 'tcp', FromPort: from, ToPort: to, ...range };
}

/** Permissions without any of which the document fails in a VPC that is not the default one. */
export const ALL_FOUR = [22, 3389].flatMap((port) =>
  [WORLD, '::/0'].map((source) => tcp(port, port, source)),
);

let made = 0;

/** Creates and reads resources in an account, without the proxy. */
export class Account {
  readonly id: string;
  readonly #builder: AccountBuilder;
  readonly #endpoint: string;

  constructor(endpoint: string, id: string) {
    this.id = id;
    this.#endpoint = endpoint;
    this.#builder = new AccountBuilder(endpoint, id);
  }

  /** The role as which Systems Manager Automation runs, which trusts the service for this account. */
  async makeAutomationRole({ product }: Deployed): Promise<void> {
    const statement = {
      Effect: 'Allow',
      Principal: { Service: 'ssm.amazonaws.com' },
      Action: 'sts:AssumeRole',
      Condition: { StringEquals: { 'aws:SourceAccount': this.id } },
    };
    await new IAMClient(this.#settings()).send(
      new CreateRoleCommand({
        RoleName: product.automationRoleName,
        AssumeRolePolicyDocument: JSON.stringify({ Version: '2012-10-17', Statement: [statement] }),
      }),
    );
  }

  async group(permissions: readonly IpPermission[], vpc?: string): Promise<string> {
    made += 1;
    return this.#builder.securityGroup(
      REGION,
      vpc ?? (await this.#builder.vpc(REGION)),
      `group-${made}`,
      permissions,
    );
  }

  async defaultVpc(): Promise<string> {
    const { Vpcs = [] } = await new EC2Client(this.#settings()).send(
      new DescribeVpcsCommand({ Filters: [{ Name: 'is-default', Values: ['true'] }] }),
    );
    return z.string().parse(Vpcs[0]?.VpcId);
  }

  /** A violation that the rule's document can fix. */
  async violation(rule: RunbookRule): Promise<TenantItem> {
    made += 1;
    switch (rule) {
      case 'security-group-ssh-open':
      case 'security-group-rdp-open':
        return itemOf(rule, this.id, await this.group(ALL_FOUR));
      case 'cloudtrail-log-file-validation': {
        const name = `trail-${this.id}-${process.pid}-${made}`;
        return itemOf(rule, this.id, await this.#builder.unvalidatedTrail(ELSEWHERE, name));
      }
      case 'redshift-cluster-public': {
        const id = await this.#builder.publicRedshiftCluster(REGION, `warehouse-${made}`);
        // In the local AWS, it is available from the second read on.
        await this.isFixed(rule, id);
        return itemOf(rule, this.id, id);
      }
    }
  }

  async isFixed(rule: RunbookRule, resource: string): Promise<boolean> {
    switch (rule) {
      case 'security-group-ssh-open':
      case 'security-group-rdp-open':
        return (await this.rulesOf(resource)).length === 0;
      case 'cloudtrail-log-file-validation': {
        const { trailList = [] } = await new CloudTrailClient(this.#settings(ELSEWHERE)).send(
          new DescribeTrailsCommand({ trailNameList: [resource] }),
        );
        return trailList[0]?.LogFileValidationEnabled === true;
      }
      case 'redshift-cluster-public': {
        const { Clusters = [] } = await new RedshiftClient(this.#settings()).send(
          new DescribeClustersCommand({ ClusterIdentifier: resource }),
        );
        return Clusters[0]?.PubliclyAccessible === false;
      }
    }
  }

  /** A group's inbound rules: `tcp 22-22 0.0.0.0/0`. */
  async rulesOf(group: string): Promise<string[]> {
    return (await ingressRules(this.#endpoint, this.id, group)).map((rule) => rule.trim());
  }

  #settings(region = REGION) {
    return {
      endpoint: this.#endpoint,
      region,
      credentials: { accessKeyId: this.id, secretAccessKey: 'test' },
    };
  }
}
