import { CreateTableCommand, DynamoDBClient, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { FindingsTable } from '../../lambdas/aws/findings-table.ts';
import { resumeKey } from '../../lambdas/model/operator-items.ts';
import type { Outcome } from '../../lambdas/model/outcome.ts';
import { neverMoreThanTheLimit } from '../unit/remediator/support/limit-property.ts';
import { findingsTableName } from './harness/deployed-form.ts';
import { passTime } from './harness/functions.ts';
import { type Harness, startHarness } from './harness/harness.ts';
import { freshAccount, type Product } from './harness/product.ts';
import { makeViolation } from './harness/violations.ts';

const SSH = 'security-group-ssh-open';
const HOME = 'eu-central-1';
const ELSEWHERE = 'us-east-1';
const enforce = { mode: 'enforce' } as const;

let harness: Harness;
beforeAll(async () => {
  harness = await startHarness();
});
afterAll(() => harness[Symbol.asyncDispose]());

const namesOf = (outcomes: readonly Outcome[]): string[] => outcomes.map(({ outcome }) => outcome).sort();

test('jobs that race for room in the table never exceed the hourly limit', async () => {
  const clientOptions = {
    endpoint: inject('localAwsEndpoint'),
    credentials: { accessKeyId: freshAccount(), secretAccessKey: 'test' },
  };
  await new DynamoDBClient({ ...clientOptions, region: HOME }).send(
    new CreateTableCommand({
      TableName: 'counts',
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: ['pk', 'sk'].map((AttributeName) => ({ AttributeName, AttributeType: 'S' })),
      KeySchema: [
        { AttributeName: 'pk', KeyType: 'HASH' },
        { AttributeName: 'sk', KeyType: 'RANGE' },
      ],
    }),
  );
  const table = new FindingsTable({ table: 'counts', region: HOME, clientOptions });

  await neverMoreThanTheLimit(() => table, { runs: 12 });
});

describe('limits', () => {
  test('apply across accounts, regions and polls; deferred findings come first an hour later', async () => {
    const limits = { per_account_per_hour: 3, per_rule_per_hour: 4 };
    const deployed = await harness.deploy({
      rules: { [SSH]: { ...enforce, limits } },
      regions: [HOME, ELSEWHERE],
    });
    const [first, second] = [harness.account(0), harness.account(1)];
    const items = await Promise.all(
      [
        [first, HOME],
        [first, HOME],
        [first, ELSEWHERE],
        [first, ELSEWHERE],
        [second, ELSEWHERE],
        [second, ELSEWHERE],
      ].map(([account = '', region]) => makeViolation(harness.endpoint, SSH, account, region)),
    );

    const now = await deployed.run(SSH, items);
    const soon = await deployed.run(SSH, items);
    passTime(80 * 60_000);
    const later = await deployed.run(SSH, items);

    expect(namesOf(now.outcomes)).toEqual(['deferred', 'deferred', ...Array(4).fill('remediated')]);
    expect(namesOf(soon.outcomes)).toEqual([...Array(4).fill('awaiting_scan'), 'deferred', 'deferred']);
    expect(namesOf(later.outcomes)).toEqual([...Array(4).fill('awaiting_scan'), 'remediated', 'remediated']);
    const reasons = now.outcomes.flatMap(({ gate, reason = '' }) => (gate === 'limit' ? reason : []));
    expect(reasons.sort()).toEqual([
      expect.stringMatching(
        new RegExp(
          `^${SSH} changes at most 3 resources per hour in account ${first}: this finding needs 1 change, and none is left; more become available at .*Z\\. .*raise limits\\.per_account_per_hour$`,
        ),
      ),
      expect.stringMatching(
        /at most 4 resources per hour in all accounts together: .*raise limits\.per_rule_per_hour$/,
      ),
    ]);
    expect(deployed.metric('ChangedResources')).toEqual({ [SSH]: 6 });
    expect(deployed.metric('LimitReached')).toEqual({ '': 4 });
    // One deferral in each of the two hours. The polls' times are in the past, so that deferrals last as well.
    const ofLimits = deployed.product.notices.filter(({ kind }) => kind === 'limit_reached');
    expect(ofLimits.map(({ kind, account }) => `${kind} ${account}`).sort()).toEqual([
      `limit_reached ${first}`,
      'limit_reached all',
    ]);
  });

  test('nothing is changed while the counter cannot be written', async () => {
    const deployed = await harness.deploy({ rules: { [SSH]: enforce } });
    const item = await makeViolation(harness.endpoint, SSH, harness.account(2));
    harness.fault({ service: 'dynamodb', operation: 'UpdateItem', effect: 'denied' });
    harness.proxy.clear();

    const { outcomes } = await deployed.run(SSH, [item]);

    expect(outcomes).toMatchObject([{ outcome: 'failed', applied: [] }]);
    expect(deployed.writes()).toEqual([]);
  });
});

describe('the breaker', () => {
  async function resume(product: Product, account: string): Promise<void> {
    const at = new Date(Date.now() + 24 * 3_600_000).toISOString();
    const Item = marshall({
      ...resumeKey({ rule: SSH, account }),
      version: 1,
      at,
      by: 'Ada',
      reason: 'fixed',
    });
    await new DynamoDBClient(product.client(HOME)).send(
      new PutItemCommand({ TableName: findingsTableName(product), Item }),
    );
  }

  test('opens when changes are refused, says why, and closes when an operator resumes', async () => {
    const deployed = await harness.deploy({ rules: { [SSH]: enforce } });
    const account = harness.account(2);
    const items = await Promise.all(
      Array.from({ length: 7 }, () => makeViolation(harness.endpoint, SSH, account)),
    );
    const refused = harness.fault({ service: 'ec2', isWrite: true, effect: 'denied' });

    const now = await deployed.run(SSH, items);
    refused.remove();
    const before = await deployed.snapshot(account);
    passTime(24 * 3_600_000);
    const later = await deployed.run(SSH, items);
    const after = await deployed.snapshot(account);
    await resume(deployed.product, account);
    const resumed = await deployed.run(SSH, items);

    expect(namesOf(now.outcomes)).toEqual([...Array(5).fill('failed'), 'planned', 'planned']);
    expect(later.outcomes).toMatchObject(
      items.map(() => ({
        outcome: 'planned',
        mode: 'dry_run',
        gate: 'breaker',
        reason: expect.stringMatching(
          new RegExp(
            `^${SSH} has been in dry run in account ${account} since .*, because 5 of 5 changes within an hour failed or were undone by hand, most recently: "UnauthorizedOperation: .*. To resume after you have fixed the cause: cspm-remediation resume --breaker ${SSH} --account ${account}$`,
          ),
        ),
      })),
    );
    expect(after).toEqual(before);
    expect(namesOf(resumed.outcomes)).toEqual(Array(7).fill('remediated'));
    expect(deployed.product.notices).toMatchObject([{ kind: 'breaker_open', rule: SSH, account }]);
    expect(deployed.metric('BreakerOpen')).toEqual({ '': 2 });
  });

  test('nothing is changed while recorded results cannot be read', async () => {
    const deployed = await harness.deploy({ rules: { [SSH]: enforce } });
    const item = await makeViolation(harness.endpoint, SSH, harness.account(2));
    harness.fault({
      service: 'dynamodb',
      operation: 'BatchGetItem',
      when: ({ parameters }) => JSON.stringify(parameters).includes('trip#'),
      effect: 'unavailable',
    });
    harness.proxy.clear();

    const { outcomes } = await deployed.run(SSH, [item]);

    expect(outcomes).toMatchObject([{ outcome: 'failed', deadLetter: true, applied: [] }]);
    expect(deployed.writes()).toEqual([]);
  });
});
