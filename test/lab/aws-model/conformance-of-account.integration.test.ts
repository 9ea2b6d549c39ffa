import {
  CreateFlowLogsCommand,
  DeleteFlowLogsCommand,
  DescribeFlowLogsCommand,
  EC2Client,
} from '@aws-sdk/client-ec2';
import {
  GetAccessKeyLastUsedCommand,
  IAMClient,
  ListAccessKeysCommand,
  UpdateAccessKeyCommand,
} from '@aws-sdk/client-iam';
import {
  DescribeDBSnapshotAttributesCommand,
  DescribeDBSnapshotsCommand,
  ModifyDBSnapshotAttributeCommand,
  RDSClient,
} from '@aws-sdk/client-rds';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import type { AwsSession } from '../../../lambdas/aws/session.ts';
import { freshAccount } from '../../integration/harness/product.ts';
import { AccountBuilder } from '../accounts/account-builder.ts';
import { testSession } from '../accounts/session.ts';
import { type AwsProxy, startAwsProxy } from '../aws-proxy/index.ts';
import { AwsModel } from './model.ts';
import { modelSession } from './session.ts';
import { type AwsState, EMPTY_STATE } from './state.ts';

/** The model answers as the local AWS does, corrected by the proxy: flow logs, access keys and shares of snapshots. */

const REGION = 'eu-central-1';

let proxy: AwsProxy;
let account: string;
let builder: AccountBuilder;
let local: AwsSession;
beforeAll(async () => {
  const endpoint = inject('localAwsEndpoint');
  proxy = await startAwsProxy({ upstream: () => endpoint });
  account = freshAccount();
  builder = new AccountBuilder(proxy.endpoint, account);
  local = testSession({ endpoint: proxy.endpoint, account, region: REGION, maxAttempts: 1 });
});
afterAll(() => proxy.stop());

function onModel(initial: AwsState): AwsSession {
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

/** Returns the output of a call, or the name of its error. */
async function outcomeOf<T>(call: Promise<T>, of: (output: T) => unknown = () => 'done'): Promise<unknown> {
  return call.then(of, (error: unknown) => (error instanceof Error ? error.name : String(error)));
}

test('flow logs', async () => {
  const vpc = await builder.vpc(REGION);
  const bucket = await builder.privateBucket(REGION, `model-${account}`);

  async function transcript(session: AwsSession): Promise<unknown[]> {
    const client = session.client(EC2Client);
    const create = (ClientToken: string, to: string) =>
      new CreateFlowLogsCommand({
        ClientToken,
        ResourceType: 'VPC',
        ResourceIds: [vpc],
        TrafficType: 'ALL',
        LogDestinationType: 's3',
        LogDestination: `arn:aws:s3:::${to}`,
        TagSpecifications: [{ ResourceType: 'vpc-flow-log', Tags: [{ Key: 'made-by', Value: 'us' }] }],
      });
    const standing = async () => {
      const { FlowLogs = [] } = await client.send(
        new DescribeFlowLogsCommand({ Filter: [{ Name: 'resource-id', Values: [vpc] }] }),
      );
      return FlowLogs.map(({ FlowLogStatus, DeliverLogsStatus, LogDestination, Tags }) => [
        FlowLogStatus,
        DeliverLogsStatus,
        LogDestination,
        Tags,
      ]);
    };
    const [first] = (await client.send(create('one', bucket))).FlowLogIds ?? [];
    const again = (await client.send(create('one', bucket))).FlowLogIds;
    const second = await client.send(create('two', bucket));
    const id = { FlowLogIds: [first ?? ''] };
    const made = await standing();
    await client.send(new DeleteFlowLogsCommand(id));
    return [again?.[0] === first, second.Unsuccessful?.[0]?.Error?.Code, made, await standing()];
  }

  const answered = await transcript(local);
  const modelled = await transcript(
    onModel({ ...EMPTY_STATE, vpcs: { [vpc]: { cidrs: ['10.1.0.0/16'], ipv6Cidrs: [] } } }),
  );

  expect(modelled).toEqual(answered);
});

test('access keys', async () => {
  const user = `model-${account}`;
  const [key = ''] = await builder.userWithKeys(user, 1);

  async function transcript(session: AwsSession): Promise<unknown[]> {
    const client = session.client(IAMClient);
    const lines: unknown[] = [];
    for (const [UserName, AccessKeyId, Status] of [
      [user, key, 'Inactive'],
      [user, key, 'Active'],
      [user, 'AKIAIOSFODNN7EXAMPLE', 'Inactive'],
      [`no-${user}`, key, 'Inactive'],
    ] as const) {
      lines.push(
        await outcomeOf(client.send(new UpdateAccessKeyCommand({ UserName, AccessKeyId, Status }))),
        await outcomeOf(client.send(new ListAccessKeysCommand({ UserName })), ({ AccessKeyMetadata = [] }) =>
          AccessKeyMetadata.map((each) => [each.AccessKeyId, each.Status]),
        ),
      );
    }
    lines.push(
      await outcomeOf(
        client.send(new GetAccessKeyLastUsedCommand({ AccessKeyId: key })),
        ({ AccessKeyLastUsed }) => AccessKeyLastUsed?.LastUsedDate,
      ),
    );
    return lines;
  }

  const answered = await transcript(local);
  const keys = [{ id: key, status: 'Active', created: 0, lastUsed: null } as const];
  const modelled = await transcript(onModel({ ...EMPTY_STATE, users: { [user]: { tags: {}, keys } } }));

  expect(modelled).toEqual(answered);
});

test('shares of snapshots', async () => {
  const name = `model-${account}`;
  await builder.instanceWithPublicSnapshot(REGION, name);

  async function transcript(session: AwsSession): Promise<unknown[]> {
    const client = session.client(RDSClient);
    const lines: unknown[] = [];
    for (const [DBSnapshotIdentifier, change] of [
      [`${name}-snapshot`, { ValuesToAdd: ['444455556666'] }],
      [`${name}-snapshot`, { ValuesToRemove: ['all'] }],
      [`${name}-snapshot`, { ValuesToRemove: ['all'] }],
      [`${name}-snapshot`, { ValuesToAdd: ['all'], ValuesToRemove: ['444455556666'] }],
      [`no-${name}`, { ValuesToRemove: ['all'] }],
    ] as const) {
      const modify = { DBSnapshotIdentifier, AttributeName: 'restore' };
      const values = Object.fromEntries(Object.entries(change).map(([of, all]) => [of, [...all]]));
      lines.push(
        await outcomeOf(client.send(new ModifyDBSnapshotAttributeCommand({ ...modify, ...values }))),
        await outcomeOf(
          client.send(new DescribeDBSnapshotAttributesCommand({ DBSnapshotIdentifier })),
          ({ DBSnapshotAttributesResult: result }) =>
            result?.DBSnapshotAttributes?.flatMap(({ AttributeValues = [] }) => AttributeValues).sort(),
        ),
      );
      for (const SnapshotType of ['manual', 'public']) {
        const Filters = [{ Name: 'db-snapshot-id', Values: [DBSnapshotIdentifier] }];
        const { DBSnapshots = [] } = await client.send(
          new DescribeDBSnapshotsCommand({ SnapshotType, IncludePublic: true, Filters }),
        );
        lines.push(DBSnapshots.map(({ DBSnapshotArn }) => DBSnapshotArn));
      }
    }
    return lines;
  }

  const answered = await transcript(local);
  const snapshots = [{ id: `${name}-snapshot`, tags: {}, sharedWith: ['all'] }];
  const modelled = await transcript(
    onModel({ ...EMPTY_STATE, databases: { [name]: { isThere: true, tags: {}, snapshots } } }),
  );

  expect(modelled).toEqual(answered);
});
