import {
  CreateNetworkAclEntryCommand,
  DescribeNetworkAclsCommand,
  DescribeSecurityGroupRulesCommand,
  ModifySecurityGroupRulesCommand,
  type NetworkAclEntry,
  RevokeSecurityGroupIngressCommand,
} from '@aws-sdk/client-ec2';
import { GetPublicAccessBlockCommand, PutPublicAccessBlockCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { applyChange, inverseOf } from '../../lambdas/changes/index.ts';
import { EXEMPTION_TAG } from '../../lambdas/model/exemption-tag.ts';
import type { Outcome } from '../../lambdas/model/outcome.ts';
import { AccountBuilder } from '../lab/accounts/account-builder.ts';
import { testSession } from '../lab/accounts/session.ts';
import { type AwsCall, type Injection, laggingReads } from '../lab/aws-proxy/index.ts';
import { type Deployed, type Harness, nextMoment, startHarness } from './harness/harness.ts';
import {
  type ActedRule,
  blockAllPublicAccess,
  deleteOpenEntry,
  ec2Of,
  type Owner,
  ownerActs,
  renameInstance,
  s3Of,
} from './harness/owner-acts.ts';
import {
  ingressRules,
  itemOf,
  makeSecurityGroup,
  makeViolation,
  OFFICE,
  type TestedRule,
  WORLD,
  wideRange,
} from './harness/violations.ts';

const REGION = 'eu-central-1';
const SSH = 'security-group-ssh-open';
const RDP = 'security-group-rdp-open';
const ACL = 'network-acl-subnet-allows-all';
const FLOW_LOGS = 'acts-flow-logs';
/** The first resource of a job is changed alone, then the others. */
const enforce = { mode: 'enforce', breaker: { changes: 1, failed_percent: 100 } } as const;

let harness: Harness;
let deployed: Deployed;
let owner: Owner;

beforeAll(async () => {
  harness = await startHarness({ time: 'stands still' });
  owner = { endpoint: harness.endpoint, account: harness.account(), region: REGION };
  await new AccountBuilder(harness.endpoint, owner.account).privateBucket(REGION, FLOW_LOGS);
  deployed = await harness.deploy({
    rules: {
      [SSH]: enforce,
      [RDP]: enforce,
      [ACL]: { ...enforce, options: { replacement_cidrs: ['10.0.0.0/8', '192.168.0.0/16'] } },
      'security-group-admin-ports-open': enforce,
      'network-acl-admin-ports-open': enforce,
      'network-acl-default-allows-all': { ...enforce, options: { replacement_cidrs: ['10.0.0.0/8'] } },
      's3-bucket-public': enforce,
      'iam-access-key-unrotated': enforce,
      'rds-snapshot-public': enforce,
      'redshift-cluster-public': enforce,
      'cloudtrail-log-file-validation': enforce,
      'vpc-flow-logs-disabled': { ...enforce, options: { destination: `arn:aws:s3:::${FLOW_LOGS}` } },
    },
  });
});
afterAll(() => harness[Symbol.asyncDispose]());
beforeEach(() => {
  deployed.coldStart();
  harness.proxy.clear();
});

/** Tells whether a target role makes the call, for the product. */
const isOurs = ({ principal }: AwsCall): boolean => principal.assumedBy?.account === deployed.product.account;

/** Lets someone else act once, immediately before the product's call of this operation with this number. */
function actBefore(operation: string, number: number, act: () => Promise<unknown>): Injection {
  const effect = {
    before: async () => {
      await act();
    },
  };
  return harness.fault({ operation, skip: number - 1, times: 1, when: isOurs, effect });
}

/** Runs a whole poll of one resource. */
async function remediate(rule: TestedRule, resource: string): Promise<Outcome> {
  const { outcomes } = await deployed.run(rule, [
    itemOf(rule, { account_id: owner.account, resource_id: resource }),
  ]);
  const [outcome] = outcomes;
  if (outcome === undefined) throw new Error(`${rule} has no outcome for ${resource}`);
  return outcome;
}

/** A group's inbound rules with their ids, descriptions and tags. */
async function rulesOf(group: string) {
  const { SecurityGroupRules = [] } = await ec2Of(owner).send(
    new DescribeSecurityGroupRulesCommand({ Filters: [{ Name: 'group-id', Values: [group] }] }),
  );
  return SecurityGroupRules.filter(({ IsEgress }) => IsEgress !== true);
}

/** The wide rule's id: the rule that the product adds beside it ends below 22. */
async function wideRuleOf(group: string): Promise<string> {
  const wide = (await rulesOf(group)).find(({ ToPort, CidrIpv4 }) => ToPort === 443 && CidrIpv4 === WORLD);
  if (wide?.SecurityGroupRuleId === undefined)
    throw new Error(`${group} has no rule up to 443 from ${WORLD}`);
  return wide.SecurityGroupRuleId;
}

async function revokeWide(group: string): Promise<void> {
  const SecurityGroupRuleIds = [await wideRuleOf(group)];
  await ec2Of(owner).send(new RevokeSecurityGroupIngressCommand({ GroupId: group, SecurityGroupRuleIds }));
}

async function narrowWide(group: string, FromPort: number, ToPort: number): Promise<void> {
  const SecurityGroupRule = { IpProtocol: 'tcp', FromPort, ToPort, CidrIpv4: WORLD, Description: 'narrowed' };
  await ec2Of(owner).send(
    new ModifySecurityGroupRulesCommand({
      GroupId: group,
      SecurityGroupRules: [{ SecurityGroupRuleId: await wideRuleOf(group), SecurityGroupRule }],
    }),
  );
}

describe('the owner of a group that allows tcp 20-443 from everywhere', () => {
  const office = `tcp 22-22 ${OFFICE} office`;
  const afterRead = ['DescribeSecurityGroupRules', 2, 'right after the read'] as const;
  const onceAdded = ['DescribeSecurityGroupRules', 3, 'when a part has been added'] as const;
  const atLast = ['ModifySecurityGroupRules', 1, 'immediately before the rule is shrunk'] as const;
  /** Record of an addition that is removed again: it has both. */
  const addedAndTakenBack = [
    { line: expect.stringMatching(/^~ .* \(in part\)$/) },
    { line: expect.stringMatching(/^- ingress tcp 20-21 /) },
  ];

  test.each([
    [...afterRead, []],
    [...onceAdded, addedAndTakenBack],
    [...atLast, addedAndTakenBack],
  ] as const)(
    'revokes the rule before our %s number %i, %s: nothing is opened',
    async (operation, number, _, applied) => {
      const group = await makeSecurityGroup(harness.endpoint, owner.account, wideRange);
      const act = actBefore(operation, number, () => revokeWide(group));

      const outcome = await remediate(SSH, group);

      expect(act.hits).toBe(1);
      expect(await ingressRules(harness.endpoint, owner.account, group)).toEqual([office]);
      expect(outcome).toMatchObject({ outcome: 'compliant', applied });
    },
  );

  test.each([
    [...afterRead, []],
    [...onceAdded, addedAndTakenBack],
  ] as const)(
    'narrows the rule to 22-30 before our %s number %i, %s: it is planned again',
    async (operation, number, _, before) => {
      const group = await makeSecurityGroup(harness.endpoint, owner.account, wideRange);
      const act = actBefore(operation, number, () => narrowWide(group, 22, 30));

      const outcome = await remediate(SSH, group);

      expect(act.hits).toBe(1);
      expect(await ingressRules(harness.endpoint, owner.account, group)).toEqual([
        office,
        `tcp 23-30 ${WORLD} narrowed`,
      ]);
      expect(outcome).toMatchObject({
        outcome: 'remediated',
        applied: [...before, { line: expect.stringContaining(`tcp 22-30 from ${WORLD}`) }],
      });
    },
  );
});

describe('SSH, then RDP on one rule that opens everything', () => {
  const wide = [{ IpProtocol: 'tcp', FromPort: 0, ToPort: 65_535, IpRanges: [{ CidrIp: WORLD }] }];
  const closed = [`tcp 0-21 ${WORLD} `, `tcp 23-3388 ${WORLD} `, `tcp 3390-65535 ${WORLD} `];

  /** The ports that were added or shrunk to, as the calls name them. */
  const opened = () =>
    deployed.writes().map(({ parameters }) => {
      const port = (name: string) =>
        Number(Object.entries(parameters).find(([key]) => key.endsWith(`.${name}`))?.[1]);
      return [port('FromPort'), port('ToPort')] as const;
    });

  function readsOfRules() {
    const reads = laggingReads({ service: 'ec2', operation: 'DescribeSecurityGroupRules' });
    harness.fault(reads.fault);
    return reads;
  }

  test('port 22 stays closed when the first read of the RDP job shows the group as it was before', async () => {
    const group = await makeSecurityGroup(harness.endpoint, owner.account, wide);
    const reads = readsOfRules();
    await remediate(SSH, group);
    reads.lag({ times: 1 }, 'first');

    const outcome = await remediate(RDP, group);

    expect(reads.hits).toBe(1);
    expect(outcome).toMatchObject({ outcome: 'remediated' });
    expect(await ingressRules(harness.endpoint, owner.account, group)).toEqual(closed);
    expect(opened().filter(([from, to]) => from <= 22 && 22 <= to)).toEqual([]);
  });

  test('nothing is written until reads no longer show it', async () => {
    const group = await makeSecurityGroup(harness.endpoint, owner.account, wide);
    const reads = readsOfRules();
    await remediate(SSH, group);
    reads.lag({ times: 1_000 }, 'first');
    const shrunk = await ingressRules(harness.endpoint, owner.account, group);
    harness.proxy.clear();
    harness.tenant.setFindings([itemOf(RDP, { account_id: owner.account, resource_id: group })]);
    const poll = { rule: RDP, asOf: nextMoment() };

    await deployed.collect(poll);
    await deployed.work();

    expect(reads.hits).toBeGreaterThan(0);
    expect(deployed.writes()).toEqual([]);
    expect(await ingressRules(harness.endpoint, owner.account, group)).toEqual(shrunk);
    reads.catchUp();
    await deployed.lookAgain();
    const { outcomes } = await deployed.resultOf(poll, 1);
    expect(outcomes).toMatchObject([{ outcome: 'remediated' }]);
    expect(await ingressRules(harness.endpoint, owner.account, group)).toEqual(closed);
  });

  test('undone by their records, the last first, they leave the group as it was', async () => {
    const group = await makeSecurityGroup(harness.endpoint, owner.account, [...wide, ...wideRange]);
    const rules = await rulesOf(group);
    const outcomes = [await remediate(SSH, group), await remediate(RDP, group)];
    const session = testSession(owner);

    for (const { change } of outcomes.flatMap(({ applied }) => applied).reverse()) {
      const inverse = await inverseOf(change);
      if (inverse !== undefined) await applyChange(session, inverse);
    }

    expect(outcomes).toMatchObject([{ outcome: 'remediated' }, { outcome: 'remediated' }]);
    expect(await rulesOf(group)).toEqual(rules);
  });
});

describe('the owner of a bucket that its ACL makes public', () => {
  const all = {
    BlockPublicAcls: true,
    IgnorePublicAcls: true,
    BlockPublicPolicy: true,
    RestrictPublicBuckets: true,
  };
  const blockOf = async (Bucket: string) =>
    (await s3Of(owner).send(new GetPublicAccessBlockCommand({ Bucket }))).PublicAccessBlockConfiguration;
  const makeBucket = async () =>
    (await makeViolation(harness.endpoint, 's3-bucket-public', owner.account, REGION)).resource_id;

  test('switches on all four settings after the read: they stay on, and the record claims none', async () => {
    const bucket = await makeBucket();
    const act = actBefore('GetPublicAccessBlock', 2, () => blockAllPublicAccess(owner, bucket));

    const outcome = await remediate('s3-bucket-public', bucket);

    expect(act.hits).toBe(1);
    expect(await blockOf(bucket)).toEqual(all);
    expect(outcome).toMatchObject({ outcome: 'compliant', applied: [] });
  });

  test('switches on two others after the read: they stay on, and the record has the settings at the time of the write', async () => {
    const bucket = await makeBucket();
    const owns = { ...all, IgnorePublicAcls: false, RestrictPublicBuckets: false };
    const act = actBefore('GetPublicAccessBlock', 2, () =>
      s3Of(owner).send(
        new PutPublicAccessBlockCommand({ Bucket: bucket, PublicAccessBlockConfiguration: owns }),
      ),
    );

    const outcome = await remediate('s3-bucket-public', bucket);

    expect(act.hits).toBe(1);
    expect(await blockOf(bucket)).toEqual(all);
    expect(outcome).toMatchObject({
      outcome: 'remediated',
      applied: [{ change: { before: owns, after: all } }],
    });
  });
});

describe('the owner of a network ACL whose open entry is to be replaced by replacement_cidrs', () => {
  const web = {
    RuleNumber: 100,
    Protocol: '6',
    RuleAction: 'allow',
    Egress: false,
    CidrBlock: WORLD,
  } as const;
  const PortRange = { From: 443, To: 443 };

  const inbound = async (acl: string): Promise<NetworkAclEntry[]> => {
    const { NetworkAcls = [] } = await ec2Of(owner).send(
      new DescribeNetworkAclsCommand({ NetworkAclIds: [acl] }),
    );
    return NetworkAcls.flatMap(({ Entries = [] }) => Entries).filter(({ Egress }) => Egress === false);
  };
  const replaceOpenEntry = async (NetworkAclId: string) => {
    await deleteOpenEntry(owner, NetworkAclId);
    await ec2Of(owner).send(new CreateNetworkAclEntryCommand({ NetworkAclId, ...web, PortRange }));
  };
  const deletes = ['deletes it', (acl: string) => deleteOpenEntry(owner, acl)] as const;
  const replaces = ['allows 443 under its number', replaceOpenEntry] as const;

  /** Record of an addition that is removed again: it has both. */
  const addedAndTakenBack = [
    { line: expect.stringMatching(/^~ inbound entry 100 .* \(in part\)$/) },
    { line: expect.stringMatching(/^- inbound entry 101 /) },
  ];

  test.each([
    [...deletes, 'DescribeNetworkAcls', 2, []],
    [...deletes, 'CreateNetworkAclEntry', 1, addedAndTakenBack],
    [...deletes, 'ReplaceNetworkAclEntry', 1, addedAndTakenBack],
    [...replaces, 'DescribeNetworkAcls', 2, []],
    [...replaces, 'CreateNetworkAclEntry', 1, addedAndTakenBack],
  ] as const)(
    '%s, before our $2 number $3: only that is left',
    async (_, act, operation, number, applied) => {
      const { resource_id: acl } = await makeViolation(harness.endpoint, ACL, owner.account, REGION);
      let left: NetworkAclEntry[] = [];
      const acted = actBefore(operation, number, async () => {
        await act(acl);
        left = await inbound(acl);
        // The entries that the product has added by then are not the owner's.
        left = left.filter(({ CidrBlock }) => CidrBlock === WORLD);
      });

      const outcome = await remediate(ACL, acl);

      expect(acted.hits).toBe(1);
      expect(await inbound(acl)).toEqual(left);
      expect(outcome).toMatchObject({ outcome: 'compliant', applied });
    },
  );
});

describe('a resource that is processed after another one of its job', () => {
  const rules = Object.keys(ownerActs).filter((rule): rule is ActedRule => rule in ownerActs);

  // Rules with similar resources share code.
  const different = rules.filter(
    (rule, index) => rules.findIndex((other) => ownerActs[other] === ownerActs[rule]) === index,
  );
  const exempt = (rule: ActedRule) => (of: Owner, resource: string) =>
    ownerActs[rule].tag(of, resource, EXEMPTION_TAG, 'migration until 2999-01-01');
  const cases = different.flatMap((rule) => [
    {
      rule,
      what: 'deleted',
      act: ownerActs[rule].remove,
      // Snapshots outlive their database: a name that resolves to nothing does not mean that no snapshots are left.
      expected: { outcome: rule === 'rds-snapshot-public' ? 'compliant' : 'gone' },
    },
    {
      rule,
      what: 'exempted by its tag',
      act: exempt(rule),
      expected: { outcome: 'exempt', reason: expect.stringContaining('migration (tag, until 2999-01-01)') },
    },
    { rule, what: 'fixed by its owner', act: ownerActs[rule].fix, expected: { outcome: 'compliant' } },
  ]);

  test.each(cases)('$rule: $what before our first write', async ({ rule, act, expected }) => {
    const first = await makeViolation(harness.endpoint, rule, owner.account, REGION);
    const second = await makeViolation(harness.endpoint, rule, owner.account, REGION);
    const acted = harness.fault({
      isWrite: true,
      times: 1,
      when: isOurs,
      effect: {
        before: async () => {
          await act(owner, second.resource_id);
        },
      },
    });

    const { outcomes } = await deployed.run(rule, [first, second]);

    expect(acted.hits).toBe(1);
    const of = (resource: string) => outcomes.find(({ finding }) => finding.resource === resource);
    expect(of(first.resource_id)).toMatchObject({ outcome: 'remediated' });
    expect(of(second.resource_id)).toMatchObject({ ...expected, applied: [] });
    expect(JSON.stringify(deployed.writes().map(({ parameters }) => parameters))).not.toContain(
      second.resource_id,
    );
  });
});

test('the public snapshot of a renamed DB instance is found under the new name', async () => {
  const name = `renamed-${owner.account}`;
  await new AccountBuilder(harness.endpoint, owner.account).instanceWithPublicSnapshot(REGION, name);
  await renameInstance(owner, name, `${name}-now`);

  const outcome = await remediate('rds-snapshot-public', `${name}-now`);

  expect(outcome).toMatchObject({
    outcome: 'remediated',
    applied: [{ change: { resource: `${name}-snapshot` } }],
  });
});

describe('a session that ends during a job', () => {
  test.each([
    [SSH, 'AuthorizeSecurityGroupIngress', 'RequestExpired', 400],
    [SSH, 'ModifySecurityGroupRules', 'AuthFailure', 401],
    ['s3-bucket-public', 'PutPublicAccessBlock', 'ExpiredToken', 400],
    ['iam-access-key-unrotated', 'UpdateAccessKey', 'ExpiredToken', 403],
  ] as const)('%s, %s answers %s: a new session continues', async (rule, operation, error, status) => {
    const item = await makeViolation(harness.endpoint, rule, owner.account, REGION);
    const fault = harness.fault({ operation, times: 1, when: isOurs, effect: { error, status } });

    const { outcomes } = await deployed.run(rule, [item]);

    expect(fault.hits).toBe(1);
    expect(outcomes).toMatchObject([{ outcome: 'remediated', applied: [{}] }]);
    expect(deployed.messages('WARN')).toEqual([]);
    const sessions = harness.proxy.calls.filter((call) => call.operation === 'AssumeRole');
    expect(sessions).toHaveLength(2);
  });
});
