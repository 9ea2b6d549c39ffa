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

test('a dry run shows the old and the new value, the risk, and the patch that would be sent', async () => {
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

test('a violation is fixed with one request and a client token, read back, and undone exactly', async () => {
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

test('a value that was null is restored by an undo', async () => {
  account.resources.set(INSTANCE, { ...open, PubliclyAccessible: null });

  const [outcome] = await work();

  const [applied] = outcome?.applied ?? [];
  expect(applied === undefined ? undefined : await inverseOf(applied.change)).toMatchObject({
    properties: [{ pointer: '/PubliclyAccessible', before: false, after: null }],
  });
});

test('an exemption tag that the read immediately before the request shows is respected', async () => {
  const tag = { Key: 'cspm-auto-remediation:exempt', Value: 'public on purpose until 2099-12-31' };
  let reads = 0;
  account.beforeCall = (operation) => {
    if (operation !== 'GetResource') return;
    reads += 1;
    if (reads === 2) account.resources.set(INSTANCE, { ...open, Tags: [tag] });
  };

  const [outcome] = await work();

  expect(outcome).toMatchObject({ outcome: 'exempt', applied: [] });
  expect(account.updates).toEqual([]);
});

test('a change that takes minutes is in progress until a later check finds it complete', async () => {
  account.lasts = 10 * 60_000;

  expect(await work()).toEqual([]);
  remediator.now += 5 * 60_000;
  expect(await work(remediator.lastLook)).toEqual([]);
  remediator.now += 6 * 60_000;
  const [outcome] = await work(remediator.lastLook);

  expect(outcome).toMatchObject({ outcome: 'remediated', applied: [{ line: LINE }] });
  expect(account.updates).toHaveLength(1);
});

test('a handler that fails, at once or minutes later, is a failure with its message', async () => {
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
  ['a conflict in the handler', { code: 'ResourceConflict', message: 'being modified' }],
  ['a handler that times out', { code: 'NotStabilized', message: 'timeout' }],
])("%s counts as someone else's change, and the finding is deferred", async (_, fails) => {
  account.fails = fails;

  expect(await work()).toMatchObject([{ outcome: 'deferred', applied: [] }]);
});

test('a finding is deferred while another operation on the resource is in progress', async () => {
  account.refuses = (operation) =>
    operation === 'UpdateResource' ? 'ConcurrentOperationException' : undefined;

  expect(await work()).toMatchObject([{ outcome: 'deferred', applied: [] }]);
});

test('a finding is deferred if the resource is not ready, and nothing is sent', async () => {
  account.resources.set(INSTANCE, { ...open, DBInstanceStatus: 'modifying' });

  expect(await work()).toMatchObject([
    { outcome: 'deferred', reason: expect.stringContaining('DBInstanceStatus is "modifying"') },
  ]);
  expect(account.updates).toEqual([]);
});

test('a change by the owner just before the request fails its test, and is not overwritten', async () => {
  account.beforeUpdate = () => account.resources.set(INSTANCE, { ...open, PubliclyAccessible: false });

  const [outcome] = await work();

  expect(outcome).toMatchObject({ outcome: 'compliant', applied: [] });
  expect(account.updates).toEqual([]);
});

test('a resource that a CloudFormation stack manages is not applicable, unless that is allowed', async () => {
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

describe('a stack with more than 100 resources, the maximum that CloudFormation lists', () => {
  /** Adds resources to the stack before later ones. */
  const putOthers = (count: number): void => {
    for (let other = 1; other <= count; other += 1) {
      account.stacks.set(`other-${other}`, { stack: 'shop', type: state.resource_type });
    }
  };

  test('counts as managing a resource that is not listed', async () => {
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

  test('does not manage a resource of another type with the same name if all are listed', async () => {
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

  test('is not managed by a stack that only contains its parent', async () => {
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

describe('a violation is determined by', () => {
  test.each([
    ['has another value than the condition', { '/PubliclyAccessible': { equals: false } }, 'compliant'],
    ['is absent as in the condition', { '/KmsKeyId': { absent: true } }, 'planned'],
    [
      'does not contain the item of the condition',
      { '/Tags': { contains: { Key: 'team', Value: 'bank' } } },
      'compliant',
    ],
    [
      'contains the item of the condition',
      { '/Tags': { contains: { Key: 'team', Value: 'shop' } } },
      'planned',
    ],
  ] as const)('a property that %s: %j', async (_, violates, outcome) => {
    declare({ violates }, 'dry_run');

    expect(await work()).toMatchObject([{ outcome }]);
  });
});

describe('a missing property', () => {
  const versioning = {
    resource_type: 'AWS::S3::Bucket',
    primary_identifier: ['/BucketName'],
    set: { '/VersioningConfiguration/Status': 'Enabled' },
    ready: {},
  };

  test('is added with its parent object, and undone to the declared default', async () => {
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

  test('is added with its parent object if that is null', async () => {
    account.resources.set(INSTANCE, { BucketName: INSTANCE, VersioningConfiguration: null });
    declare(versioning);

    await work();

    expect(account.resources.get(INSTANCE)).toEqual({
      BucketName: INSTANCE,
      VersioningConfiguration: { Status: 'Enabled' },
    });
  });

  test('without a default cannot be undone, and the plan says so', async () => {
    account.resources.set(INSTANCE, { BucketName: INSTANCE });
    declare(versioning);

    const [outcome] = await work();

    const [applied] = outcome?.applied ?? [];
    expect(applied?.line).toContain('An undo leaves VersioningConfiguration.Status as it is');
    expect(applied === undefined ? null : await inverseOf(applied.change)).toBeUndefined();
  });
});

describe('a pause', () => {
  test('cancels a request that AWS is working on, and reports it', async () => {
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

  test('cancels a request in its first seconds, too', async () => {
    account.lasts = 10 * 60_000;
    account.onSleep = () => {
      remediator.pause = 'all';
      remediator.now += 3_000;
    };

    const [outcome] = await work();

    expect(outcome).toMatchObject({ outcome: 'deferred', gate: 'pause', applied: [] });
    expect(account.resources.get(INSTANCE)).toEqual(open);
  });

  test('can name a custom rule', async () => {
    remediator.pause = RULE;
    remediator.settings = { ...remediator.settings, allRules: accountSettingsOf({ declared_rules: [RULE] }) };

    expect(await work()).toMatchObject([{ outcome: 'deferred', gate: 'pause' }]);
  });
});

test('settings that cannot be parsed fail every finding', async () => {
  remediator.fault = (port) => (port === 'settings' ? new SettingsError('not JSON') : undefined);

  expect(await work()).toMatchObject([{ outcome: 'failed', reason: 'not JSON', gate: 'settings' }]);
});

test('a rule without settings is unknown', async () => {
  const missing = new SettingsError('missing', { cause: awsError('NoSuchKey', 404) });
  remediator.fault = (port) => (port === 'settings' ? missing : undefined);

  await expect(work()).rejects.toThrow('unknown rule rds-instance-public');
});

test('an id that does not match the pattern, or of another account, reaches no call', async () => {
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

describe('pending modifications by other people', () => {
  test.each<[string, () => void]>([
    ['DBInstanceClass', () => (account.pending = { DBInstanceClass: 'db.r6g.large' })],
    ['a reboot for the parameter group ours', () => (account.parameterGroup = 'pending-reboot')],
  ])('are not applied together with the fix: %s', async (words, wait) => {
    wait();

    const outcomes = await work();

    expect(outcomes).toMatchObject([
      { outcome: 'deferred', reason: expect.stringContaining(`other modifications are pending (${words})`) },
    ]);
    expect(account.updates).toEqual([]);
  });

  test('are read immediately before the write', async () => {
    let reads = 0;
    account.refuses = (operation) => {
      if (operation === 'GetResource') reads += 1;
      // The plan has been made by then.
      if (reads === 2) account.pending = { MultiAZ: 'true' };
      return undefined;
    };

    expect(await work()).toMatchObject([{ outcome: 'deferred' }]);
    expect(account.updates).toEqual([]);
  });
});

test('a handler that fails after it has set the value counts as having set it', async () => {
  account.fails = { code: 'AccessDenied', message: 'not authorized to perform: rds:RebootDBInstance' };
  account.setsBeforeItFails = true;

  expect(await work()).toMatchObject([{ outcome: 'remediated', applied: [{ line: LINE }] }]);
});

describe('a request with a lost answer', () => {
  const faults = ['killed before it', 'killed after it', 'its answer is lost'] as const;
  const minutes = [0, 10, 45] as const;
  const cases = faults.flatMap((fault) => minutes.map((lasting) => [fault, lasting] as const));

  /** Answers the first update with a fault. */
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

  /** Runs the job until an attempt ends without unfinished findings, and then its follow-up jobs. */
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

  test('is waited for while it makes the resource not ready', async () => {
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

  test("that fails is a failure with AWS's message, and nothing is unconfirmed", async () => {
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
