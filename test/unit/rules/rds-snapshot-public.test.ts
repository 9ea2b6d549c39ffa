import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import {
  applyChange,
  describeChange,
  findChange,
  inverseOf,
  isChangeVisible,
  notRestored,
} from '../../../lambdas/changes/index.ts';
import { rule } from '../../../lambdas/rules/rds-snapshot-public/rule.ts';
import { testSession } from '../../lab/accounts/session.ts';
import { actionsOf, answerByAction, grantedActions, listed } from '../../lab/scripted-aws/called-actions.ts';
import {
  type Answer,
  queryError,
  type ReceivedCall,
  scriptedAws,
  xmlAnswer,
} from '../../lab/scripted-aws/scripted-aws.ts';

interface Snapshot {
  readonly of: 'instance' | 'cluster';
  /** The name of the database when the snapshot was created. */
  readonly source: string;
  /** The resource id of the database from which it was created. */
  readonly sourceId?: string;
  readonly tags?: Readonly<Record<string, string>>;
  shares: string[];
  readonly encrypted?: boolean;
  readonly status?: string;
  readonly type?: 'manual' | 'automated' | 'awsbackup';
}
interface Account {
  /** The cluster of an instance, and its tags. */
  readonly instances?: Readonly<
    Record<string, { resourceId?: string; cluster?: string; tags?: Readonly<Record<string, string>> }>
  >;
  readonly clusters?: Readonly<
    Record<string, { resourceId?: string; tags?: Readonly<Record<string, string>> }>
  >;
  readonly snapshots: Record<string, Snapshot>;
  /** ARNs of public snapshots of other accounts. */
  readonly foreign?: readonly string[];
  /** AWS's answer to a list of public snapshots, instead of the list. */
  readonly answerToPublicList?: Answer;
  /** Returns whether AWS does not answer lists with this filter. */
  readonly isUnanswered?: (filter: string) => boolean;
}

const isPublicList = ({ form }: ReceivedCall): boolean => form.get('SnapshotType') === 'public';

const tagList = (tags: Readonly<Record<string, string>> = {}): string =>
  `<TagList>${Object.entries(tags)
    .map(([key, value]) => `<Tag><Key>${key}</Key><Value>${value}</Value></Tag>`)
    .join('')}</TagList>`;

const notFound = { instance: 'DBSnapshotNotFound', cluster: 'DBClusterSnapshotNotFoundFault' } as const;
const badState = {
  instance: 'InvalidDBSnapshotState',
  cluster: 'InvalidDBClusterSnapshotStateFault',
} as const;

/** Simulates RDS as in its API reference: filters omit what does not match, and pages continue with `Marker`. */
async function rds(
  { instances = {}, clusters = {}, snapshots, foreign = [], answerToPublicList, isUnanswered }: Account,
  pageSize = 100,
) {
  const paged = (call: ReceivedCall, operation: string, list: string, items: readonly string[]): Answer => {
    const from = Number(call.form.get('Marker') ?? 0);
    const to = from + pageSize;
    return xmlAnswer(`<${operation}Response><${operation}Result>
      <${list}>${items.slice(from, to).join('')}</${list}>${to < items.length ? `<Marker>${to}</Marker>` : ''}
    </${operation}Result></${operation}Response>`);
  };
  const asked = (call: ReceivedCall): string[] => listed(call, 'Filters.Filter.1.Values.Value');
  const filter = (call: ReceivedCall): string => call.form.get('Filters.Filter.1.Name') ?? '';
  const isAsked = (call: ReceivedCall, name: string, resourceId: string | undefined): boolean => {
    if (['db-instance-id', 'db-cluster-id'].includes(filter(call))) return asked(call).includes(name);
    if (['dbi-resource-id', 'db-cluster-resource-id'].includes(filter(call))) {
      return asked(call).includes(resourceId ?? '');
    }
    return filter(call) === '';
  };
  const isListed = (call: ReceivedCall, id: string, { source, sourceId }: Snapshot): boolean =>
    ['db-snapshot-id', 'db-cluster-snapshot-id'].includes(filter(call))
      ? asked(call).includes(id)
      : isAsked(call, source, sourceId);
  const isOfType = (call: ReceivedCall, { type = 'manual', shares }: Snapshot): boolean =>
    isPublicList(call) ? shares.includes('all') : call.form.get('SnapshotType') === type;
  const matching = (call: ReceivedCall, of: Snapshot['of']): [string, Snapshot][] =>
    Object.entries(snapshots).filter(
      ([id, snapshot]) => snapshot.of === of && isListed(call, id, snapshot) && isOfType(call, snapshot),
    );
  const listOf = (
    call: ReceivedCall,
    item: string,
    ownType: string,
    itemOf: (id: string, snapshot: Snapshot) => string,
  ): Answer => {
    if (isPublicList(call) && answerToPublicList !== undefined) return answerToPublicList;
    const arnElement = (arn: string): string => `<${item}Arn>${arn}</${item}Arn>`;
    const own = matching(call, item === 'DBSnapshot' ? 'instance' : 'cluster').map(
      ([id, snapshot]) =>
        `<${item}>${arnElement(`arn:aws:rds:eu-central-1:111122223333:${ownType}:${id}`)}${itemOf(id, snapshot)}</${item}>`,
    );
    const others = foreign.map(
      (arn) =>
        `<${item}>${arnElement(arn)}<${item}Identifier>${arn.split(':').at(-1)}</${item}Identifier></${item}>`,
    );
    return paged(call, `Describe${item}s`, `${item}s`, isPublicList(call) ? [...others, ...own] : own);
  };
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
  const answer = answerByAction({
    'rds:DescribeDBInstances': (call) =>
      paged(
        call,
        'DescribeDBInstances',
        'DBInstances',
        Object.keys(instances)
          .filter((id) => isAsked(call, id, instances[id]?.resourceId))
          .map((id) => {
            const { cluster, tags, resourceId = `db-${id}` } = instances[id] ?? {};
            return `<DBInstance><DBInstanceIdentifier>${id}</DBInstanceIdentifier><DbiResourceId>${resourceId}</DbiResourceId>${
              cluster === undefined ? '' : `<DBClusterIdentifier>${cluster}</DBClusterIdentifier>`
            }${tagList(tags)}</DBInstance>`;
          }),
      ),
    'rds:DescribeDBClusters': (call) =>
      paged(
        call,
        'DescribeDBClusters',
        'DBClusters',
        Object.keys(clusters)
          .filter((id) => isAsked(call, id, clusters[id]?.resourceId))
          .map(
            (id) =>
              `<DBCluster><DBClusterIdentifier>${id}</DBClusterIdentifier><DbClusterResourceId>${clusters[id]?.resourceId ?? `cluster-${id}`}</DbClusterResourceId>${tagList(clusters[id]?.tags)}</DBCluster>`,
          ),
      ),
    'rds:DescribeDBSnapshots': (call) =>
      listOf(
        call,
        'DBSnapshot',
        'snapshot',
        (id, { source, sourceId, tags, encrypted = false, status = 'available' }) =>
          `${tagList(tags)}${sourceId === undefined ? '' : `<DbiResourceId>${sourceId}</DbiResourceId>`}<DBSnapshotIdentifier>${id}</DBSnapshotIdentifier><DBInstanceIdentifier>${source}</DBInstanceIdentifier><Status>${status}</Status><Encrypted>${encrypted}</Encrypted>`,
      ),
    'rds:DescribeDBClusterSnapshots': (call) =>
      listOf(
        call,
        'DBClusterSnapshot',
        'cluster-snapshot',
        (id, { source, sourceId, tags, encrypted = false, status = 'available' }) =>
          `${tagList(tags)}${sourceId === undefined ? '' : `<DbClusterResourceId>${sourceId}</DbClusterResourceId>`}<DBClusterSnapshotIdentifier>${id}</DBClusterSnapshotIdentifier><DBClusterIdentifier>${source}</DBClusterIdentifier><Status>${status}</Status><StorageEncrypted>${encrypted}</StorageEncrypted>`,
      ),
    'rds:DescribeDBSnapshotAttributes': attributes('instance', 'DBSnapshot'),
    'rds:DescribeDBClusterSnapshotAttributes': attributes('cluster', 'DBClusterSnapshot'),
    'rds:ModifyDBSnapshotAttribute': modify('instance', 'DBSnapshot'),
    'rds:ModifyDBClusterSnapshotAttribute': modify('cluster', 'DBClusterSnapshot'),
  });
  return scriptedAws((call) => (isUnanswered?.(filter(call)) === true ? 'silent' : answer(call)));
}

const sessionOf = (endpoint: string) =>
  testSession({
    endpoint,
    account: '111122223333',
    region: 'eu-central-1',
    now: () => new Date('2026-06-30T12:00:00Z'),
  });

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

describe('the snapshots to fix', () => {
  test('are those of the instance that are shared with all, on all pages', async () => {
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

  test('are those of an Aurora cluster, whether the finding names the cluster or one of its instances', async () => {
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

  test('are read while those of renamed instances are listed', async () => {
    const snapshots = { one: ofInstance(['all']) };
    await using aws = await rds({
      instances: { orders: {} },
      snapshots,
      isUnanswered: (filter) => filter === 'dbi-resource-id',
    });
    // It fails when the simulation ends.
    rule.assess(sessionOf(aws.endpoint), ['orders'], {}).catch(() => undefined);

    await vi.waitFor(
      () => {
        expect(actionsOf(aws.calls)).toContain('rds:DescribeDBSnapshotAttributes');
      },
      { timeout: 30_000 },
    );
  });

  test('are read again while they are listed again, without further calls', async () => {
    const snapshots = { one: ofInstance(['all']), two: ofInstance([]) };
    let isAgain = false;
    await using aws = await rds({
      instances: { orders: {} },
      snapshots,
      isUnanswered: (filter) => isAgain && filter === 'db-instance-id',
    });
    const session = sessionOf(aws.endpoint);
    await rule.assess(session, ['orders'], {});
    const calls = aws.calls.length;
    await rule.assess(session, ['orders'], {});
    expect(aws.calls).toHaveLength(2 * calls);

    isAgain = true;
    // It fails when the simulation ends.
    rule.assess(session, ['orders'], {}).catch(() => undefined);

    await vi.waitFor(
      () => {
        const again = aws.calls.slice(2 * calls).map(({ form }) => form);
        expect(again.map((form) => form.get('DBSnapshotIdentifier'))).toEqual(
          expect.arrayContaining(['one', 'two']),
        );
        expect(again.map((form) => form.get('Filters.Filter.1.Name'))).toContain('dbi-resource-id');
      },
      { timeout: 30_000 },
    );
  });

  test('are those of the instance that has the name when they are listed again', async () => {
    const instances = { orders: { resourceId: 'db-OLD' }, other: { resourceId: 'db-NEW' } };
    const snapshots = {
      one: ofInstance(['all'], { source: 'before', sourceId: 'db-OLD' }),
      two: ofInstance(['all'], { source: 'before', sourceId: 'db-NEW' }),
    };
    await using aws = await rds({ instances, snapshots });
    const session = sessionOf(aws.endpoint);
    const atFirst = await rule.assess(session, ['orders'], {});

    Object.assign(instances, { orders: { resourceId: 'db-NEW' }, other: { resourceId: 'db-OLD' } });
    const again = await rule.assess(session, ['orders'], {});

    expect(atFirst.get('orders')).toMatchObject({ seen: { publicSnapshots: [{ id: 'one' }] } });
    expect(again.get('orders')).toMatchObject({ seen: { publicSnapshots: [{ id: 'two' }] } });
  });

  test('that are gone when they are listed again are not public', async () => {
    const snapshots: Record<string, Snapshot> = { one: ofInstance(['all']), two: ofInstance(['all']) };
    await using aws = await rds({ instances: { orders: {} }, snapshots });
    const session = sessionOf(aws.endpoint);
    await rule.assess(session, ['orders'], {});

    delete snapshots['one'];
    const assessments = await rule.assess(session, ['orders'], {});

    expect(assessments.get('orders')).toMatchObject({ seen: { publicSnapshots: [{ id: 'two' }] } });
  });

  test('are read once each, whether found by name, by resource id, or by both', async () => {
    const { plans, actions } = await assess(
      {
        instances: { orders: { resourceId: 'db-ABC' } },
        snapshots: {
          one: ofInstance(['all']),
          two: ofInstance(['all'], { sourceId: 'db-ABC' }),
          three: ofInstance(['all'], { source: 'orders-old', sourceId: 'db-ABC' }),
        },
      },
      ['orders'],
    );

    expect(plans.get('orders')).toEqual(['one', 'two', 'three']);
    expect(actions.filter((action) => action === 'DescribeDBSnapshotAttributes')).toHaveLength(3);
  });

  test('include those of a deleted instance, which they outlive', async () => {
    const { plans } = await assess({ snapshots: { last: ofInstance(['all']) } }, ['orders', 'never-was']);

    expect(plans).toEqual(
      new Map<string, unknown>([
        ['orders', ['last']],
        ['never-was', 'compliant'],
      ]),
    );
  });

  test('are manual ones only, because no others can be public', async () => {
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

  test('do not include encrypted ones, which are not read because AWS does not let them be public', async () => {
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

  test('have those last which AWS is working on', async () => {
    const { plans } = await assess(
      { snapshots: { copying: ofInstance(['all'], { status: 'copying' }), ready: ofInstance(['all']) } },
      ['orders'],
    );

    expect(plans.get('orders')).toEqual(['ready', 'copying']);
  });

  test('do not include one that is deleted between two reads', async () => {
    await using aws = await scriptedAws(
      answerByAction({
        'rds:DescribeDBInstances': () => xmlAnswer('<DescribeDBInstancesResponse/>'),
        'rds:DescribeDBClusters': () => xmlAnswer('<DescribeDBClustersResponse/>'),
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

  test('are found by identifiers in lower case, as RDS stores them', async () => {
    const { plans } = await assess({ snapshots: { one: ofInstance(['all']) } }, ['Orders']);

    expect(plans.get('Orders')).toEqual(['one']);
  });
});

describe('the owner of a snapshot', () => {
  test('is found by the new name of a renamed instance or cluster', async () => {
    const { plans } = await assess(
      {
        instances: { 'orders-2': { resourceId: 'db-ABC' } },
        clusters: { 'shop-2': { resourceId: 'cluster-ABC' } },
        snapshots: {
          one: ofInstance(['all'], { sourceId: 'db-ABC' }),
          two: ofCluster(['all'], { sourceId: 'cluster-ABC' }),
        },
      },
      ['orders-2', 'shop-2'],
    );

    expect([...plans.values()]).toEqual([['one'], ['two']]);
  });

  test('is a renamed instance, not another one with its old name, and is named', async () => {
    const { assessments } = await assess(
      {
        instances: { orders: { resourceId: 'db-NEW' }, 'orders-old': { resourceId: 'db-OLD' } },
        snapshots: {
          one: ofInstance(['all'], { sourceId: 'db-OLD' }),
          two: ofInstance(['all'], { sourceId: 'db-NEW' }),
        },
      },
      ['orders'],
    );

    expect(assessments.get('orders')).toMatchObject({
      state: 'violation',
      plan: [{ resource: 'two' }],
      notes: [
        'public snapshot one is not changed: it was created from instance orders-old, which was then named orders',
      ],
    });
  });

  test('that is deleted is replaced by another instance with its name', async () => {
    const { plans } = await assess(
      {
        instances: { orders: { resourceId: 'db-NEW' } },
        snapshots: { one: ofInstance(['all'], { sourceId: 'db-GONE' }) },
      },
      ['orders'],
    );

    expect(plans.get('orders')).toEqual(['one']);
  });
});

describe('an exemption tag on a snapshot', () => {
  const EXEMPT = 'cspm-auto-remediation:exempt';
  const exempt = { [EXEMPT]: 'public data set until 2027-06-30' };
  const ended = { [EXEMPT]: 'public data set until 2026-06-29' };
  const malformed = { [EXEMPT]: 'yes' };

  test('leaves that snapshot unchanged and is named, and the others are fixed', async () => {
    const { assessments } = await assess(
      {
        snapshots: {
          one: ofInstance(['all'], { tags: exempt }),
          two: ofInstance(['all'], { tags: ended }),
          three: ofInstance(['all']),
          four: ofInstance(['all'], { tags: malformed }),
        },
      },
      ['orders'],
    );

    expect(assessments.get('orders')).toMatchObject({
      state: 'violation',
      plan: [{ resource: 'two' }, { resource: 'three' }],
      notes: [
        'public snapshot one is not changed: public data set (tag, until 2027-06-30)',
        expect.stringContaining("public snapshot four is not changed: the resource's tag"),
      ],
    });
    expect(assessments.get('orders')).not.toHaveProperty(['tags', EXEMPT]);
  });

  test.each([
    { what: 'valid', tags: exempt },
    { what: 'malformed', tags: malformed },
    { what: 'misspelled', tags: { 'CSPM-Auto-Remediation:Exempt': 'public data set until 2027-06-30' } },
  ])('that is $what on all public snapshots is the tag of the finding', async ({ tags }) => {
    const { assessments } = await assess(
      {
        instances: { orders: { tags: { ...ended, team: 'blue' } } },
        snapshots: { one: ofInstance(['all'], { tags }), two: ofInstance([]) },
      },
      ['orders'],
    );

    expect(assessments.get('orders')).toMatchObject({ state: 'violation' });
    // The instance's own tag, which has ended, does not hide it.
    expect(assessments.get('orders')).toHaveProperty('tags', { ...tags, team: 'blue' });
  });
});

test('tags are read from the instance, and from its cluster', async () => {
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

test("an instance's exemption that has ended does not hide that of its cluster", async () => {
  const exempt = { 'cspm-auto-remediation:exempt': 'public data set until 2999-06-30' };
  const ended = { 'cspm-auto-remediation:exempt': 'public data set until 2020-06-30' };
  const { assessments } = await assess(
    {
      instances: {
        'shop-1': { cluster: 'shop', tags: { ...ended, stage: 'live' } },
        'shop-2': { cluster: 'shop', tags: ended },
        'mail-1': { cluster: 'mail', tags: exempt },
        'mail-2': { cluster: 'mail', tags: { stage: 'live' } },
      },
      clusters: { shop: { tags: exempt }, mail: { tags: ended } },
      snapshots: { two: ofCluster(['all']), three: ofCluster(['all'], { source: 'mail' }) },
    },
    ['shop-1', 'shop-2', 'mail-1', 'mail-2'],
  );

  expect([...assessments.values()]).toMatchObject([
    { tags: { ...exempt, stage: 'live' } },
    { tags: exempt },
    { tags: exempt },
    { tags: { ...ended, stage: 'live' } },
  ]);
});

test('25 instances take five calls, plus one per snapshot that may be public', async () => {
  const ids = Array.from({ length: 25 }, (_, n) => `db-${n}`);

  const { actions } = await assess(
    {
      instances: Object.fromEntries(ids.map((id) => [id, {}])),
      snapshots: Object.fromEntries(ids.map((id) => [`${id}-snapshot`, ofInstance(['all'], { source: id })])),
    },
    ids,
  );

  expect(actions).toHaveLength(30);
});

test('what changes do not read themselves is read again by the identifiers of the snapshots, 100 per call', async () => {
  const ids = Array.from({ length: 101 }, (_, n) => `s-${n}`);
  const snapshots = {
    // Listed by the instance's name, before those that have its resource id.
    'z-named': ofInstance(['all']),
    ...Object.fromEntries(
      ids.map((id) => [id, ofInstance(['all'], { source: 'before', sourceId: 'db-orders' })]),
    ),
    last: ofCluster(['all'], { source: 'orders' }),
    other: ofInstance(['all'], { source: 'invoices' }),
  };
  await using aws = await rds({ instances: { orders: {} }, snapshots });
  const assessment = (await rule.assess(sessionOf(aws.endpoint), ['orders'], {})).get('orders');
  const rest = assessment?.state === 'violation' ? assessment.rest : undefined;
  const calls = aws.calls.length;

  const again = await rest?.again();

  expect(again).toEqual(rest?.seen);
  const lists = aws.calls.slice(calls).filter(({ form }) => form.get('Action')?.endsWith('Snapshots'));
  const asked = lists.map((call) => [
    call.form.get('Filters.Filter.1.Name'),
    listed(call, 'Filters.Filter.1.Values.Value').length,
  ]);
  expect(asked.sort()).toEqual([
    ['db-cluster-snapshot-id', 1],
    ['db-snapshot-id', 100],
    ['db-snapshot-id', 2],
  ]);
});

describe('the change', () => {
  const anyShares = fc.uniqueArray(fc.constantFrom('all', '999988887777', '444455556666', '123412341234'));

  test('removes `all` and no other share, and its inverse restores `all`', async () => {
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
  ])('is described in one line: $line', async ({ change, line }) => {
    await expect(describeChange(change)).resolves.toBe(line);
  });

  const share = { ...change, before: change.after, after: change.before };

  test.each([
    {
      what: 'deleted',
      snapshots: {},
      tried: change,
      message: 'instance snapshot one is gone: nothing was changed',
    },
    {
      what: "deleted, for a cluster's snapshot,",
      snapshots: {},
      tried: { ...change, of: 'cluster' },
      message: 'cluster snapshot one is gone: nothing was changed',
    },
    {
      what: 'made private by its owner',
      snapshots: { one: ofInstance(['999988887777']) },
      tried: change,
      message: 'the shares of instance snapshot one were changed by someone else in the meantime',
    },
    {
      what: 'deleted before the undo',
      snapshots: {},
      tried: share,
      message: 'instance snapshot one is gone: nothing was changed',
    },
    {
      what: 'shared again by its owner',
      snapshots: { one: ofInstance(['all']) },
      tried: share,
      message: 'the shares of instance snapshot one were changed by someone else in the meantime',
    },
  ])(
    'is stale if the snapshot was $what after the read: nothing is written',
    async ({ snapshots, tried, message }) => {
      await using aws = await rds({ snapshots });

      const application = applyChange(sessionOf(aws.endpoint), tried);

      await expect(application).rejects.toMatchObject({ name: 'StalePlanError', message });
      expect(aws.calls.filter(({ form }) => form.get('Action')?.startsWith('Modify'))).toEqual([]);
    },
  );

  test('removes only `all` if the owner changed other shares after the read, and records the shares at that time', async () => {
    const snapshot = ofInstance(['all', '123412341234']);
    await using aws = await rds({ snapshots: { one: snapshot } });
    const session = sessionOf(aws.endpoint);

    const applied = await applyChange(session, change);
    const fixed = [...snapshot.shares];
    const inverse = await inverseOf(applied);
    if (inverse !== undefined) await applyChange(session, inverse);

    expect(applied).toMatchObject({ before: ['all', '123412341234'], after: ['123412341234'] });
    expect(fixed).toEqual(['123412341234']);
    expect(snapshot.shares).toEqual(['123412341234', 'all']);
  });

  test('is found if it was made without an answer, and not before', async () => {
    await using aws = await rds({ snapshots: { one: ofInstance(['all', '999988887777']) } });
    const session = sessionOf(aws.endpoint);

    const before = await findChange(session, change, new Date(0));
    await applyChange(session, change);
    const afterwards = await findChange(session, change, new Date(0));

    expect([before, afterwards]).toEqual([undefined, change]);
  });

  test('is confirmed when reads show it', async () => {
    await using aws = await rds({ snapshots: { one: ofInstance(['all', '999988887777']) } });
    const session = sessionOf(aws.endpoint);

    const inAnOldRead = await isChangeVisible(session, change);
    await applyChange(session, change);
    const afterwards = await isChangeVisible(session, change);

    expect([inAnOldRead, afterwards]).toEqual([false, true]);
  });

  test.each([
    { of: 'instance', snapshot: ofInstance(['all'], { status: 'copying' }) },
    { of: 'cluster', snapshot: ofCluster(['all'], { status: 'copying' }) },
  ])('is refused as busy for a snapshot that AWS is working on (of: $of)', async ({ of, snapshot }) => {
    await using aws = await rds({ snapshots: { one: snapshot } });

    const tried = { ...change, of };

    const application = applyChange(sessionOf(aws.endpoint), tried);

    await expect(application).rejects.toMatchObject({ name: 'ChangeRefusedError', because: 'busy' });
  });
});

describe('changes that begin together', () => {
  const changeOf = (resource: string, of: Snapshot['of'] = 'instance', others: readonly string[] = []) => ({
    kind: 'rds-snapshot-shares-change',
    resource,
    of,
    before: ['all', ...others],
    after: [...others],
  });
  /** A change before which only a list was read, as it is recorded. */
  const confirmed = (resource: string, others: readonly string[] = []) => ({
    ...changeOf(resource, 'instance', others),
    isListed: true,
  });
  const reads = (calls: readonly ReceivedCall[]): string[] =>
    calls
      .map(({ form }) => form)
      .filter((form) => form.get('Action')?.startsWith('Describe'))
      .map((form) =>
        [
          form.get('Action'),
          form.get('SnapshotType'),
          form.get('DBSnapshotIdentifier') ?? form.get('DBClusterSnapshotIdentifier'),
        ]
          .filter((each) => each !== null)
          .join(' '),
      )
      .sort();
  const modified = (calls: readonly ReceivedCall[]): (string | null)[] =>
    calls
      .map(({ form }) => form)
      .filter((form) => form.get('Action')?.startsWith('Modify'))
      .map((form) => form.get('DBSnapshotIdentifier') ?? form.get('DBClusterSnapshotIdentifier'))
      .sort();

  /** Applies changes that begin together, and returns their results, or the names of their errors. */
  async function applyAll(
    account: Account,
    changes: readonly ReturnType<typeof changeOf>[],
    ours: Readonly<Record<string, ReturnType<typeof changeOf>>> = {},
  ) {
    await using aws = await rds(account);
    const session = sessionOf(aws.endpoint);
    const results = await Promise.allSettled(
      changes.map((change) => {
        const last = ours[change.resource];
        return applyChange(session, change, undefined, { ours: last === undefined ? [] : [last] });
      }),
    );
    return {
      results: results.map((result) =>
        result.status === 'fulfilled' ? result.value : String(result.reason?.name),
      ),
      reads: reads(aws.calls),
      modified: modified(aws.calls),
      calls: aws.calls,
    };
  }

  test('are all confirmed by one list of public snapshots, without reading each', async () => {
    const snapshots = { one: ofInstance(['all', '999988887777']), two: ofInstance(['all']) };

    const { results, reads, calls } = await applyAll({ snapshots }, [
      changeOf('one', 'instance', ['999988887777']),
      changeOf('two'),
    ]);

    expect(results).toEqual([confirmed('one', ['999988887777']), confirmed('two')]);
    expect(await inverseOf(confirmed('one'))).not.toHaveProperty('isListed');
    expect(await notRestored(confirmed('one'))).toContain('if its owner made it private at that moment');
    expect(await notRestored(changeOf('one'))).toBeUndefined();
    expect([snapshots.one.shares, snapshots.two.shares]).toEqual([['999988887777'], []]);
    expect(reads).toEqual(['DescribeDBSnapshots public']);
    const [list] = calls;
    expect(list?.form.get('IncludePublic')).toBe('true');
    expect(list?.form.get('Filters.Filter.1.Name')).toBe('db-snapshot-id');
    expect(list === undefined ? [] : listed(list, 'Filters.Filter.1.Values.Value')).toEqual(['one', 'two']);
  });

  test('of cluster snapshots are confirmed by a list of their own', async () => {
    const snapshots = {
      one: ofCluster(['all']),
      two: ofCluster(['all']),
      three: ofInstance(['all']),
      four: ofInstance(['all']),
    };

    const { reads, modified } = await applyAll({ snapshots }, [
      changeOf('one', 'cluster'),
      changeOf('two', 'cluster'),
      changeOf('three'),
      changeOf('four'),
    ]);

    expect(reads).toEqual(['DescribeDBClusterSnapshots public', 'DescribeDBSnapshots public']);
    expect(modified).toEqual(['four', 'one', 'three', 'two']);
  });

  test('are read one by one if the list omits them, and left if they are private or gone', async () => {
    const { results, reads, modified } = await applyAll(
      { snapshots: { one: ofInstance(['all']), two: ofInstance(['999988887777']) } },
      [changeOf('one'), changeOf('two'), changeOf('three')],
    );

    expect(results).toEqual([confirmed('one'), 'StalePlanError', 'StalePlanError']);
    expect(reads).toEqual([
      'DescribeDBSnapshotAttributes three',
      'DescribeDBSnapshotAttributes two',
      'DescribeDBSnapshots public',
    ]);
    expect(modified).toEqual(['one']);
  });

  test.each([
    'arn:aws:rds:eu-central-1:444455556666:snapshot:two',
    'arn:aws:rds:us-east-1:111122223333:snapshot:two',
    'arn:aws:rds:eu-central-1:111122223333:cluster-snapshot:two',
  ])('are not confirmed by the public snapshot %s', async (arn) => {
    const { results, reads, modified } = await applyAll(
      { snapshots: { one: ofInstance(['all']), two: ofInstance([]) }, foreign: [arn] },
      [changeOf('one'), changeOf('two')],
    );

    expect(results).toEqual([confirmed('one'), 'StalePlanError']);
    expect(reads).toEqual(['DescribeDBSnapshotAttributes two', 'DescribeDBSnapshots public']);
    expect(modified).toEqual(['one']);
  });

  test.each([
    {
      what: 'the list never contains own snapshots',
      answerToPublicList: xmlAnswer('<DescribeDBSnapshotsResponse/>'),
    },
    {
      what: 'the first page of the list does not contain them',
      answerToPublicList: xmlAnswer(
        '<DescribeDBSnapshotsResponse><DescribeDBSnapshotsResult><DBSnapshots/><Marker>1</Marker></DescribeDBSnapshotsResult></DescribeDBSnapshotsResponse>',
      ),
    },
    ...['AccessDenied', 'InvalidParameterValue', 'InvalidParameterCombination'].map((code) => ({
      what: `AWS answers the list with ${code}`,
      answerToPublicList: queryError(code),
    })),
  ])('are read one by one if $what', async ({ answerToPublicList }) => {
    const snapshots = { one: ofInstance(['all']), two: ofInstance(['all']) };

    const { reads, modified } = await applyAll({ snapshots, answerToPublicList }, [
      changeOf('one'),
      changeOf('two'),
    ]);

    expect(reads).toEqual([
      'DescribeDBSnapshotAttributes one',
      'DescribeDBSnapshotAttributes two',
      'DescribeDBSnapshots public',
    ]);
    expect(modified).toEqual(['one', 'two']);
  });

  test('are not made, and not read either, if AWS throttles the list', async () => {
    const { results, reads, modified } = await applyAll(
      {
        snapshots: { one: ofInstance(['all']), two: ofInstance(['all']) },
        answerToPublicList: queryError('Throttling'),
      },
      [changeOf('one'), changeOf('two')],
    );

    expect(results).toEqual(['Throttling', 'Throttling']);
    expect(new Set(reads)).toEqual(new Set(['DescribeDBSnapshots public']));
    expect(modified).toEqual([]);
  });

  test('are not made if the list still shows the state before our own last change', async () => {
    const { results, modified } = await applyAll(
      { snapshots: { one: ofInstance(['all']), two: ofInstance(['all']) } },
      [changeOf('one'), changeOf('two')],
      { two: changeOf('two') },
    );

    expect(results).toEqual([confirmed('one'), 'StalePlanError']);
    expect(modified).toEqual(['one']);
  });

  test.each([
    {
      what: 'if they share with `all`, as an undo does',
      change: { ...changeOf('two'), before: [], after: ['all'] },
      ours: {},
    },
    {
      what: 'if they also remove other shares',
      change: { ...changeOf('two'), before: ['all', '999988887777'] },
      ours: {},
    },
    {
      what: 'if our last change concerns other shares',
      change: changeOf('two'),
      ours: { two: { ...changeOf('two'), before: [], after: ['999988887777'] } },
    },
  ])('are read one by one $what', async ({ change, ours }) => {
    const { reads } = await applyAll(
      {
        snapshots: {
          one: ofInstance(['all']),
          two: ofInstance(['all', '999988887777']),
          three: ofInstance(['all']),
        },
      },
      [changeOf('one'), change, changeOf('three')],
      ours,
    );

    expect(reads).toEqual(['DescribeDBSnapshotAttributes two', 'DescribeDBSnapshots public']);
  });
});

test('the rule uses exactly its declared permissions', async () => {
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
  expect(grantedActions(permissions.undo)).toEqual([
    'rds:DescribeDBClusterSnapshotAttributes',
    'rds:DescribeDBSnapshotAttributes',
    'rds:ModifyDBClusterSnapshotAttribute',
    'rds:ModifyDBSnapshotAttribute',
  ]);
});
