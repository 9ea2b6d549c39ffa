import { beforeEach, describe, expect, test } from 'vitest';
import { inverseOf } from '../../../../lambdas/changes/index.ts';
import type { CustomRule, DesiredState } from '../../../../lambdas/model/custom-rule.ts';
import { SettingsError } from '../../../../lambdas/model/errors.ts';
import type { Job } from '../../../../lambdas/model/job.ts';
import { CloudControlAccount } from '../../remediator/support/cloud-control-account.ts';
import { Killed } from '../../remediator/support/lifeline.ts';
import {
  ACCOUNT,
  accountSettingsOf,
  awsError,
  REGION,
  RemediatorInMemory,
  regionalJobOf,
  settingsOf,
} from '../../remediator/support/remediator-in-memory.ts';

const RULE = 'rds-instance-public';
const INSTANCE = 'orders';

const state: DesiredState = {
  resource_type: 'AWS::RDS::DBInstance',
  identifier: '{{resource}}',
  primary_identifier: ['/DBInstanceIdentifier'],
  violates: {},
  set: { '/PubliclyAccessible': false },
  defaults: {},
  ready: { '/DBInstanceStatus': 'available' },
  allow_stack_managed: false,
  tags: '/Tags',
};
const definition = (of: Partial<DesiredState> = {}): CustomRule => ({
  title: 'RDS instances are not public',
  scope: 'regional',
  severity: 'high',
  risk: 'Clients outside the VPC lose the connection.',
  desired_state: { ...state, ...of },
  permissions: {
    read: [{ actions: ['cloudformation:GetResource'], resources: ['*'] }],
    write: [{ actions: ['cloudformation:UpdateResource'], resources: ['*'] }],
    undo: [],
    automation: [],
  },
});

const open = {
  DBInstanceIdentifier: INSTANCE,
  PubliclyAccessible: true,
  DBInstanceStatus: 'available',
  Tags: [{ Key: 'team', Value: 'shop' }],
};

let account: CloudControlAccount;
let remediator: RemediatorInMemory;

function declare(of: Partial<DesiredState> = {}, mode: 'enforce' | 'dry_run' = 'enforce'): void {
  remediator.settings = settingsOf({ rule: RULE, mode, definition: definition(of) });
}

beforeEach(() => {
  account = new CloudControlAccount({ [INSTANCE]: open });
  remediator = new RemediatorInMemory();
  remediator.openSession = account.open;
  declare();
});

const job: Job = regionalJobOf(RULE, [INSTANCE]);
const work = async (asked = job) => (await remediator.attempt(asked)).outcomes;

const LINE = `~ PubliclyAccessible: true → false (AWS::RDS::DBInstance ${INSTANCE}): Clients outside the VPC lose the connection.`;
const PATCH = [
  { op: 'test', path: '/DBInstanceIdentifier', value: INSTANCE },
  { op: 'test', path: '/PubliclyAccessible', value: true },
  { op: 'replace', path: '/PubliclyAccessible', value: false },
];

test('a dry run shows the value, the new one and the risk, and the patch that would be sent', async () => {
  declare({}, 'dry_run');

  const [outcome] = await work();

  expect(outcome).toMatchObject({
    outcome: 'planned',
    plan: [{ line: LINE, change: { patch: PATCH } }],
    seen: { values: { '/PubliclyAccessible': true } },
  });
  expect(account.updates).toEqual([]);
  expect(account.requested[0]?.permissions.flatMap(({ actions }) => actions)).toEqual([
    'cloudformation:GetResource',
  ]);
});

test('a violation is fixed by one request with a client token, read back, and undone exactly', async () => {
  const [outcome] = await work();

  expect(outcome).toMatchObject({ outcome: 'remediated', applied: [{ line: LINE }] });
  expect(account.updates).toEqual([{ patch: PATCH, clientToken: expect.stringMatching(/^[0-9a-f-]{36}$/) }]);
  expect(account.resources.get(INSTANCE)).toEqual({ ...open, PubliclyAccessible: false });

  const [applied] = outcome?.applied ?? [];
  const inverse = applied === undefined ? undefined : await inverseOf(applied.change);

  expect(inverse).toMatchObject({
    properties: [{ pointer: '/PubliclyAccessible', before: false, after: true }],
  });
});

test('what takes minutes is in progress: a later look finds it done', async () => {
  account.lasts = 10 * 60_000;

  expect(await work()).toEqual([]);
  remediator.now += 5 * 60_000;
  expect(await work(remediator.lastLook)).toEqual([]);
  remediator.now += 6 * 60_000;
  const [outcome] = await work(remediator.lastLook);

  expect(outcome).toMatchObject({ outcome: 'remediated', applied: [{ line: LINE }] });
  expect(account.updates).toHaveLength(1);
});

test('a handler that fails, at once or minutes later, is a failure in its own words', async () => {
  account.fails = { code: 'AccessDenied', message: 'not authorized to perform: rds:ModifyDBInstance' };
  const words = `the request to change AWS::RDS::DBInstance ${INSTANCE} ended as FAILED (AccessDenied: not authorized to perform: rds:ModifyDBInstance)`;

  expect(await work()).toMatchObject([{ outcome: 'failed', reason: words, applied: [] }]);

  remediator.forget();
  account.lasts = 60_000;
  expect(await work(regionalJobOf(RULE, [INSTANCE]))).toEqual([]);
  remediator.now += 120_000;
  expect(await work(remediator.lastLook)).toMatchObject([
    { outcome: 'failed', reason: expect.stringContaining('is FAILED (AccessDenied') },
  ]);
});

test.each([
  ['a conflict that the handler meets', { code: 'ResourceConflict', message: 'being modified' }],
  ['a handler that gives up waiting', { code: 'NotStabilized', message: 'timeout' }],
])("%s is someone else's change: deferred", async (_, fails) => {
  account.fails = fails;

  expect(await work()).toMatchObject([{ outcome: 'deferred', applied: [] }]);
});

test('another operation of the resource is waited for: deferred', async () => {
  account.refuses = (operation) =>
    operation === 'UpdateResource' ? 'ConcurrentOperationException' : undefined;

  expect(await work()).toMatchObject([{ outcome: 'deferred', applied: [] }]);
});

test('a resource that is not ready is deferred, and nothing is sent', async () => {
  account.resources.set(INSTANCE, { ...open, DBInstanceStatus: 'modifying' });

  expect(await work()).toMatchObject([
    { outcome: 'deferred', reason: expect.stringContaining('DBInstanceStatus is "modifying"') },
  ]);
  expect(account.updates).toEqual([]);
});

test('what the owner changes just before the request makes its test fail: nothing is written over', async () => {
  account.beforeUpdate = () => account.resources.set(INSTANCE, { ...open, PubliclyAccessible: false });

  const [outcome] = await work();

  expect(outcome).toMatchObject({ outcome: 'compliant', applied: [] });
  expect(account.updates).toEqual([]);
});

test('what a CloudFormation stack manages is not applicable, unless that is allowed', async () => {
  account.stacks.set(INSTANCE, { stack: 'shop', type: state.resource_type });

  expect(await work()).toMatchObject([
    {
      outcome: 'not_applicable',
      reason: expect.stringContaining('CloudFormation stack shop manages orders'),
    },
  ]);

  remediator.forget();
  declare({ allow_stack_managed: true });
  expect(await work()).toMatchObject([{ outcome: 'remediated' }]);
});

describe('of a stack, CloudFormation names at most 100 resources', () => {
  /** Puts resources of the stack before what comes later. */
  const putOthers = (count: number): void => {
    for (let other = 1; other <= count; other += 1) {
      account.stacks.set(`other-${other}`, { stack: 'shop', type: state.resource_type });
    }
  };

  test('one that is not among them is taken as managed by it', async () => {
    putOthers(100);
    account.stacks.set(INSTANCE, { stack: 'shop', type: state.resource_type });

    expect(await work()).toMatchObject([
      {
        outcome: 'not_applicable',
        reason: expect.stringContaining('CloudFormation stack shop manages orders'),
      },
    ]);
    expect(account.updates).toEqual([]);
  });

  test('one of another type that has the same name manages nothing, where all are named', async () => {
    putOthers(98);
    account.stacks.set(INSTANCE, { stack: 'shop', type: 'AWS::SQS::Queue' });

    expect(await work()).toMatchObject([{ outcome: 'remediated' }]);
  });
});

describe('a resource whose identifier has two parts', () => {
  const type = 'AWS::ApiGateway::Stage';
  beforeEach(() => {
    account.resources.set('api1|prod', { RestApiId: 'api1', StageName: 'prod', TracingEnabled: false });
    declare({
      resource_type: type,
      primary_identifier: ['/RestApiId', '/StageName'],
      set: { '/TracingEnabled': true },
      ready: {},
    });
  });

  test.each(['api1|prod', 'prod', 'api1'])('is managed by the stack that names %s', async (id) => {
    account.stacks.set(id, { stack: 'shop', type });

    expect(await work(regionalJobOf(RULE, ['api1|prod']))).toMatchObject([{ outcome: 'not_applicable' }]);
  });

  test('is not managed by a stack that has only what it belongs to', async () => {
    account.stacks.set('api1', { stack: 'shop', type: 'AWS::ApiGateway::RestApi' });

    expect(await work(regionalJobOf(RULE, ['api1|prod']))).toMatchObject([{ outcome: 'remediated' }]);
  });
});

test.each([
  ['is gone', undefined, 'gone'],
  ['complies', { ...open, PubliclyAccessible: false }, 'compliant'],
  [
    'has an exemption tag',
    { ...open, Tags: [{ Key: 'cspm-auto-remediation:exempt', Value: 'migration until 2999-01-01' }] },
    'exempt',
  ],
] as const)('a resource that %s', async (_, properties, outcome) => {
  if (properties === undefined) account.resources.delete(INSTANCE);
  else account.resources.set(INSTANCE, { ...structuredClone(properties), Tags: [...properties.Tags] });

  expect(await work()).toMatchObject([{ outcome }]);
  expect(account.updates).toEqual([]);
});

describe('what violates', () => {
  test.each([
    ['has another value', { '/PubliclyAccessible': { equals: false } }, 'compliant'],
    ['is there', { '/KmsKeyId': { absent: true } }, 'planned'],
    ['holds no such item', { '/Tags': { contains: { Key: 'team', Value: 'bank' } } }, 'compliant'],
    ['holds the item', { '/Tags': { contains: { Key: 'team', Value: 'shop' } } }, 'planned'],
  ] as const)('a property that %s: %j', async (_, violates, outcome) => {
    declare({ violates }, 'dry_run');

    expect(await work()).toMatchObject([{ outcome }]);
  });
});

describe('a property that is not there', () => {
  const versioning = {
    resource_type: 'AWS::S3::Bucket',
    primary_identifier: ['/BucketName'],
    set: { '/VersioningConfiguration/Status': 'Enabled' },
    ready: {},
  };

  test('is added with the object around it, and undone to the stated default', async () => {
    account.resources.set(INSTANCE, { BucketName: INSTANCE });
    declare({ ...versioning, defaults: { '/VersioningConfiguration/Status': 'Suspended' } });

    const [outcome] = await work();

    expect(account.updates[0]?.patch).toEqual([
      { op: 'test', path: '/BucketName', value: INSTANCE },
      { op: 'add', path: '/VersioningConfiguration', value: { Status: 'Enabled' } },
    ]);
    const [applied] = outcome?.applied ?? [];
    expect(applied === undefined ? undefined : await inverseOf(applied.change)).toMatchObject({
      properties: [{ before: 'Enabled', after: 'Suspended' }],
    });
  });

  test('without a default has no undo, and the plan says so', async () => {
    account.resources.set(INSTANCE, { BucketName: INSTANCE });
    declare(versioning);

    const [outcome] = await work();

    const [applied] = outcome?.applied ?? [];
    expect(applied?.line).toContain('An undo leaves VersioningConfiguration.Status as it is');
    expect(applied === undefined ? null : await inverseOf(applied.change)).toBeUndefined();
  });
});

describe('a pause', () => {
  test('cancels a request that AWS is at work on, and says so', async () => {
    account.lasts = 10 * 60_000;
    await work();
    remediator.now += 60_000;
    remediator.pause = 'all';

    const [outcome] = await work(remediator.lastLook);

    expect(outcome).toMatchObject({
      outcome: 'deferred',
      gate: 'pause',
      reason: expect.stringContaining(`the change in progress was cancelled: ${LINE}`),
      applied: [],
    });
    expect(account.resources.get(INSTANCE)).toEqual(open);
  });

  test('amid the first seconds cancels it, too', async () => {
    account.lasts = 10 * 60_000;
    account.onSleep = () => {
      remediator.pause = 'all';
      remediator.now += 3_000;
    };

    const [outcome] = await work();

    expect(outcome).toMatchObject({ outcome: 'deferred', gate: 'pause', applied: [] });
    expect(account.resources.get(INSTANCE)).toEqual(open);
  });

  test('may name a rule that is declared', async () => {
    remediator.pause = RULE;
    remediator.settings = { ...remediator.settings, allRules: accountSettingsOf({ declared_rules: [RULE] }) };

    expect(await work()).toMatchObject([{ outcome: 'deferred', gate: 'pause' }]);
  });
});

test('settings that cannot be read fail every finding', async () => {
  remediator.fault = (port) => (port === 'settings' ? new SettingsError('not JSON') : undefined);

  expect(await work()).toMatchObject([{ outcome: 'failed', reason: 'not JSON', gate: 'settings' }]);
});

test('a rule without settings is unknown', async () => {
  const missing = new SettingsError('missing', { cause: awsError('NoSuchKey', 404) });
  remediator.fault = (port) => (port === 'settings' ? missing : undefined);

  await expect(work()).rejects.toThrow('unknown rule rds-instance-public');
});

test('an id that is not of the pattern, or of another account, reaches no call', async () => {
  const cluster = `arn:aws:rds:${REGION}:999999999999:cluster:orders`;
  remediator.settings = settingsOf({
    rule: RULE,
    definition: {
      ...definition({ identifier: '{{arn.resource_id}}' }),
      resource_id_pattern: 'arn:.*|orders',
    },
  });

  const outcomes = await work(regionalJobOf(RULE, [cluster, 'orders', 'or ders', 'else']));

  expect(outcomes.map(({ finding, outcome }) => [finding.resource, outcome])).toEqual([
    [cluster, 'not_applicable'],
    ['orders', 'failed'],
    ['or ders', 'failed'],
    ['else', 'failed'],
  ]);
  expect(account.requested.length).toBeLessThanOrEqual(1);
  expect(ACCOUNT).not.toBe('999999999999');
});

describe('modifications that people have put off', () => {
  test.each<[string, () => void]>([
    ['DBInstanceClass', () => (account.pending = { DBInstanceClass: 'db.r6g.large' })],
    ['a reboot for the parameter group ours', () => (account.parameterGroup = 'pending-reboot')],
  ])('are not carried out with ours: %s', async (words, wait) => {
    wait();

    const outcomes = await work();

    expect(outcomes).toMatchObject([
      { outcome: 'deferred', reason: expect.stringContaining(`other modifications are pending (${words})`) },
    ]);
    expect(account.updates).toEqual([]);
  });

  test('are looked for directly before the write', async () => {
    let reads = 0;
    account.refuses = (operation) => {
      if (operation === 'GetResource') reads += 1;
      // The plan is made by then.
      if (reads === 2) account.pending = { MultiAZ: 'true' };
      return undefined;
    };

    expect(await work()).toMatchObject([{ outcome: 'deferred' }]);
    expect(account.updates).toEqual([]);
  });
});

test('a handler that fails after it has set the value has set it', async () => {
  account.fails = { code: 'AccessDenied', message: 'not authorized to perform: rds:RebootDBInstance' };
  account.setsBeforeItFails = true;

  expect(await work()).toMatchObject([{ outcome: 'remediated', applied: [{ line: LINE }] }]);
});

describe('a request whose answer nobody saw', () => {
  const faults = ['killed before it', 'killed after it', 'its answer is lost'] as const;
  const minutes = [0, 10, 45] as const;
  const cases = faults.flatMap((fault) => minutes.map((lasting) => [fault, lasting] as const));

  /** Meets the first update with a fault. */
  function meet(fault: (typeof faults)[number]): void {
    let isMet = false;
    const meets = (operation: string): boolean => operation === 'UpdateResource' && !isMet;
    account.beforeCall = (operation, life) => {
      if (fault !== 'killed before it' || !meets(operation)) return;
      isMet = true;
      life.end();
    };
    account.afterCall = (operation, life) => {
      if (fault === 'killed before it' || !meets(operation)) return undefined;
      isMet = true;
      if (fault === 'killed after it') life.end();
      return fault === 'killed after it'
        ? new Killed('the function was ended')
        : Object.assign(new Error('socket hang up'), { name: 'TimeoutError' });
    };
  }

  /** Works on the job until an attempt has ended without unfinished findings, and then on the later looks. */
  async function workToTheEnd(): Promise<void> {
    for (let number = 1; number <= 5; number += 1) {
      const result = await remediator.attempt(job, { number, last: number === 5 }).catch((error: unknown) => {
        if (!(error instanceof Killed)) throw error;
      });
      if (result?.unfinished.length === 0) break;
    }
    await remediator.workOffLater();
  }

  const outcomesNow = () => [...remediator.outcomes.values()];

  test.each(cases)('%s, and AWS takes %i minutes: one update, recorded once', async (fault, lasting) => {
    account.lasts = lasting * 60_000;
    meet(fault);

    await workToTheEnd();

    expect(account.updates).toHaveLength(1);
    expect(account.resources.get(INSTANCE)).toEqual({ ...open, PubliclyAccessible: false });
    expect(outcomesNow()).toMatchObject([{ outcome: 'remediated', applied: [{ line: LINE }] }]);
    expect(outcomesNow()[0]?.applied).toHaveLength(1);
    expect(outcomesNow()[0]?.unconfirmed ?? []).toEqual([]);
  });

  test('is waited for while the resource is not ready because of it', async () => {
    account.lasts = 45 * 60_000;
    meet('killed after it');
    const taken = account.afterCall;
    account.afterCall = (operation, life) => {
      const lost = taken(operation, life);
      if (lost !== undefined) account.resources.set(INSTANCE, { ...open, DBInstanceStatus: 'modifying' });
      return lost;
    };
    account.onDone = (properties) => ({ ...properties, DBInstanceStatus: 'available' });

    await workToTheEnd();

    expect(account.updates).toHaveLength(1);
    expect(outcomesNow()).toMatchObject([{ outcome: 'remediated', applied: [{ line: LINE }] }]);
    expect(outcomesNow()[0]?.unconfirmed ?? []).toEqual([]);
  });

  test('and that fails is a failure in AWS’s words; nothing is unconfirmed', async () => {
    account.lasts = 10 * 60_000;
    account.fails = { code: 'AccessDenied', message: 'not authorized' };
    meet('killed after it');

    await workToTheEnd();

    expect(account.updates).toHaveLength(1);
    expect(outcomesNow()).toMatchObject([
      { outcome: 'failed', reason: expect.stringContaining('AccessDenied') },
    ]);
    expect(outcomesNow()[0]?.unconfirmed ?? []).toEqual([]);
  });
});
