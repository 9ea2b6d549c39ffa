import { DynamoDBClient, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type HoldItem, type HoldName, holdKey } from '../../lambdas/model/operator-items.ts';
import { findingsTableName } from './harness/deployed-form.ts';
import { type Deployed, type Harness, startHarness } from './harness/harness.ts';
import { makeViolation } from './harness/violations.ts';

const SSH = 'security-group-ssh-open';
const REGION = 'eu-central-1';

let harness: Harness;
let deployed: Deployed;
beforeAll(async () => {
  harness = await startHarness();
  deployed = await harness.deploy({ rules: { [SSH]: { mode: 'enforce' } } });
});
afterAll(() => harness[Symbol.asyncDispose]());

async function putHold(name: HoldName, hold: Partial<HoldItem> | { until: string }): Promise<void> {
  const { product } = deployed;
  await new DynamoDBClient(product.client(REGION)).send(
    new PutItemCommand({
      TableName: findingsTableName(product),
      Item: marshall({ ...holdKey(name), version: 1, reason: 'incident', by: 'Ada', ...hold }),
    }),
  );
}

test('held findings stay unchanged and say why; the others are remediated', async () => {
  const [first, second] = [harness.account(0), harness.account(1)];
  const items = await Promise.all(
    [first, first, second, first].map((account) => makeViolation(harness.endpoint, SSH, account)),
  );
  const [held, free, ofSecond, malformed] = items.map(({ resource_id }) => resource_id);
  await putHold({ account: first, region: REGION, resource: held ?? '', rule: SSH }, { until: '2999-12-31' });
  await putHold({ account: second, region: '*', resource: '*', rule: '*' }, {});
  await putHold({ account: first, region: REGION, resource: malformed ?? '', rule: '*' }, { until: 'soon' });
  await putHold({ account: first, region: REGION, resource: '*', rule: 's3-bucket-public' }, {});

  const { outcomes } = await deployed.run(SSH, items);

  const of = (resource: string | undefined) => outcomes.find(({ finding }) => finding.resource === resource);
  expect(of(held)).toMatchObject({
    outcome: 'deferred',
    willRetry: true,
    applied: [],
    plan: [{ line: expect.stringContaining('tcp 20-443') }],
    reason: `${held} is held for ${SSH} by Ada until 2999-12-31: incident; to release it earlier: cspm-remediation release ${held} --account ${first} --region ${REGION} --rule ${SSH}`,
  });
  expect(of(ofSecond)).toMatchObject({
    outcome: 'deferred',
    reason: `account ${second} is held for all rules by Ada until it is released: incident; to release it earlier: cspm-remediation release --account ${second}`,
  });
  expect(of(malformed)).toMatchObject({ outcome: 'failed', reason: expect.stringContaining('until: ') });
  expect(of(free)).toMatchObject({ outcome: 'remediated' });
});

test('nothing is changed while the table cannot return the holds', async () => {
  const item = await makeViolation(harness.endpoint, SSH, harness.account(2));
  harness.fault({
    service: 'dynamodb',
    operation: 'BatchGetItem',
    when: ({ parameters }) => JSON.stringify(parameters).includes('hold#'),
    effect: 'unavailable',
  });
  harness.proxy.clear();

  const { outcomes } = await deployed.run(SSH, [item]);

  expect(outcomes).toMatchObject([{ outcome: 'failed', deadLetter: true, applied: [] }]);
  expect(deployed.writes()).toEqual([]);
});
