import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { applyChange, describeChange, inverseOf } from '../../../lambdas/changes/index.ts';
import { rule } from '../../../lambdas/rules/rds-snapshot-public/rule.ts';
import { actionsOf, answerByAction, grantedActions, listed } from '../../lab/called-actions.ts';
import {
  type Answer,
  queryError,
  type ReceivedCall,
  scriptedAws,
  xmlAnswer,
} from '../../lab/scripted-aws.ts';
import { testSession } from '../../lab/session.ts';

interface Snapshot {
  readonly of: 'instance' | 'cluster';
  readonly source: string;
  shares: string[];
  readonly encrypted?: boolean;
  readonly status?: string;
  readonly type?: 'manual' | 'automated' | 'awsbackup';
}
interface Account {
  /** The cluster that an instance is in, and its tags. */
  readonly instances?: Readonly<
    Record<string, { cluster?: string; tags?: Readonly<Record<string, string>> }>
  >;
  readonly clusters?: Readonly<Record<string, { tags?: Readonly<Record<string, string>> }>>;
  readonly snapshots: Record<string, Snapshot>;
}

const tagList = (tags: Readonly<Record<string, string>> = {}): string =>
  `<TagList>${Object.entries(tags)
    .map(([key, value]) => `<Tag><Key>${key}</Key><Value>${value}</Value></Tag>`)
    .join('')}</TagList>`;

const notFound = { instance: 'DBSnapshotNotFound', cluster: 'DBClusterSnapshotNotFoundFault' } as const;
const badState = {
  instance: 'InvalidDBSnapshotState',
  cluster: 'InvalidDBClusterSnapshotStateFault',
} as const;

/** RDS, as its API reference says: filters leave out what does not match, pages by `Marker`. */
async function rds({ instances = {}, clusters = {}, snapshots }: Account, pageSize = 100) {
  const paged = (call: ReceivedCall, operation: string, list: string, items: readonly string[]): Answer => {
    const from = Number(call.form.get('Marker') ?? 0);
    const to = from + pageSize;
    return xmlAnswer(`<${operation}Response><${operation}Result>
      <${list}>${items.slice(from, to).join('')}</${list}>${to < items.length ? `<Marker>${to}</Marker>` : ''}
    </${operation}Result></${operation}Response>`);
  };
  const asked = (call: ReceivedCall): string[] => listed(call, 'Filters.Filter.1.Values.Value');
  const matching = (call: ReceivedCall, of: Snapshot['of']): [string, Snapshot][] =>
    Object.entries(snapshots).filter(
      ([, snapshot]) =>
        snapshot.of === of &&
        asked(call).includes(snapshot.source) &&
        (snapshot.type ?? 'manual') === call.form.get('SnapshotType'),
    );
  const attributes = (of: Snapshot['of'], prefix: string) => (call: ReceivedCall) => {
    const snapshot = snapshots[call.form.get(`${prefix}Identifier`) ?? ''];
    if (snapshot?.of !== of) return queryError(notFound[of], 404);
    const operation = `Describe${prefix}Attributes`;
    return xmlAnswer(`<${operation}Response><${operation}Result><${prefix}AttributesResult><${prefix}Attributes>
      <${prefix}Attribute><AttributeName>restore</AttributeName><AttributeValues>${snapshot.shares
        .map((share) => `<AttributeValue>${share}</AttributeValue>`)
        .join('')}</AttributeValues></${prefix}Attribute>
    </${prefix}Attributes></${prefix}AttributesResult></${operation}Result></${operation}Response>`);
  };
  const modify = (of: Snapshot['of'], prefix: string) => (call: ReceivedCall) => {
    const snapshot = snapshots[call.form.get(`${prefix}Identifier`) ?? ''];
    if (snapshot?.of !== of) return queryError(notFound[of], 404);
    if ((snapshot.status ?? 'available') !== 'available') return queryError(badState[of]);
    const removed = listed(call, 'ValuesToRemove.AttributeValue');
    const added = listed(call, 'ValuesToAdd.AttributeValue');
    snapshot.shares = [...snapshot.shares.filter((share) => !removed.includes(share)), ...added];
    return xmlAnswer(`<Modify${prefix}AttributeResponse/>`);
  };
  return scriptedAws(
    answerByAction({
      'rds:DescribeDBInstances': (call) =>
        paged(
          call,
          'DescribeDBInstances',
          'DBInstances',
          asked(call)
            .filter((id) => instances[id] !== undefined)
            .map((id) => {
              const { cluster, tags } = instances[id] ?? {};
              return `<DBInstance><DBInstanceIdentifier>${id}</DBInstanceIdentifier>${
                cluster === undefined ? '' : `<DBClusterIdentifier>${cluster}</DBClusterIdentifier>`
              }${tagList(tags)}</DBInstance>`;
            }),
        ),
      'rds:DescribeDBClusters': (call) =>
        paged(
          call,
          'DescribeDBClusters',
          'DBClusters',
          asked(call)
            .filter((id) => clusters[id] !== undefined)
            .map(
              (id) =>
                `<DBCluster><DBClusterIdentifier>${id}</DBClusterIdentifier>${tagList(clusters[id]?.tags)}</DBCluster>`,
            ),
        ),
      'rds:DescribeDBSnapshots': (call) =>
        paged(
          call,
          'DescribeDBSnapshots',
          'DBSnapshots',
          matching(call, 'instance').map(
            ([id, { source, encrypted = false, status = 'available' }]) =>
              `<DBSnapshot><DBSnapshotIdentifier>${id}</DBSnapshotIdentifier><DBInstanceIdentifier>${source}</DBInstanceIdentifier><Status>${status}</Status><Encrypted>${encrypted}</Encrypted></DBSnapshot>`,
          ),
        ),
      'rds:DescribeDBClusterSnapshots': (call) =>
        paged(
          call,
          'DescribeDBClusterSnapshots',
          'DBClusterSnapshots',
          matching(call, 'cluster').map(
            ([id, { source, encrypted = false, status = 'available' }]) =>
              `<DBClusterSnapshot><DBClusterSnapshotIdentifier>${id}</DBClusterSnapshotIdentifier><DBClusterIdentifier>${source}</DBClusterIdentifier><Status>${status}</Status><StorageEncrypted>${encrypted}</StorageEncrypted></DBClusterSnapshot>`,
          ),
        ),
      'rds:DescribeDBSnapshotAttributes': attributes('instance', 'DBSnapshot'),
      'rds:DescribeDBClusterSnapshotAttributes': attributes('cluster', 'DBClusterSnapshot'),
      'rds:ModifyDBSnapshotAttribute': modify('instance', 'DBSnapshot'),
      'rds:ModifyDBClusterSnapshotAttribute': modify('cluster', 'DBClusterSnapshot'),
    }),
  );
}

const sessionOf = (endpoint: string) =>
  testSession({ endpoint, account: '111122223333', region: 'eu-central-1' });

async function assess(account: Account, resources: readonly string[], pageSize?: number) {
  await using aws = await rds(account, pageSize);
  const assessments = await rule.assess(sessionOf(aws.endpoint), resources, {});
  return {
    assessments,
    plans: new Map(
      [...assessments].map(([id, assessment]) => [
        id,
        assessment.state === 'violation' ? assessment.plan.map(({ resource }) => resource) : assessment.state,
      ]),
    ),
    actions: aws.calls.map(({ form }) => form.get('Action')),
  };
}

const ofInstance = (shares: string[], more: Partial<Snapshot> = {}): Snapshot => ({
  of: 'instance',
  source: 'orders',
  shares,
  ...more,
});
const ofCluster = (shares: string[], more: Partial<Snapshot> = {}): Snapshot => ({
  of: 'cluster',
  source: 'shop',
  shares,
  ...more,
});

describe('which snapshots are cured', () => {
  test('those of the instance that are shared with all, on all pages', async () => {
    const { plans } = await assess(
      {
        instances: { orders: {} },
        snapshots: {
          one: ofInstance(['all']),
          two: ofInstance(['999988887777']),
          three: ofInstance([]),
          four: ofInstance(['999988887777', 'all']),
          other: ofInstance(['all'], { source: 'invoices' }),
        },
      },
      ['orders'],
      1,
    );

    expect(plans.get('orders')).toEqual(['one', 'four']);
  });

  test("an Aurora cluster's, whether the finding names the cluster or an instance of it", async () => {
    const { plans } = await assess(
      {
        instances: { 'shop-1': { cluster: 'shop' }, 'shop-2': { cluster: 'shop' } },
        clusters: { shop: {} },
        snapshots: { before: ofCluster(['all']), after: ofCluster([]) },
      },
      ['shop', 'shop-1', 'shop-2'],
    );

    expect([...plans.values()]).toEqual([['before'], ['before'], ['before']]);
  });

  test('those of an instance that is gone: snapshots outlive it', async () => {
    const { plans } = await assess({ snapshots: { last: ofInstance(['all']) } }, ['orders', 'never-was']);

    expect(plans).toEqual(
      new Map<string, unknown>([
        ['orders', ['last']],
        ['never-was', 'compliant'],
      ]),
    );
  });

  test('manual ones only: no others can be public', async () => {
    const { plans, actions } = await assess(
      {
        snapshots: {
          'rds:orders-2026-01-01': ofInstance(['all'], { type: 'automated' }),
          'awsbackup:job-1': ofInstance(['all'], { type: 'awsbackup' }),
        },
      },
      ['orders'],
    );

    expect(plans.get('orders')).toBe('compliant');
    expect(actions).not.toContain('DescribeDBSnapshotAttributes');
  });

  test('an encrypted one is not asked for: AWS does not let it be public', async () => {
    const { plans, actions } = await assess(
      {
        snapshots: {
          secret: ofInstance(['all'], { encrypted: true }),
          hidden: ofCluster(['all'], { encrypted: true }),
        },
      },
      ['orders', 'shop'],
    );

    expect([...plans.values()]).toEqual(['compliant', 'compliant']);
    expect(actions.filter((action) => action?.endsWith('Attributes'))).toEqual([]);
  });

  test('one that AWS is at work on comes last', async () => {
    const { plans } = await assess(
      { snapshots: { copying: ofInstance(['all'], { status: 'copying' }), ready: ofInstance(['all']) } },
      ['orders'],
    );

    expect(plans.get('orders')).toEqual(['ready', 'copying']);
  });

  test('one that is deleted between two reads is left out', async () => {
    await using aws = await scriptedAws(
      answerByAction({
        'rds:DescribeDBInstances': () => xmlAnswer('<DescribeDBInstancesResponse/>'),
        'rds:DescribeDBClusterSnapshots': () => xmlAnswer('<DescribeDBClusterSnapshotsResponse/>'),
        'rds:DescribeDBSnapshots': () =>
          xmlAnswer(
            '<DescribeDBSnapshotsResponse><DescribeDBSnapshotsResult><DBSnapshots><DBSnapshot><DBSnapshotIdentifier>one</DBSnapshotIdentifier><DBInstanceIdentifier>orders</DBInstanceIdentifier></DBSnapshot></DBSnapshots></DescribeDBSnapshotsResult></DescribeDBSnapshotsResponse>',
          ),
        'rds:DescribeDBSnapshotAttributes': () => queryError('DBSnapshotNotFound', 404),
      }),
    );

    const assessments = await rule.assess(sessionOf(aws.endpoint), ['orders'], {});

    expect(assessments.get('orders')).toEqual({ state: 'compliant' });
  });

  test('identifiers are matched as RDS keeps them: in small letters', async () => {
    const { plans } = await assess({ snapshots: { one: ofInstance(['all']) } }, ['Orders']);

    expect(plans.get('Orders')).toEqual(['one']);
  });
});

test('tags are those of the instance, and of the cluster that it is in', async () => {
  const { assessments } = await assess(
    {
      instances: {
        orders: { tags: { team: 'blue' } },
        'shop-1': { cluster: 'shop', tags: { stage: 'live' } },
      },
      clusters: { shop: { tags: { team: 'red', stage: 'test' } } },
      snapshots: { one: ofInstance(['all']), two: ofCluster(['all']) },
    },
    ['orders', 'shop', 'shop-1'],
  );

  expect([...assessments.values()]).toMatchObject([
    { tags: { team: 'blue' } },
    { tags: { team: 'red', stage: 'test' } },
    { tags: { team: 'red', stage: 'live' } },
  ]);
});

test('25 instances take three calls, and one for each snapshot that could be public', async () => {
  const ids = Array.from({ length: 25 }, (_, n) => `db-${n}`);

  const { actions } = await assess(
    {
      instances: Object.fromEntries(ids.map((id) => [id, {}])),
      snapshots: Object.fromEntries(ids.map((id) => [`${id}-snapshot`, ofInstance(['all'], { source: id })])),
    },
    ids,
  );

  expect(actions).toHaveLength(28);
});

describe('the change', () => {
  const anyShares = fc.uniqueArray(fc.constantFrom('all', '999988887777', '444455556666', '123412341234'));

  test('takes `all` away and touches no other share; its inverse gives it back', async () => {
    await fc.assert(
      fc.asyncProperty(
        anyShares,
        fc.constantFrom<Snapshot['of']>('instance', 'cluster'),
        async (shares, of) => {
          const snapshot: Snapshot = { of, source: 'orders', shares: [...shares] };
          await using aws = await rds({ snapshots: { one: snapshot } });
          const session = sessionOf(aws.endpoint);
          const assessment = (await rule.assess(session, ['orders'], {})).get('orders');
          const plan = assessment?.state === 'violation' ? assessment.plan : [];

          const inverses = [];
          for (const change of plan) inverses.push(await inverseOf(await applyChange(session, change)));
          const cured = [...snapshot.shares].sort();
          const after = (await rule.assess(session, ['orders'], {})).get('orders');
          for (const inverse of inverses) if (inverse !== undefined) await applyChange(session, inverse);

          expect(plan).toHaveLength(shares.includes('all') ? 1 : 0);
          expect(cured).toEqual(shares.filter((share) => share !== 'all').sort());
          expect(after).toEqual({ state: 'compliant' });
          expect([...snapshot.shares].sort()).toEqual([...shares].sort());
          const removed = aws.calls.flatMap((call) => listed(call, 'ValuesToRemove.AttributeValue'));
          expect(removed).toEqual(plan.length === 0 ? [] : ['all']);
        },
      ),
      { numRuns: 30 },
    );
  });

  const change = {
    kind: 'rds-snapshot-shares-change',
    resource: 'one',
    of: 'instance',
    before: ['all', '999988887777'],
    after: ['999988887777'],
  };

  test.each([
    { change, line: '~ instance snapshot one: no longer shared with all' },
    {
      change: { ...change, of: 'cluster', before: change.after, after: change.before },
      line: '~ cluster snapshot one: shared with all',
    },
  ])('reads as one line: $line', async ({ change, line }) => {
    await expect(describeChange(change)).resolves.toBe(line);
  });

  test.each(['instance', 'cluster'])(
    'of an %s snapshot that is gone is done, with nothing to undo',
    async (of) => {
      await using aws = await rds({ snapshots: {} });

      const tried = { ...change, of };

      const applied = await applyChange(sessionOf(aws.endpoint), tried);

      expect(applied).toMatchObject({ changed: false });
      await expect(inverseOf(applied)).resolves.toBeUndefined();
    },
  );

  test.each([
    {
      what: 'that is to be shared again and is gone',
      snapshots: {},
      tried: { ...change, before: change.after, after: change.before },
      because: 'gone',
    },
    {
      what: 'that AWS is at work on',
      snapshots: { one: ofInstance(['all'], { status: 'copying' }) },
      tried: change,
      because: 'busy',
    },
    {
      what: "of a cluster's that AWS is at work on",
      snapshots: { one: ofCluster(['all'], { status: 'copying' }) },
      tried: { ...change, of: 'cluster' },
      because: 'busy',
    },
  ])('is refused for a snapshot $what', async ({ snapshots, tried, because }) => {
    await using aws = await rds({ snapshots });

    const application = applyChange(sessionOf(aws.endpoint), tried);

    await expect(application).rejects.toMatchObject({ name: 'ChangeRefusedError', because });
  });
});

test('the rule calls what it declares, and declares what it calls', async () => {
  await using aws = await rds({
    instances: { orders: {} },
    clusters: { shop: {} },
    snapshots: { one: ofInstance(['all']), two: ofCluster(['all']) },
  });
  const session = sessionOf(aws.endpoint);

  const assessments = await rule.assess(session, ['orders', 'shop'], {});
  const read = actionsOf(aws.calls);
  for (const assessment of assessments.values()) {
    if (assessment.state !== 'violation') throw new Error('expected a violation');
    for (const change of assessment.plan) await applyChange(session, change);
  }

  const { permissions } = rule;
  expect(grantedActions(permissions.read)).toEqual(read);
  expect(grantedActions(permissions.read, permissions.write)).toEqual(actionsOf(aws.calls));
  expect(permissions.undo).toEqual(permissions.write);
});
