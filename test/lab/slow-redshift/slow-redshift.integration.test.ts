import {
  CreateClusterCommand,
  DescribeClustersCommand,
  ModifyClusterCommand,
  PauseClusterCommand,
  RedshiftClient,
} from '@aws-sdk/client-redshift';
import { afterEach, beforeEach, expect, inject, test, vi } from 'vitest';
import { type AwsProxy, startAwsProxy } from '../aws-proxy/index.ts';
import { type SlowRedshift, slowRedshift } from './slow-redshift.ts';

const endpoint = inject('localAwsEndpoint');

let proxy: AwsProxy;
let slow: SlowRedshift;
let account: string;
let accounts = 0;

beforeEach(async () => {
  proxy = await startAwsProxy({ upstream: () => endpoint });
  slow = slowRedshift({ proxy, upstream: () => endpoint, lasts: { reads: 2 } });
  accounts += 1;
  account = `7320${String(accounts).padStart(8, '0')}`;
  await publicCluster('warehouse');
});
afterEach(async () => {
  await slow.stop();
  await proxy.stop();
});

const redshift = (to = proxy.endpoint, region = 'eu-central-1') =>
  new RedshiftClient({
    endpoint: to,
    region,
    credentials: { accessKeyId: account, secretAccessKey: 'test' },
  });

async function publicCluster(ClusterIdentifier: string, client = redshift(endpoint)): Promise<void> {
  await client.send(
    new CreateClusterCommand({
      ClusterIdentifier,
      NodeType: 'ra3.large',
      MasterUsername: 'admin',
      MasterUserPassword: 'Passw0rd',
      ClusterType: 'single-node',
      PubliclyAccessible: true,
    }),
  );
  // In the local AWS, it is available from the second read on.
  await client.send(new DescribeClustersCommand({}));
}

const setPublic = (PubliclyAccessible: boolean, ClusterIdentifier = 'warehouse', client = redshift()) =>
  client.send(new ModifyClusterCommand({ ClusterIdentifier, PubliclyAccessible }));

/** Status, public or not, and the pending value. */
async function look(id?: string, client = redshift()) {
  const { Clusters = [] } = await client.send(new DescribeClustersCommand({ ClusterIdentifier: id }));
  return Clusters.map((cluster) => [
    cluster.ClusterIdentifier,
    cluster.ClusterStatus,
    cluster.PubliclyAccessible,
    cluster.PendingModifiedValues?.PubliclyAccessible,
  ]);
}

const MODIFYING = [['warehouse', 'modifying', true, false]];
const PUBLIC = [['warehouse', 'available', true, undefined]];
const PRIVATE = [['warehouse', 'available', false, undefined]];

test('a change is pending for a number of reads, and is then made', async () => {
  const { Cluster } = await setPublic(false);

  expect(Cluster).toMatchObject({
    ClusterIdentifier: 'warehouse',
    ClusterStatus: 'modifying',
    PubliclyAccessible: true,
    PendingModifiedValues: { PubliclyAccessible: false },
  });
  expect(await look('warehouse')).toEqual(MODIFYING);
  expect(await look()).toEqual(MODIFYING);
  expect(await look('warehouse', redshift(endpoint))).toEqual(PUBLIC);
  expect(await look('warehouse')).toEqual(PRIVATE);
  expect(await look('warehouse', redshift(endpoint))).toEqual(PRIVATE);
});

test('a change ends by time, and when a test says so', async () => {
  slow.lasts = { milliseconds: 10 };
  await setPublic(false);
  await vi.waitFor(async () => expect(await look('warehouse', redshift(endpoint))).toEqual(PRIVATE), {
    timeout: 15_000,
  });

  slow.lasts = { milliseconds: 1_000_000 };
  await setPublic(true);
  expect(await look('warehouse')).toEqual([['warehouse', 'modifying', false, true]]);

  await slow.finish();
  expect(await look('warehouse')).toEqual(PUBLIC);
});

test('a cluster cannot be changed during a change, but others can', async () => {
  await publicCluster('other');
  const elsewhere = redshift(endpoint, 'us-east-1');
  await publicCluster('warehouse', elsewhere);
  await setPublic(false);

  await expect(setPublic(false)).rejects.toMatchObject({ name: 'InvalidClusterStateFault' });

  await setPublic(false, 'other');
  expect(await look()).toEqual([...MODIFYING, ['other', 'modifying', true, false]]);
  expect(await look('warehouse', redshift(proxy.endpoint, 'us-east-1'))).toEqual(PUBLIC);
});

test("reads of other clusters, and of those in other regions, don't count", async () => {
  slow.lasts = { reads: 1 };
  await publicCluster('other');
  await setPublic(false);

  await look('other');
  await look('other');
  await look(undefined, redshift(proxy.endpoint, 'us-east-1'));
  await look(undefined, redshift(proxy.endpoint, 'us-east-1'));

  expect(await look('warehouse')).toEqual(MODIFYING);
  expect(await look('warehouse')).toEqual(PRIVATE);
});

test('a paused cluster cannot be changed', async () => {
  await redshift().send(new PauseClusterCommand({ ClusterIdentifier: 'warehouse' }));

  await expect(setPublic(false)).rejects.toMatchObject({ name: 'InvalidClusterStateFault' });
});

test('a change to the current value takes no time, and a missing cluster is not found', async () => {
  await setPublic(true);

  expect(await look('warehouse')).toEqual(PUBLIC);
  await expect(setPublic(false, 'no')).rejects.toMatchObject({ name: 'ClusterNotFoundFault' });
});

test('after a stop, the current change is made, and changes take no time', async () => {
  await setPublic(false);

  await slow.stop();

  expect(await look('warehouse')).toEqual(PRIVATE);
  await setPublic(true);
  expect(await look('warehouse')).toEqual(PUBLIC);
});
