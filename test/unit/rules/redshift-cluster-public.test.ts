import { describe, expect, test } from 'vitest';
import {
  applyChange,
  describeChange,
  findChange,
  inverseOf,
  isChangeVisible,
} from '../../../lambdas/changes/index.ts';
import { EXEMPTION_TAG } from '../../../lambdas/model/exemption-tag.ts';
import { rule } from '../../../lambdas/rules/redshift-cluster-public/rule.ts';
import { testSession } from '../../lab/accounts/session.ts';
import { actionsOf, answerByAction, grantedActions } from '../../lab/scripted-aws/called-actions.ts';
import { queryError, scriptedAws, xmlAnswer } from '../../lab/scripted-aws/scripted-aws.ts';

interface Cluster {
  readonly id: string;
  readonly status?: string;
  readonly isPublic?: boolean;
  /** Address of the account's own that the cluster has. */
  readonly elasticIp?: string;
  /** The value that a change in progress will set. */
  readonly pending?: boolean;
  readonly tags?: Readonly<Record<string, string>>;
}

function clusterXml({
  id,
  status = 'available',
  isPublic = true,
  elasticIp,
  pending,
  tags = {},
}: Cluster): string {
  return `<Cluster>
    <ClusterIdentifier>${id}</ClusterIdentifier><ClusterStatus>${status}</ClusterStatus>
    <PubliclyAccessible>${isPublic}</PubliclyAccessible><VpcId>vpc-0123abcd</VpcId>
    ${elasticIp === undefined ? '' : `<ElasticIpStatus><ElasticIp>${elasticIp}</ElasticIp><Status>active</Status></ElasticIpStatus>`}
    <PendingModifiedValues>${pending === undefined ? '' : `<PubliclyAccessible>${pending}</PubliclyAccessible>`}</PendingModifiedValues>
    <Tags>${Object.entries(tags)
      .map(([key, value]) => `<Tag><Key>${key}</Key><Value>${value}</Value></Tag>`)
      .join('')}</Tags>
  </Cluster>`;
}

/** Simulates Redshift as in its API reference: pages continue with `Marker`, and a missing identifier is an error. */
async function redshift(clusters: Cluster[]) {
  return scriptedAws(
    answerByAction({
      'redshift:DescribeClusters': ({ form }) => {
        const only = form.get('ClusterIdentifier');
        const asked = clusters.filter(({ id }) => only === null || id === only);
        if (only !== null && asked.length === 0) return queryError('ClusterNotFound', 404);
        const from = Number(form.get('Marker') ?? 0);
        const to = from + Number(form.get('MaxRecords') ?? 100);
        return xmlAnswer(`<DescribeClustersResponse><DescribeClustersResult>
          <Clusters>${asked.slice(from, to).map(clusterXml).join('')}</Clusters>
          ${to < asked.length ? `<Marker>${to}</Marker>` : ''}
        </DescribeClustersResult></DescribeClustersResponse>`);
      },
      'redshift:ModifyCluster': ({ form }) => {
        const index = clusters.findIndex(({ id }) => id === form.get('ClusterIdentifier'));
        const cluster = clusters[index];
        if (cluster === undefined) return queryError('ClusterNotFound', 404);
        if ((cluster.status ?? 'available') !== 'available') return queryError('InvalidClusterState');
        const pending = form.get('PubliclyAccessible') === 'true';
        clusters[index] = { ...cluster, status: 'modifying', pending };
        return xmlAnswer(
          `<ModifyClusterResponse><ModifyClusterResult>${clusterXml(cluster)}</ModifyClusterResult></ModifyClusterResponse>`,
        );
      },
    }),
  );
}

const sessionOf = (endpoint: string) =>
  testSession({ endpoint, account: '111122223333', region: 'eu-central-1' });

async function inspect(cluster: Cluster) {
  await using aws = await redshift([cluster]);
  return (await rule.assess(sessionOf(aws.endpoint), [cluster.id], {})).get(cluster.id);
}

const change = {
  kind: 'redshift-cluster-public-access-set',
  resource: 'warehouse',
  before: true,
  after: false,
};

describe('the inspection of a cluster', () => {
  test('finds a public one, and reads its tags', async () => {
    await expect(inspect({ id: 'warehouse', tags: { team: 'blue' } })).resolves.toEqual({
      state: 'violation',
      seen: { publiclyAccessible: true, status: 'available', vpc: 'vpc-0123abcd' },
      tags: { team: 'blue' },
      plan: [change],
    });
  });

  test('says which Elastic IP address a public one has, because an undo may not give it back', async () => {
    await expect(inspect({ id: 'warehouse', elasticIp: '203.0.113.7' })).resolves.toMatchObject({
      state: 'violation',
      seen: { elasticIp: '203.0.113.7' },
      notes: [expect.stringMatching(/^the cluster has the Elastic IP address 203\.0\.113\.7: /)],
    });
  });

  test.each(['available', 'modifying', 'paused'])(
    'finds a private one compliant while it is %s',
    async (status) => {
      await expect(inspect({ id: 'warehouse', isPublic: false, status })).resolves.toEqual({
        state: 'compliant',
      });
    },
  );

  test.each(['paused', 'resizing', 'modifying', 'rebooting', 'creating', 'available, prep-for-resize'])(
    'finds a public one that is %s busy',
    async (status) => {
      await expect(inspect({ id: 'warehouse', status })).resolves.toEqual({
        state: 'busy',
        reason: `cluster warehouse is ${status}: AWS changes a cluster only while it is available`,
      });
    },
  );

  test('finds one that is being made private busy until the change is complete', async () => {
    await expect(inspect({ id: 'warehouse', status: 'modifying', pending: false })).resolves.toEqual({
      state: 'busy',
      reason: 'cluster warehouse is being made private (status modifying), which takes AWS several minutes',
    });
  });

  test.each(['deleting', 'final-snapshot'])('finds one that is %s gone', async (status) => {
    await expect(inspect({ id: 'warehouse', status })).resolves.toEqual({ state: 'gone' });
  });
});

describe('clusters are read', () => {
  test('by identifier if there is one, which may be gone', async () => {
    await using aws = await redshift([{ id: 'other' }]);

    const assessments = await rule.assess(sessionOf(aws.endpoint), ['warehouse'], {});

    expect(assessments).toEqual(new Map([['warehouse', { state: 'gone' }]]));
    expect(aws.calls.map(({ form }) => form.get('ClusterIdentifier'))).toEqual(['warehouse']);
  });

  test('from all pages if there are many, a hundred per page', async () => {
    await using aws = await redshift(Array.from({ length: 150 }, (_, n) => ({ id: `warehouse-${n}` })));
    const resources = ['warehouse-3', 'warehouse-149', 'warehouse-150'];

    const assessments = await rule.assess(sessionOf(aws.endpoint), resources, {});

    expect([...assessments].map(([id, { state }]) => [id, state])).toEqual([
      ['warehouse-3', 'violation'],
      ['warehouse-149', 'violation'],
      ['warehouse-150', 'gone'],
    ]);
    expect(aws.calls).toHaveLength(2);
  });
});

describe('the change', () => {
  test.each([
    { change, line: '~ publicly accessible: true -> false (cluster warehouse)' },
    {
      change: { ...change, before: false, after: true },
      line: '~ publicly accessible: false -> true (cluster warehouse)',
    },
  ])('is described in one line: $line', async ({ change, line }) => {
    await expect(describeChange(change)).resolves.toBe(line);
  });

  test('is accepted by AWS, and read back as busy until AWS has completed it', async () => {
    const clusters: Cluster[] = [{ id: 'warehouse' }];
    await using aws = await redshift(clusters);
    const session = sessionOf(aws.endpoint);

    await applyChange(session, change);
    const meanwhile = (await rule.assess(session, ['warehouse'], {})).get('warehouse');
    clusters[0] = { id: 'warehouse', isPublic: false };
    const after = (await rule.assess(session, ['warehouse'], {})).get('warehouse');

    expect(meanwhile?.state).toBe('busy');
    expect(after).toEqual({ state: 'compliant' });
  });

  test('is undone by its inverse, and changes nothing else in the cluster', async () => {
    const clusters: Cluster[] = [
      { id: 'warehouse', isPublic: false, tags: { [EXEMPTION_TAG]: 'until 2999-12-31' } },
    ];
    await using aws = await redshift(clusters);

    const inverse = await inverseOf(change);
    if (inverse !== undefined) await applyChange(sessionOf(aws.endpoint), inverse);

    expect(clusters[0]?.pending).toBe(true);
    expect(Object.fromEntries(aws.calls.at(-1)?.form ?? [])).toEqual({
      Action: 'ModifyCluster',
      Version: '2012-12-01',
      ClusterIdentifier: 'warehouse',
      PubliclyAccessible: 'true',
    });
  });

  test.each<{ what: string; clusters: Cluster[]; error: Record<string, string> }>([
    {
      what: 'paused',
      clusters: [{ id: 'warehouse', status: 'paused' }],
      error: { name: 'ChangeRefusedError', because: 'busy' },
    },
    {
      what: 'resized',
      clusters: [{ id: 'warehouse', status: 'resizing' }],
      error: { name: 'ChangeRefusedError', because: 'busy' },
    },
    { what: 'deleted', clusters: [], error: { name: 'StalePlanError' } },
    {
      what: 'made private',
      clusters: [{ id: 'warehouse', isPublic: false }],
      error: { name: 'StalePlanError' },
    },
    {
      what: 'being made private by AWS',
      clusters: [{ id: 'warehouse', status: 'modifying', pending: false }],
      error: { name: 'StalePlanError' },
    },
    {
      what: 'exempted by its tag',
      clusters: [{ id: 'warehouse', tags: { [EXEMPTION_TAG]: 'until 2999-12-31' } }],
      error: { name: 'StalePlanError' },
    },
  ])('writes nothing if the cluster was $what after the read', async ({ clusters, error }) => {
    await using aws = await redshift(clusters);

    const application = applyChange(sessionOf(aws.endpoint), change);

    await expect(application).rejects.toMatchObject(error);
    expect(aws.calls.map(({ form }) => form.get('Action'))).toEqual(['DescribeClusters']);
  });

  test('is refused as busy if another change is in progress', async () => {
    await using aws = await scriptedAws(
      answerByAction({
        'redshift:DescribeClusters': () =>
          xmlAnswer(
            `<DescribeClustersResponse><DescribeClustersResult><Clusters>${clusterXml({ id: 'warehouse' })}</Clusters></DescribeClustersResult></DescribeClustersResponse>`,
          ),
        'redshift:ModifyCluster': () => queryError('InvalidClusterState'),
      }),
    );

    const application = applyChange(sessionOf(aws.endpoint), change);

    await expect(application).rejects.toMatchObject({ because: 'busy' });
  });

  test('is found if it was made without an answer, and not before', async () => {
    await using aws = await redshift([{ id: 'warehouse' }]);
    const session = sessionOf(aws.endpoint);

    const before = await findChange(session, change, new Date(0));
    await applyChange(session, change);
    const afterwards = await findChange(session, change, new Date(0));

    expect([before, afterwards]).toEqual([undefined, change]);
  });

  test('is confirmed as soon as AWS is working on it, and not by an older read', async () => {
    const clusters: Cluster[] = [{ id: 'warehouse' }];
    await using aws = await redshift(clusters);
    const session = sessionOf(aws.endpoint);

    const inAnOldRead = await isChangeVisible(session, change);
    await applyChange(session, change);
    const afterwards = await isChangeVisible(session, change);

    expect([inAnOldRead, afterwards]).toEqual([false, true]);
  });
});

test('the rule uses exactly its declared permissions', async () => {
  await using aws = await redshift([{ id: 'warehouse' }]);
  const session = sessionOf(aws.endpoint);

  await rule.assess(session, ['warehouse'], {});
  const read = actionsOf(aws.calls);
  await applyChange(session, change);

  const { permissions } = rule;
  expect(grantedActions(permissions.read)).toEqual(read);
  expect(grantedActions(permissions.read, permissions.write)).toEqual(actionsOf(aws.calls));
  expect(grantedActions(permissions.undo)).toEqual(actionsOf(aws.calls));
});
