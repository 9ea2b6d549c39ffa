import fc from 'fast-check';
import type { AccessKey, Cluster, Database, FlowLog, Trail, User, Vpc } from '../lab/aws-model/state.ts';
import { EMPTY_STATE } from '../lab/aws-model/state.ts';
import { NOW } from '../unit/remediator/support/iam-account.ts';
import { ACCOUNT, type Case, type JobSpec, REGION } from './case.ts';
import { EXEMPTION } from './exemption.ts';
import { disturbances, kills } from './generate-disturbances.ts';

const DAY = 86_400_000;

function named<T>(prefix: string, all: readonly T[]): Record<string, T> {
  return Object.fromEntries(all.map((each, index) => [`${prefix}${index + 1}`, each]));
}

const times = fc.integer({ min: 1, max: 2 });

/** One or two jobs of a rule without options. */
const jobsOf = (rule: string): fc.Arbitrary<JobSpec[]> =>
  times.map((count) => Array.from({ length: count }, () => ({ rule, options: {} })));

const flowLogs: fc.Arbitrary<readonly Omit<FlowLog, 'id'>[]> = fc.constantFrom<Omit<FlowLog, 'id'>[]>(
  [],
  [],
  [{ bucket: 'arn:aws:s3:::theirs', status: 'FAILED', error: 'Access error', created: NOW - DAY, tags: {} }],
  [{ bucket: 'arn:aws:s3:::theirs', status: 'SUCCESS', created: NOW - DAY, tags: {} }],
  [{ bucket: 'arn:aws:s3:::logs', status: 'FAILED', error: 'Access error', created: NOW - DAY, tags: {} }],
);

const vpcs: fc.Arbitrary<Vpc[]> = fc.array(flowLogs, { minLength: 1, maxLength: 2 }).map((all) =>
  all.map((each, at) => ({
    cidrs: ['10.0.0.0/16'],
    ipv6Cidrs: [],
    tags: {},
    flowLogs: each.map((flowLog, index) => ({ ...flowLog, id: `fl-${at + 1}a${index}` })),
  })),
);

/** A flow log to the bucket `broken` is created, and cannot deliver: AWS reports it minutes later. */
export const flowLogCases: fc.Arbitrary<Case> = fc.record({
  kind: fc.constant('flow-log' as const),
  initial: vpcs.map((all) => ({ ...EMPTY_STATE, vpcs: named('vpc-0000000', all) })),
  jobs: fc
    .tuple(fc.constantFrom('arn:aws:s3:::logs', 'arn:aws:s3:::logs', 'arn:aws:s3:::broken'), times)
    .map(([destination, count]) =>
      Array.from({ length: count }, () => ({ rule: 'vpc-flow-logs-disabled', options: { destination } })),
    ),
  disturbances: disturbances('flow-log'),
  kills,
});

const shares = fc.constantFrom<string[]>(
  ['all'],
  ['all'],
  ['all', '444455556666'],
  ['444455556666', 'all', '777788889999'],
  ['444455556666'],
  [],
);

const databases: fc.Arbitrary<Database> = fc
  .record({
    of: fc.constantFrom('instance' as const, 'instance' as const, 'cluster' as const),
    isThere: fc.constantFrom(true, true, true, false),
    snapshots: fc.array(
      fc.record({ sharedWith: shares, isExempt: fc.constantFrom(false, false, false, true) }),
      {
        minLength: 1,
        maxLength: 3,
      },
    ),
  })
  .map(({ snapshots, ...database }) => ({
    ...database,
    tags: {},
    snapshots: snapshots.map(({ sharedWith, isExempt }, index) => ({
      id: `s${index}`,
      tags: isExempt ? EXEMPTION : {},
      sharedWith,
    })),
  }));

/** RDS names are not case-sensitive: two findings may be about the same snapshots. */
const aliases = fc.constantFrom<Record<string, string>>({}, {}, { Orders1: 'orders1' });

export const snapshotCases: fc.Arbitrary<Case> = fc.record({
  kind: fc.constant('snapshot' as const),
  aliases,
  // Changes of several databases begin together, and share a list of public snapshots.
  initial: fc.array(databases, { minLength: 1, maxLength: 3 }).map((all) => ({
    ...EMPTY_STATE,
    databases: Object.fromEntries(
      all.map(({ snapshots, ...database }, index) => {
        const name = `orders${index + 1}`;
        return [
          name,
          { ...database, snapshots: snapshots.map((each) => ({ ...each, id: `${name}-${each.id}` })) },
        ];
      }),
    ),
  })),
  jobs: jobsOf('rds-snapshot-public'),
  disturbances: disturbances('snapshot'),
  kills,
});

const keys: fc.Arbitrary<Omit<AccessKey, 'id'>> = fc.record({
  status: fc.constantFrom('Active' as const, 'Active' as const, 'Inactive' as const),
  created: fc.constantFrom(NOW - 400 * DAY, NOW - 100 * DAY, NOW - 10 * DAY),
  lastUsed: fc.constantFrom(null, NOW - 200 * DAY, NOW - 2 * DAY),
});

const users: fc.Arbitrary<User[]> = fc
  .array(fc.array(keys, { minLength: 1, maxLength: 2 }), { minLength: 1, maxLength: 2 })
  .map((all) =>
    all.map((each, at) => ({
      tags: {},
      keys: each.map((key, index) => ({ ...key, id: `AKIAUSER${at + 1}${index}` })),
    })),
  );

export const accessKeyCases: fc.Arbitrary<Case> = fc.record({
  kind: fc.constant('access-key' as const),
  initial: users.map((all) => ({ ...EMPTY_STATE, users: named('user', all) })),
  jobs: fc
    .tuple(fc.constantFrom({}, {}, { unused_only_days: 30 }), times)
    .map(([options, count]) =>
      Array.from({ length: count }, () => ({ rule: 'iam-access-key-unrotated', options })),
    ),
  disturbances: disturbances('access-key'),
  kills,
});

const clusters: fc.Arbitrary<Cluster> = fc.record({
  isPublic: fc.constantFrom(true, true, true, false),
  pending: fc.constantFrom(null, null, null, { isPublic: false, until: NOW + 20_000 }),
  unavailable: fc.constantFrom(null, null, null, { status: 'resizing', until: NOW + 30_000 }),
  tags: fc.constantFrom({}, { team: 'a' }),
});

const withClusters = fc
  .array(clusters, { minLength: 1, maxLength: 2 })
  .map((all) => ({ ...EMPTY_STATE, clusters: named('cluster', all) }));

export const clusterCases: fc.Arbitrary<Case> = fc.record({
  kind: fc.constant('cluster' as const),
  initial: withClusters,
  jobs: jobsOf('redshift-cluster-public'),
  disturbances: disturbances('cluster'),
  kills,
});

const trails: fc.Arbitrary<Trail> = fc.record({
  // A trail of another region is also found from the job's region.
  region: fc.constantFrom(REGION, REGION, 'us-east-1'),
  isValidated: fc.constantFrom(false, false, false, true),
  tags: fc.constantFrom({}, { team: 'a' }),
});

const trailArn = ({ region }: Trail, index: number): string =>
  `arn:aws:cloudtrail:${region}:${ACCOUNT}:trail/all${index + 1}`;

const withTrails = fc.array(trails, { minLength: 1, maxLength: 2 }).map((all) => ({
  ...EMPTY_STATE,
  trails: Object.fromEntries(all.map((trail, index) => [trailArn(trail, index), trail])),
}));

export const trailCases: fc.Arbitrary<Case> = fc.record({
  kind: fc.constant('trail' as const),
  initial: withTrails,
  jobs: jobsOf('cloudtrail-log-file-validation'),
  disturbances: disturbances('trail'),
  kills,
});

/** Clusters or trails, remediated by AWS's documents. */
export const runbookCases: fc.Arbitrary<Case> = fc
  .tuple(
    fc.oneof(
      withClusters.map((initial) => ({ initial, rule: 'redshift-cluster-public' })),
      withTrails.map((initial) => ({ initial, rule: 'cloudtrail-log-file-validation' })),
    ),
    times,
    disturbances('runbook'),
    kills,
  )
  .map(([{ initial, rule }, count, ofCase, killed]) => ({
    kind: 'runbook' as const,
    initial,
    jobs: Array.from({ length: count }, () => ({ rule, options: {}, method: 'runbook' as const })),
    disturbances: ofCase,
    kills: killed,
  }));
