import {
  AuthorizeSecurityGroupIngressCommand,
  CreateNetworkAclEntryCommand,
  CreateSecurityGroupCommand,
  DeleteNetworkAclEntryCommand,
  DescribeNetworkAclsCommand,
  DescribeSecurityGroupRulesCommand,
  EC2Client,
  ModifySecurityGroupRulesCommand,
  ReplaceNetworkAclEntryCommand,
  RevokeSecurityGroupIngressCommand,
} from '@aws-sdk/client-ec2';
import {
  DeletePublicAccessBlockCommand,
  GetPublicAccessBlockCommand,
  PutPublicAccessBlockCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import type { AwsSession } from '../../../lambdas/aws/session.ts';
import { freshAccount } from '../../integration/harness/product.ts';
import { AccountBuilder } from '../accounts/account-builder.ts';
import { testSession } from '../accounts/session.ts';
import { type AwsProxy, startAwsProxy } from '../aws-proxy/index.ts';
import { AwsModel } from './model.ts';
import { modelSession } from './session.ts';
import { type AwsState, EMPTY_STATE } from './state.ts';

/**
 * The model answers as the local AWS does (corrected by the proxy where that is known to differ from AWS): the same
 * series of random calls gets the same answers, except for ids.
 */

const REGION = 'eu-central-1';

let proxy: AwsProxy;
beforeAll(async () => {
  const endpoint = inject('localAwsEndpoint');
  proxy = await startAwsProxy({ upstream: () => endpoint });
});
afterAll(() => proxy.stop());

/** A session on a model of this state. */
function onModel(account: string, initial: AwsState): AwsSession {
  const model = new AwsModel(account, initial, () => 0);
  return modelSession(
    { account, region: REGION },
    () => 0,
    async ({ operation, input, region }) => {
      const { output, next } = model.answer(operation, input, model.state, region);
      if (next !== undefined) model.set(next);
      return output;
    },
  );
}

async function codeOf(call: Promise<unknown>): Promise<string> {
  return call.then(
    () => 'done',
    (error: unknown) => (error instanceof Error ? error.name : String(error)),
  );
}

describe('security groups', () => {
  const contents = fc.record({
    IpProtocol: fc.constantFrom('tcp', 'udp'),
    ports: fc.constantFrom<[number, number]>([20, 443], [22, 22], [20, 21], [23, 443]),
    // Of one address family: AWS does not change a rule's type, the local AWS does.
    cidr: fc.constantFrom('0.0.0.0/0', '10.0.0.0/8', '192.0.2.0/24'),
    Description: fc.constantFrom('web', 'legacy application'),
  });
  /** `rule` counts the rules that were created, including deleted ones. */
  const steps = fc.array(
    fc.oneof(
      fc.record({
        do: fc.constant('authorize' as const),
        rules: fc.array(contents, { minLength: 1, maxLength: 2 }),
      }),
      fc.record({ do: fc.constant('revoke' as const), rule: fc.nat(4) }),
      fc.record({ do: fc.constant('revoke by content' as const), content: contents }),
      fc.record({ do: fc.constant('modify' as const), rule: fc.nat(4), content: contents }),
    ),
    { minLength: 10, maxLength: 10 },
  );
  type Content = typeof contents extends fc.Arbitrary<infer T> ? T : never;
  type Step = (typeof steps extends fc.Arbitrary<infer T> ? T : never)[number];

  const permission = ({ IpProtocol, ports: [FromPort, ToPort], cidr, Description }: Content) => ({
    IpProtocol,
    FromPort,
    ToPort,
    ...(cidr.includes(':')
      ? { Ipv6Ranges: [{ CidrIpv6: cidr, Description }] }
      : { IpRanges: [{ CidrIp: cidr, Description }] }),
  });
  const request = ({ IpProtocol, ports: [FromPort, ToPort], cidr, Description }: Content) => ({
    IpProtocol,
    FromPort,
    ToPort,
    ...(cidr.includes(':') ? { CidrIpv6: cidr } : { CidrIpv4: cidr }),
    Description,
  });

  /** Makes the calls. @returns for each of them the answer and the rules afterwards */
  async function transcript(
    session: AwsSession,
    GroupId: string,
    sequence: readonly Step[],
  ): Promise<string[]> {
    const client = session.client(EC2Client);
    const made: string[] = [];
    const lines: string[] = [];
    for (const step of sequence) {
      let code: string;
      switch (step.do) {
        case 'authorize':
          code = await codeOf(
            client.send(
              new AuthorizeSecurityGroupIngressCommand({
                GroupId,
                IpPermissions: step.rules.map(permission),
              }),
            ),
          );
          break;
        case 'revoke': {
          const SecurityGroupRuleIds = [made[step.rule] ?? 'sgr-0123456789abcdef0'];
          code = await codeOf(
            client.send(new RevokeSecurityGroupIngressCommand({ GroupId, SecurityGroupRuleIds })),
          );
          break;
        }
        case 'revoke by content':
          code = await codeOf(
            client.send(
              new RevokeSecurityGroupIngressCommand({ GroupId, IpPermissions: [permission(step.content)] }),
            ),
          );
          break;
        case 'modify':
          code = await codeOf(
            client.send(
              new ModifySecurityGroupRulesCommand({
                GroupId,
                SecurityGroupRules: [
                  {
                    SecurityGroupRuleId: made[step.rule] ?? 'sgr-0123456789abcdef0',
                    SecurityGroupRule: request(step.content),
                  },
                ],
              }),
            ),
          );
      }
      const { SecurityGroupRules = [] } = await client.send(
        new DescribeSecurityGroupRulesCommand({ Filters: [{ Name: 'group-id', Values: [GroupId] }] }),
      );
      const rules = SecurityGroupRules.filter(({ IsEgress }) => IsEgress !== true)
        .map(
          ({
            SecurityGroupRuleId: id = '',
            IpProtocol,
            FromPort,
            ToPort,
            CidrIpv4,
            CidrIpv6,
            Description,
          }) => ({
            id,
            words: `${IpProtocol} ${FromPort}-${ToPort} ${CidrIpv4 ?? CidrIpv6} ${Description}`,
          }),
        )
        .sort((one, other) => (one.words < other.words ? -1 : 1));
      // Read, not taken from the answer: for several permissions, the local AWS returns only the last one's rule.
      for (const { id } of rules) if (!made.includes(id)) made.push(id);
      lines.push(
        `${JSON.stringify(step)}: ${code}; ${rules.map(({ id, words }) => `${made.indexOf(id)} ${words}`).join(', ')}`,
      );
    }
    return lines;
  }

  test('the same calls get the same answers', async () => {
    const account = freshAccount();
    const builder = new AccountBuilder(proxy.endpoint, account);
    const vpc = await builder.vpc(REGION);
    const local = testSession({ endpoint: proxy.endpoint, account, region: REGION, maxAttempts: 1 });
    for (const [number, sequence] of fc.sample(steps, { numRuns: 5, seed: 1 }).entries()) {
      const name = `group-${number}`;
      const { GroupId: id = '' } = await local
        .client(EC2Client)
        .send(new CreateSecurityGroupCommand({ GroupName: name, Description: name, VpcId: vpc }));
      const group = { owner: account, vpc, tags: {}, quota: 60, rules: [] };
      const model = onModel(account, { ...EMPTY_STATE, groups: { [id]: group } });

      const answered = await transcript(local, id, sequence);
      const modelled = await transcript(model, id, sequence);

      expect(modelled).toEqual(answered);
    }
  });
});

describe('network ACLs', () => {
  const entries = fc.record({
    RuleNumber: fc.constantFrom(50, 90, 110),
    RuleAction: fc.constantFrom('allow' as const, 'deny' as const),
    protocol: fc.constantFrom('-1', '6'),
    cidr: fc.constantFrom('0.0.0.0/0', '10.0.0.0/8', '::/0'),
  });
  const steps = fc.array(fc.record({ do: fc.constantFrom('create', 'replace', 'delete'), entry: entries }), {
    minLength: 10,
    maxLength: 10,
  });
  type Step = (typeof steps extends fc.Arbitrary<infer T> ? T : never)[number];

  async function transcript(
    session: AwsSession,
    NetworkAclId: string,
    sequence: readonly Step[],
  ): Promise<string[]> {
    const client = session.client(EC2Client);
    const lines: string[] = [];
    for (const { do: what, entry } of sequence) {
      const { RuleNumber, RuleAction, protocol: Protocol, cidr } = entry;
      const id = { NetworkAclId, Egress: false, RuleNumber };
      const input = {
        ...id,
        RuleAction,
        Protocol,
        ...(cidr.includes(':') ? { Ipv6CidrBlock: cidr } : { CidrBlock: cidr }),
        ...(Protocol === '6' && { PortRange: { From: 443, To: 443 } }),
      };
      const code = await codeOf(
        what === 'create'
          ? client.send(new CreateNetworkAclEntryCommand(input))
          : what === 'replace'
            ? client.send(new ReplaceNetworkAclEntryCommand(input))
            : client.send(new DeleteNetworkAclEntryCommand(id)),
      );
      const { NetworkAcls = [] } = await client.send(
        new DescribeNetworkAclsCommand({ NetworkAclIds: [NetworkAclId] }),
      );
      const standing = (NetworkAcls[0]?.Entries ?? [])
        .filter(({ Egress, RuleNumber: number = 0 }) => Egress !== true && number < 32_767)
        .map(
          (one) =>
            `${one.RuleNumber} ${one.RuleAction} ${one.Protocol} ${one.PortRange?.From} ${one.CidrBlock ?? one.Ipv6CidrBlock}`,
        );
      lines.push(`${what} ${JSON.stringify(entry)}: ${code}; ${standing.sort().join(', ')}`);
    }
    return lines;
  }

  test('the same calls get the same answers', async () => {
    const account = freshAccount();
    const id = await new AccountBuilder(proxy.endpoint, account).openSubnetNetworkAcl(REGION);
    const local = testSession({ endpoint: proxy.endpoint, account, region: REGION, maxAttempts: 1 });
    for (const sequence of fc.sample(steps, { numRuns: 3, seed: 1 })) {
      for (const RuleNumber of [50, 90, 110]) {
        const entry = { NetworkAclId: id, RuleNumber, Egress: false };
        await codeOf(local.client(EC2Client).send(new DeleteNetworkAclEntryCommand(entry)));
      }
      const open = { number: 100, action: 'allow', protocol: '-1', cidr: '0.0.0.0/0' } as const;
      const entries = [{ ...open, ports: null, icmp: null }];
      const acl = {
        owner: account,
        vpc: 'vpc-1',
        isDefault: false,
        subnets: [],
        tags: {},
        quota: 20,
        entries,
      };
      const model = onModel(account, { ...EMPTY_STATE, acls: { [id]: acl } });

      const answered = await transcript(local, id, sequence);
      const modelled = await transcript(model, id, sequence);

      expect(modelled).toEqual(answered);
    }
  });
});

describe('public access blocks', () => {
  const block = fc.record({
    BlockPublicAcls: fc.boolean(),
    IgnorePublicAcls: fc.boolean(),
    BlockPublicPolicy: fc.boolean(),
    RestrictPublicBuckets: fc.boolean(),
  });
  const steps = fc.array(fc.oneof(block, fc.constant(null)), { minLength: 6, maxLength: 6 });

  async function transcript(
    session: AwsSession,
    Bucket: string,
    sequence: readonly (Record<string, boolean> | null)[],
  ): Promise<string[]> {
    const client = session.client(S3Client);
    const lines: string[] = [];
    for (const step of sequence) {
      const code = await codeOf(
        step === null
          ? client.send(new DeletePublicAccessBlockCommand({ Bucket }))
          : client.send(new PutPublicAccessBlockCommand({ Bucket, PublicAccessBlockConfiguration: step })),
      );
      const standing = await client.send(new GetPublicAccessBlockCommand({ Bucket })).then(
        ({ PublicAccessBlockConfiguration: found = {} }) => JSON.stringify(Object.entries(found).sort()),
        (error: unknown) => (error instanceof Error ? error.name : String(error)),
      );
      lines.push(`${code}; ${standing}`);
    }
    return lines;
  }

  test('the same calls get the same answers, also for a missing bucket', async () => {
    const account = freshAccount();
    const name = `model-${account}`;
    await new AccountBuilder(proxy.endpoint, account).bucketPublicByAcl(REGION, name);
    const local = testSession({ endpoint: proxy.endpoint, account, region: REGION, maxAttempts: 1 });
    const bucket = { region: REGION, tags: {}, block: null, aclIsPublic: true, policyIsPublic: null };
    const model = onModel(account, { ...EMPTY_STATE, buckets: { [name]: bucket } });

    for (const sequence of fc.sample(steps, { numRuns: 3, seed: 1 })) {
      for (const where of [name, `no-${name}`]) {
        const answered = await transcript(local, where, [null, ...sequence]);
        const modelled = await transcript(model, where, [null, ...sequence]);

        expect(modelled).toEqual(answered);
      }
    }
  });
});
