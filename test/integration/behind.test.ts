import { CloudWatchClient, PutMetricAlarmCommand, SetAlarmStateCommand } from '@aws-sdk/client-cloudwatch';
import { DynamoDBClient, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { unfinishedJobs } from '../lab/deployed/unfinished-jobs.ts';
import { findingsTableName } from './harness/deployed-form.ts';
import { type Deployed, type Harness, nextMoment, startHarness } from './harness/harness.ts';
import { makeViolation } from './harness/violations.ts';

const SSH = 'security-group-ssh-open';
const HOME = 'eu-central-1';
const ELSEWHERE = 'us-east-1';
const HOUR = 3_600_000;

let harness: Harness;
let deployed: Deployed;
beforeAll(async () => {
  harness = await startHarness();
  deployed = await harness.deploy({ rules: { [SSH]: { mode: 'enforce' } }, regions: [HOME, ELSEWHERE] });
});
afterAll(() => harness[Symbol.asyncDispose]());

/** Records an unfinished job, as earlier polls would. */
async function putUnfinishedJobs(account: string, region: string, since: string): Promise<void> {
  const { product } = deployed;
  const Item = marshall(unfinishedJobs({ rule: SSH, account, region, since, now: new Date() }));
  await new DynamoDBClient(product.client(HOME)).send(
    new PutItemCommand({ TableName: findingsTableName(product), Item }),
  );
}

/** Creates an alarm of the deployment in a region, and sets its state. */
async function alarm(region: string, name: string, StateValue: 'ALARM' | 'OK'): Promise<string> {
  const cloudWatch = new CloudWatchClient(deployed.product.client(region));
  const AlarmName = `${deployed.product.name}-${name}`;
  await cloudWatch.send(
    new PutMetricAlarmCommand({
      AlarmName,
      Namespace: 'AWS/SQS',
      MetricName: 'ApproximateNumberOfMessagesVisible',
      Statistic: 'Maximum',
      Period: 300,
      EvaluationPeriods: 1,
      Threshold: 0,
      ComparisonOperator: 'GreaterThanThreshold',
      // The local AWS evaluates metrics in between: without data, the alarm keeps its state.
      TreatMissingData: 'ignore',
    }),
  );
  await cloudWatch.send(new SetAlarmStateCommand({ AlarmName, StateValue, StateReason: 'test' }));
  return AlarmName;
}

test('jobs that are never done cause one message: from an alarm of their region, or else from polls-skipped', async () => {
  const account = harness.account();
  const since = new Date(Date.now() - 13 * HOUR).toISOString();
  const items = await Promise.all(
    [HOME, ELSEWHERE].map((region) => makeViolation(harness.endpoint, SSH, account, region)),
  );
  harness.tenant.setFindings(items);
  await Promise.all([HOME, ELSEWHERE].map((region) => putUnfinishedJobs(account, region, since)));
  await alarm(HOME, 'jobs-dead-letters', 'OK');
  await alarm(HOME, 'take-back-failed', 'ALARM');
  const telling = await alarm(ELSEWHERE, 'jobs-dead-letters', 'ALARM');
  const poll = { rule: SSH, asOf: nextMoment() };

  const { thrown } = await deployed.collect(poll);

  expect(thrown).toBeUndefined();
  expect(await deployed.product.summary(SSH, poll.asOf)).toMatchObject({
    skipped: 2,
    behind: expect.arrayContaining([
      { account, region: HOME, since, alarms: [] },
      { account, region: ELSEWHERE, since, alarms: [telling] },
    ]),
  });
  expect(deployed.metric('PollSkipped')).toEqual({ [SSH]: 2 });
  expect(deployed.metric('PollSkippedLasting')).toEqual({ '': 1 });
  expect(deployed.messages('WARN')).toContainEqual(
    expect.stringContaining(`${account} in ${ELSEWHERE} since ${since} (reported by ${telling} there)`),
  );
});

test('polls-skipped reports them when the alarms cannot be read', async () => {
  const before = deployed.metric('PollSkippedLasting')[''] ?? 0;
  harness.fault({ service: 'monitoring', operation: 'DescribeAlarms', effect: 'denied' });
  const poll = { rule: SSH, asOf: nextMoment() };

  await deployed.collect(poll);

  const told = (deployed.metric('PollSkippedLasting')[''] ?? 0) - before;
  expect(told).toBe(2);
  expect(await deployed.product.summary(SSH, poll.asOf)).toMatchObject({
    behind: [HOME, ELSEWHERE].map(() => ({ alarms: [], notAsked: expect.stringContaining('AccessDenied') })),
  });
});
