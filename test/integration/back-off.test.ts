import { DynamoDBClient, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type RetryName, retryKey } from '../../lambdas/model/operator-items.ts';
import { findingsTableName } from './harness/deployed-form.ts';
import { type Deployed, type Harness, startHarness } from './harness/harness.ts';
import { makeViolation } from './harness/violations.ts';

const RULE = 's3-bucket-public';

let harness: Harness;
let deployed: Deployed;
beforeAll(async () => {
  harness = await startHarness();
  deployed = await harness.deploy({ rules: { [RULE]: { mode: 'enforce' } } });
});
afterAll(() => harness[Symbol.asyncDispose]());

async function retry(name: RetryName): Promise<void> {
  const { product } = deployed;
  await new DynamoDBClient(product.client(product.homeRegion)).send(
    new PutItemCommand({
      TableName: findingsTableName(product),
      Item: marshall({
        ...retryKey(name),
        version: 1,
        at: new Date().toISOString(),
        by: 'Ada',
        reason: 'policy repaired',
      }),
    }),
  );
}

test('a failed finding is left alone until an operator requests a retry, and is then attempted', async () => {
  const account = harness.account();
  const item = await makeViolation(harness.endpoint, RULE, account);
  const fault = harness.fault({
    service: 's3',
    operation: 'PutPublicAccessBlock',
    text: item.resource_id,
    effect: 'denied',
  });
  const failed = await deployed.run(RULE, [item]);
  fault.remove();
  harness.proxy.clear();

  const waiting = await deployed.run(RULE, [item]);
  const whileWaiting = [...deployed.writes()];
  const [{ finding } = { finding: undefined }] = waiting.outcomes;
  await retry({ account, region: finding?.region ?? '', resource: item.resource_id });
  const retried = await deployed.run(RULE, [item]);

  expect(failed.outcomes).toMatchObject([
    { outcome: 'failed', reason: expect.stringContaining('AccessDenied') },
  ]);
  expect(waiting.outcomes).toMatchObject([
    {
      outcome: 'failed',
      gate: 'back_off',
      reason: expect.stringMatching(
        new RegExp(
          `^not attempted at this poll, because it has failed once, .*: cspm-remediation retry ${item.resource_id} --account ${account} --region .+$`,
        ),
      ),
    },
  ]);
  expect(whileWaiting).toEqual([]);
  expect(retried.outcomes).toMatchObject([{ outcome: 'remediated' }]);
});
