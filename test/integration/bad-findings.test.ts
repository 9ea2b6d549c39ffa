import { DeleteBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Job } from '../../lambdas/model/job.ts';
import { expectWritesWithin, type Harness, nextMoment, startHarness } from './harness/harness.ts';
import { deadLetters, send } from './harness/job-service.ts';
import { itemOf, makeSecurityGroup, makeViolation, openPort } from './harness/violations.ts';

const SSH = 'security-group-ssh-open';
const enforce = { [SSH]: { mode: 'enforce' } } as const;

let harness: Harness;
beforeAll(async () => {
  harness = await startHarness();
});
afterAll(() => harness[Symbol.asyncDispose]());

describe('findings that cannot become jobs', () => {
  test('unknown region labels are counted and reported, and the other findings are processed', async () => {
    const deployed = await harness.deploy({ rules: enforce });
    const account = harness.account();
    const item = await makeViolation(harness.endpoint, SSH, account);
    const strange = [1, 2, 3].map((number) =>
      itemOf(SSH, {
        account_id: account,
        resource_id: `sg-0000000${number}`,
        region_name: number === 3 ? 'Mars(Olympus)' : 'Moon(Base)',
      }),
    );

    const { summary, unprocessable, outcomes } = await deployed.run(SSH, [item, ...strange]);

    expect(summary.unknownRegionLabels).toEqual({ 'Moon(Base)': 2, 'Mars(Olympus)': 1 });
    expect(unprocessable).toHaveLength(3);
    expect(outcomes).toMatchObject([{ outcome: 'remediated' }]);
    expect(deployed.metric('UnknownRegionLabel')).toEqual({ '': 3 });
    expect(deployed.messages('WARN')).toContain(
      'region label "Moon(Base)" is unknown: 2 findings were not processed; add it to the "region_labels" variable with its region\'s code',
    );
  });

  test('a label from the region_labels variable is known', async () => {
    const deployed = await harness.deploy({ rules: enforce, regionLabels: { 'Moon(Base)': 'eu-central-1' } });
    const item = await makeViolation(harness.endpoint, SSH, harness.account());

    const { outcomes } = await deployed.run(SSH, [{ ...item, region_name: 'Moon (Base)' }]);

    expect(outcomes).toMatchObject([{ outcome: 'remediated', finding: { region: 'eu-central-1' } }]);
  });

  test('findings of a region that is not deployed are unprocessable, and nothing changes there', async () => {
    const deployed = await harness.deploy({ rules: enforce });
    const account = harness.account();
    const here = await makeViolation(harness.endpoint, SSH, account, 'eu-central-1');
    const elsewhere = await makeViolation(harness.endpoint, SSH, account, 'eu-west-1');
    const before = await deployed.snapshot(account, ['eu-west-1']);

    const { summary, unprocessable, outcomes } = await deployed.run(SSH, [here, elsewhere]);

    expect(summary.unprocessable.region_not_deployed).toBe(1);
    expect(unprocessable.map(({ reason }) => reason)).toEqual([
      expect.stringMatching(/^region eu-west-1 is not deployed: add it to the central module's "regions"/),
    ]);
    expect(outcomes).toMatchObject([{ outcome: 'remediated', finding: { region: 'eu-central-1' } }]);
    expect(await deployed.snapshot(account, ['eu-west-1'])).toEqual(before);
  });

  test('a missing queue fails the poll; the other regions get their jobs, and the next attempt sends the rest', async () => {
    const regions = ['eu-central-1', 'us-east-1'];
    const deployed = await harness.deploy({ rules: enforce, regions, collectorRegions: regions });
    const { product } = deployed;
    await product.deleteQueue('us-east-1');
    const account = harness.account();
    const here = await makeViolation(harness.endpoint, SSH, account, 'eu-central-1');
    const withoutQueue = await makeViolation(harness.endpoint, SSH, account, 'us-east-1');
    const asOf = nextMoment();
    harness.tenant.setFindings([here, withoutQueue]);

    const { thrown } = await deployed.collect({ rule: SSH, asOf });

    expect(thrown).toMatchObject({
      name: 'DeliveryError',
      message: expect.stringMatching(/us-east-1: queue .*-jobs\.fifo does not exist in us-east-1/),
    });
    expect(deployed.metric('PollFailed')).toEqual({ '': 1 });
    expect(await product.summary(SSH, asOf)).toBeUndefined();
    expect(await product.unprocessable(SSH, asOf)).toEqual([]);
    expect(await product.depth('eu-central-1', 'jobs.fifo')).toBe(1);

    await product.makeQueue('us-east-1');
    await deployed.collect({ rule: SSH, asOf });
    for (const region of regions) await deployed.work(region);
    const { outcomes } = await deployed.resultOf({ rule: SSH, asOf }, 2);
    expect(outcomes).toMatchObject([{ outcome: 'remediated' }, { outcome: 'remediated' }]);
  });

  test('malformed resource and account ids reach no AWS call', async () => {
    const deployed = await harness.deploy({ rules: enforce });
    const account = harness.account();
    harness.proxy.clear();

    const { unprocessable } = await deployed.run(SSH, [
      itemOf(SSH, { account_id: account, resource_id: 'sg-00000000; rm -rf' }),
      itemOf(SSH, { account_id: '12345', resource_id: 'sg-00000001' }),
    ]);

    expect(unprocessable.map(({ reason }) => reason).sort()).toEqual([
      'account "12345": expected an AWS account id of twelve digits',
      'resource "sg-00000000; rm -rf": expected the id of a security group, sg-…',
    ]);
    expect(harness.proxy.calls.filter(({ service }) => service === 'ec2' || service === 'sts')).toEqual([]);
  });
});

describe('accounts and resources that differ from what the finding says', () => {
  test.each([
    ['is missing or does not trust', 'denied', /AccessDenied/],
    [
      'is named by a policy that is too long',
      { error: 'PackedPolicyTooLarge', status: 400 },
      /PackedPolicyTooLarge/,
    ],
  ] as const)(
    'a target role that %s fails its findings with advice, while other accounts are remediated',
    async (_, effect, says) => {
      const deployed = await harness.deploy({ rules: enforce });
      const [closed, open] = [harness.account(0), harness.account(1)];
      const items = [
        await makeViolation(harness.endpoint, SSH, closed),
        await makeViolation(harness.endpoint, SSH, closed),
        await makeViolation(harness.endpoint, SSH, open),
      ];
      const before = await deployed.snapshot(closed);
      harness.fault({ service: 'sts', operation: 'AssumeRole', text: `:${closed}:`, effect });

      const { outcomes } = await deployed.run(SSH, items);

      const byAccount = (account: string) => outcomes.filter(({ finding }) => finding.account === account);
      expect(byAccount(open)).toMatchObject([{ outcome: 'remediated' }]);
      const failed = { outcome: 'failed', willRetry: true, plan: [], applied: [] };
      expect(byAccount(closed)).toMatchObject([failed, failed]);
      expect(deployed.messages('ERROR')).toEqual([
        expect.stringMatching(says),
        expect.stringMatching(
          new RegExp(
            `^failed: ${SSH} ${closed} eu-central-1 sg-.*the target role in account ${closed} cannot be assumed`,
          ),
        ),
      ]);
      expect(deployed.metric('Failed')).toEqual({ [SSH]: 2 });
      expect(await deployed.snapshot(closed)).toEqual(before);
      expect(await deployed.product.depth('eu-central-1', 'jobs-dead-letters.fifo')).toBe(0);
    },
  );

  test('a call that the role refuses fails the finding with the reason, and nothing of its plan is done', async () => {
    const deployed = await harness.deploy({ rules: enforce });
    const account = harness.account();
    const items = [
      await makeViolation(harness.endpoint, SSH, account),
      await makeViolation(harness.endpoint, SSH, account),
    ];
    const [refused, remediated] = items.map(({ resource_id }) => resource_id);
    const before = await deployed.snapshot(account);
    harness.fault({
      service: 'ec2',
      operation: 'AuthorizeSecurityGroupIngress',
      text: refused ?? '',
      effect: 'denied',
    });

    const { outcomes } = await deployed.run(SSH, items);

    const of = (id?: string) => outcomes.find(({ finding }) => finding.resource === id);
    expect(of(remediated)).toMatchObject({ outcome: 'remediated' });
    expect(of(refused)).toMatchObject({
      outcome: 'failed',
      willRetry: true,
      applied: [],
      reason: expect.stringMatching(/^UnauthorizedOperation: .* \(request [\w-]+\)$/),
    });
    const about = (lines: readonly string[]) => lines.filter((line) => line.includes(refused ?? ''));
    expect(about(await deployed.snapshot(account))).toEqual(about(before));
  });

  test('resources that no longer exist are gone, for each rule', async () => {
    const deployed = await harness.deploy({
      rules: {
        ...enforce,
        's3-bucket-public': { mode: 'enforce' },
        'iam-access-key-unrotated': { mode: 'enforce' },
      },
    });
    const account = harness.account();
    const group = itemOf(SSH, { account_id: account, resource_id: 'sg-00000000' });
    const bucket = await makeViolation(harness.endpoint, 's3-bucket-public', account);
    await new S3Client({
      endpoint: harness.endpoint,
      region: 'eu-central-1',
      credentials: { accessKeyId: account, secretAccessKey: 'test' },
    }).send(new DeleteBucketCommand({ Bucket: bucket.resource_id }));
    const user = itemOf('iam-access-key-unrotated', {
      account_id: account,
      resource_id: 'nobody',
      region_name: 'global',
    });

    const results = [
      await deployed.run(SSH, [group]),
      await deployed.run('s3-bucket-public', [bucket]),
      await deployed.run('iam-access-key-unrotated', [user]),
    ];

    expect(results.flatMap(({ outcomes }) => outcomes.map(({ outcome }) => outcome))).toEqual([
      'gone',
      'gone',
      'gone',
    ]);
    expect(deployed.messages('INFO')).toContain(
      `gone: ${SSH} ${account} eu-central-1 sg-00000000: sg-00000000 no longer exists`,
    );
    expect(deployed.writes()).toEqual([]);
  });

  test("another account's resource is not touched", async () => {
    const deployed = await harness.deploy({ rules: { ...enforce, 's3-bucket-public': { mode: 'enforce' } } });
    const [owner, other] = [harness.account(0), harness.account(1)];
    const group = await makeViolation(harness.endpoint, SSH, owner);
    const bucket = await makeViolation(harness.endpoint, 's3-bucket-public', owner);
    const before = await deployed.snapshot(owner);

    const groups = await deployed.run(SSH, [{ ...group, account_id: other }]);
    const buckets = await deployed.run('s3-bucket-public', [{ ...bucket, account_id: other }]);

    expect([...groups.outcomes, ...buckets.outcomes].map(({ outcome }) => outcome)).toEqual(['gone', 'gone']);
    expect(deployed.writes()).toEqual([]);
    expect(await deployed.snapshot(owner)).toEqual(before);
  });

  test('a group that another account shares with this one is left to its owner', async () => {
    const deployed = await harness.deploy({ rules: enforce });
    const [owner, account] = [harness.account(0), harness.account(1)];
    const item = await makeViolation(harness.endpoint, SSH, account);
    // The local AWS shows nobody the groups of a shared VPC: this answer names another owner, as AWS's does.
    harness.fault({
      service: 'ec2',
      operation: 'DescribeSecurityGroups',
      account,
      effect: {
        rewrite: (answer) => ({
          ...answer,
          body: Buffer.from(answer.body.toString().replace(/<ownerId>[^<]*</, `<ownerId>${owner}<`)),
        }),
      },
    });
    const before = await deployed.snapshot(account);

    const { outcomes } = await deployed.run(SSH, [item]);

    expect(outcomes).toMatchObject([
      { outcome: 'not_applicable', reason: expect.stringContaining(`belongs to account ${owner}`) },
    ]);
    expect(deployed.writes()).toEqual([]);
    expect(await deployed.snapshot(account)).toEqual(before);
  });
});

describe('messages', () => {
  test.each<[string, (account: string) => string, RegExp]>([
    ['is not JSON', () => 'hello', /the message is not JSON/],
    ['is not a job', () => '{"version":2}', /the message is not a job: version: .*; poll: /],
    [
      'is for another region',
      (account) => JSON.stringify(jobFor(account, 'us-east-1', SSH)),
      /the job is for region us-east-1, but this is the remediator of eu-central-1/,
    ],
    [
      'is for an unknown rule',
      (account) => JSON.stringify(jobFor(account, 'eu-central-1', 'no-such-rule')),
      /unknown rule no-such-rule: expected one of cloudtrail-.*, or a rule that has settings/,
    ],
    [
      "is in another account's message group",
      () => JSON.stringify(jobFor('444455556666', 'eu-central-1', SSH)),
      /the message is for account 444455556666, but has message group \d{12}/,
    ],
  ])(
    'a message that %s goes straight to the dead-letter queue, and later messages are processed',
    async (_, bodyFor, says) => {
      const deployed = await harness.deploy({ rules: enforce });
      const account = harness.account();
      const body = bodyFor(account);
      const item = await makeViolation(harness.endpoint, SSH, account);
      const { product } = deployed;
      await send(product, 'eu-central-1', body, { group: account, deduplication: 'strange' });
      harness.tenant.setFindings([item]);
      const asOf = nextMoment();
      await deployed.collect({ rule: SSH, asOf });

      const { invocations } = await deployed.work();

      expect(invocations).toBe(2);
      expect(await deadLetters(product, 'eu-central-1')).toMatchObject([
        { Body: body, Attributes: { MessageGroupId: account } },
      ]);
      expect(deployed.metric('InvalidMessage')).toEqual({ '': 1 });
      expect(deployed.messages('ERROR')).toEqual([expect.stringMatching(says)]);
      expect((await deployed.resultOf({ rule: SSH, asOf }, 1)).outcomes).toMatchObject([
        { outcome: 'remediated' },
      ]);
    },
  );

  test('a poll that is delivered twice is processed once', async () => {
    const deployed = await harness.deploy({ rules: enforce });
    const account = harness.account();
    const items = [
      await makeViolation(harness.endpoint, SSH, account),
      await makeViolation(harness.endpoint, SSH, account),
    ];
    harness.tenant.setFindings(items);
    const asOf = nextMoment();

    await deployed.collect({ rule: SSH, asOf });
    await deployed.collect({ rule: SSH, asOf });
    const { invocations } = await deployed.work();

    expect(invocations).toBe(1);
    const { outcomes, events } = await deployed.resultOf({ rule: SSH, asOf }, 2);
    expect(outcomes).toMatchObject([{ outcome: 'remediated' }, { outcome: 'remediated' }]);
    expect(events).toHaveLength(2);
    expectWritesWithin(deployed.writes(), outcomes);
  });

  test('a message that is delivered twice keeps the outcome that lists the changes', async () => {
    const deployed = await harness.deploy({ rules: enforce });
    const { product } = deployed;
    const account = harness.account();
    const group = await makeSecurityGroup(harness.endpoint, account, openPort(22));
    const asOf = nextMoment();
    const job: Job = {
      version: 1,
      poll: { source: 'netskope', rule: SSH, asOf },
      account,
      region: 'eu-central-1',
      chunk: 0,
      findings: [{ rule: SSH, account, region: 'eu-central-1', resource: group }],
    };
    // Twice on the queue, as if the first message had been processed and could not be deleted.
    for (const deduplication of ['first', 'second']) {
      await send(product, 'eu-central-1', JSON.stringify(job), { group: account, deduplication });
    }
    harness.proxy.clear();

    const { invocations } = await deployed.work();

    expect(invocations).toBe(2);
    const outcomes = await product.outcomes(SSH, asOf);
    expect(outcomes).toMatchObject([{ outcome: 'remediated', applied: [{}] }]);
    expect(deployed.writes().map(({ operation }) => operation)).toEqual(['RevokeSecurityGroupIngress']);
    const events = await product.events((known) => known.length > 0);
    // The second delivery cannot know whether the first one published its outcome, and publishes the same one again.
    expect(new Set(events.map(({ outcome }) => outcome))).toEqual(new Set(['remediated']));
  });

  test('in a batch of several accounts, only the failing one returns to the queue', async () => {
    const deployed = await harness.deploy({ rules: enforce });
    const accounts = [harness.account(0), harness.account(1), harness.account(2)];
    const [, troubled = ''] = accounts;
    const items = await Promise.all(accounts.map((account) => makeViolation(harness.endpoint, SSH, account)));
    harness.tenant.setFindings(items);
    const asOf = nextMoment();
    await deployed.collect({ rule: SSH, asOf });
    const fault = harness.fault({ service: 'ec2', account: troubled, effect: 'unavailable', times: 8 });

    const { invocations, timeouts } = await deployed.work('eu-central-1', { batchSize: 10 });

    expect(fault.hits).toBe(8);
    expect(invocations).toBe(2);
    expect(timeouts).toBe(0);
    const { outcomes } = await deployed.resultOf({ rule: SSH, asOf }, 3);
    expect(outcomes.map(({ outcome }) => outcome)).toEqual(['remediated', 'remediated', 'remediated']);
    expect(deployed.messages('WARN')).toContainEqual(
      expect.stringMatching(new RegExp(`^unfinished: ${SSH} ${troubled} eu-central-1 sg-.*: Unavailable: `)),
    );
  });

  test('a job that cannot be returned to the queue comes back after its visibility timeout, and is finished', async () => {
    const deployed = await harness.deploy({ rules: enforce });
    const item = await makeViolation(harness.endpoint, SSH, harness.account());
    harness.tenant.setFindings([item]);
    const asOf = nextMoment();
    await deployed.collect({ rule: SSH, asOf });
    harness.fault({ service: 'sts', effect: 'unavailable', times: 4 });
    harness.fault({ service: 'sqs', operation: 'ChangeMessageVisibility', effect: 'denied' });

    const worked = await deployed.work();

    expect(worked).toEqual({ invocations: 2, timeouts: 1 });
    expect(deployed.messages('WARN')).toContainEqual(
      expect.stringMatching(
        /^message [-0-9a-f]+ returns only after the visibility timeout, which could not be shortened: AccessDenied/,
      ),
    );
    expect((await deployed.resultOf({ rule: SSH, asOf }, 1)).outcomes).toMatchObject([
      { outcome: 'remediated' },
    ]);
  });
});

function jobFor(account: string, region: string, rule: string): Job {
  return {
    version: 1,
    poll: { source: 'netskope', rule, asOf: '2026-01-31T12:00:00Z' },
    account,
    region,
    chunk: 0,
    findings: [{ rule, account, region, resource: 'sg-00000000' }],
  };
}
