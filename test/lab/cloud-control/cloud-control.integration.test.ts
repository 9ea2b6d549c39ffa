import { randomInt } from 'node:crypto';
import {
  CancelResourceRequestCommand,
  CloudControlClient,
  GetResourceCommand,
  GetResourceRequestStatusCommand,
  ListResourcesCommand,
  UpdateResourceCommand,
  type UpdateResourceCommandInput,
} from '@aws-sdk/client-cloudcontrol';
import { CloudFormationClient, DescribeStackResourcesCommand } from '@aws-sdk/client-cloudformation';
import { CreateQueueCommand, GetQueueAttributesCommand, SQSClient } from '@aws-sdk/client-sqs';
import { afterEach, beforeEach, describe, expect, inject, test } from 'vitest';
import { type AwsProxy, startAwsProxy } from '../aws-proxy/index.ts';
import { type CloudControlSimulation, startCloudControl } from './index.ts';

const endpoint = inject('localAwsEndpoint');
const TypeName = 'AWS::SQS::Queue';
const ENCRYPT = [
  { op: 'test', path: '/SqsManagedSseEnabled', value: false },
  { op: 'replace', path: '/SqsManagedSseEnabled', value: true },
];

let proxy: AwsProxy;
let simulation: CloudControlSimulation;
let account: string;
/** The queue's URL, which is its identifier in Cloud Control. */
let Identifier: string;

const settings = (to = proxy.endpoint) => ({
  endpoint: to,
  region: 'eu-central-1',
  maxAttempts: 1,
  credentials: { accessKeyId: account, secretAccessKey: 'test' },
});
const cloudControl = () => new CloudControlClient(settings());

beforeEach(async () => {
  account = `7330${String(randomInt(100_000_000)).padStart(8, '0')}`;
  proxy = await startAwsProxy({ upstream: () => endpoint });
  simulation = startCloudControl({ proxy, handlerMilliseconds: 0 });
  const Attributes = { SqsManagedSseEnabled: 'false' };
  const made = await new SQSClient(settings(endpoint)).send(
    new CreateQueueCommand({ QueueName: 'orders', Attributes }),
  );
  Identifier = made.QueueUrl ?? '';
});
afterEach(async () => {
  await simulation.release();
  await simulation.stop();
  await proxy.stop();
});

const update = (change: Partial<UpdateResourceCommandInput> = {}) =>
  cloudControl().send(
    new UpdateResourceCommand({ TypeName, Identifier, PatchDocument: JSON.stringify(ENCRYPT), ...change }),
  );

/** Follows a request to its end. */
async function endOf(RequestToken: string | undefined) {
  const ask = async () => {
    const { ProgressEvent } = await cloudControl().send(
      new GetResourceRequestStatusCommand({ RequestToken }),
    );
    return ProgressEvent;
  };
  await expect.poll(async () => (await ask())?.OperationStatus).not.toBe('IN_PROGRESS');
  return ask();
}

async function isEncrypted(): Promise<boolean> {
  const { Attributes } = await new SQSClient({ ...settings(endpoint), useQueueUrlAsEndpoint: false }).send(
    new GetQueueAttributesCommand({ QueueUrl: Identifier, AttributeNames: ['SqsManagedSseEnabled'] }),
  );
  return Attributes?.['SqsManagedSseEnabled'] === 'true';
}

describe('a resource', () => {
  test("is listed, and read with the property names of its type's schema", async () => {
    const { ResourceDescriptions = [] } = await cloudControl().send(new ListResourcesCommand({ TypeName }));
    const { ResourceDescription } = await cloudControl().send(
      new GetResourceCommand({ TypeName, Identifier }),
    );

    expect(ResourceDescriptions.map((each) => each.Identifier)).toEqual([Identifier]);
    expect(JSON.parse(ResourceDescription?.Properties ?? '')).toMatchObject({
      QueueName: 'orders',
      SqsManagedSseEnabled: false,
    });
  });

  test.each([
    ['that does not exist', '-gone', TypeName, 'ResourceNotFoundException'],
    ['of a type that is not simulated', '', 'AWS::EC2::Instance', 'TypeNotFoundException'],
  ])('%s is not found', async (_what, suffix, type, name) => {
    const asked = new GetResourceCommand({ TypeName: type, Identifier: `${Identifier}${suffix}` });

    await expect(cloudControl().send(asked)).rejects.toMatchObject({ name });
  });
});

describe('an update', () => {
  test("is made by the service's own calls, with the caller's session", async () => {
    const { ProgressEvent } = await update();
    const end = await endOf(ProgressEvent?.RequestToken);

    expect(end).toMatchObject({ OperationStatus: 'SUCCESS', Identifier, TypeName });
    expect(await isEncrypted()).toBe(true);
    const calls = proxy.calls.filter(({ operation }) => operation === 'SetQueueAttributes');
    expect(calls.map(({ principal }) => principal.account)).toEqual([account]);
  });

  test.each([
    [
      'with a failed test operation',
      [{ op: 'test', path: '/SqsManagedSseEnabled', value: true }],
      'InvalidRequestException',
    ],
    [
      'of a property that only a creation sets',
      [{ op: 'replace', path: '/QueueName', value: 'x' }],
      'NotUpdatableException',
    ],
    ['of a read-only property', [{ op: 'replace', path: '/Arn', value: 'x' }], 'NotUpdatableException'],
  ])('%s is refused', async (_what, patch, name) => {
    await expect(update({ PatchDocument: JSON.stringify(patch) })).rejects.toMatchObject({ name });

    expect(simulation.requests).toEqual([]);
  });

  test('fails if the whole model does not match the schema, regardless of the patch', async () => {
    simulation.artefacts.set(Identifier, { DelaySeconds: 'soon' });

    const { ProgressEvent } = await update();
    const end = await endOf(ProgressEvent?.RequestToken);

    expect(end).toMatchObject({ OperationStatus: 'FAILED', ErrorCode: 'InvalidRequest' });
    expect(end?.StatusMessage).toMatch(/DelaySeconds/);
    expect(await isEncrypted()).toBe(false);
  });

  test('fails when a test says so', async () => {
    simulation.fail('Throttling', 'Rate exceeded');

    const { ProgressEvent } = await update();
    const end = await endOf(ProgressEvent?.RequestToken);

    expect(end).toMatchObject({
      OperationStatus: 'FAILED',
      ErrorCode: 'Throttling',
      StatusMessage: 'Rate exceeded',
    });
  });

  test('with the same token is the same; with the token of another one it is refused', async () => {
    const ClientToken = 'once';

    const first = await update({ ClientToken });
    const again = await update({ ClientToken });
    const other = update({ ClientToken, PatchDocument: '[]' });

    await expect(other).rejects.toMatchObject({ name: 'ClientTokenConflictException' });
    expect(again.ProgressEvent?.RequestToken).toBe(first.ProgressEvent?.RequestToken);
    expect(simulation.requests).toHaveLength(1);
  });

  test('that is held can be cancelled, and no other one starts in the meantime', async () => {
    simulation.hold();
    const { ProgressEvent } = await update();
    const RequestToken = ProgressEvent?.RequestToken;

    await expect(update()).rejects.toMatchObject({ name: 'ConcurrentOperationException' });
    await cloudControl().send(new CancelResourceRequestCommand({ RequestToken }));
    await simulation.release();

    expect(await endOf(RequestToken)).toMatchObject({ OperationStatus: 'CANCEL_COMPLETE' });
    expect(await isEncrypted()).toBe(false);
    const again = cloudControl().send(new CancelResourceRequestCommand({ RequestToken }));
    await expect(again).rejects.toMatchObject({ name: 'ConcurrentModificationException' });
  });
});

test('CloudFormation returns the stack that manages a resource, with the other resources of the stack', async () => {
  simulation.stacks.set('another-queue', { stack: 'shop', type: TypeName });
  simulation.stacks.set('elsewhere', { stack: 'office', type: TypeName });
  simulation.stacks.set(Identifier, { stack: 'shop', type: TypeName });
  const ask = (PhysicalResourceId: string) =>
    new CloudFormationClient(settings()).send(new DescribeStackResourcesCommand({ PhysicalResourceId }));

  const { StackResources } = await ask(Identifier);

  expect(StackResources).toMatchObject([
    { StackName: 'shop', PhysicalResourceId: 'another-queue', ResourceType: TypeName },
    { StackName: 'shop', PhysicalResourceId: Identifier, ResourceType: TypeName },
  ]);
  await expect(ask('another')).rejects.toMatchObject({ name: 'ValidationError' });
});
