import { isDeepStrictEqual } from 'node:util';
import { afterAll, beforeAll, describe, expect, inject, test, vi } from 'vitest';
import type { Sessions } from '../../../lambdas/remediator/session.ts';
import { type LibraryRule, readLibrary } from '../../../scripts/library/compile.ts';
import { AccountBuilder } from '../../lab/accounts/account-builder.ts';
import { type AutomationSimulation, startAutomation } from '../../lab/automation/index.ts';
import { type AwsProxy, startAwsProxy } from '../../lab/aws-proxy/index.ts';
import { type CloudControlSimulation, startCloudControl } from '../../lab/cloud-control/index.ts';
import { libraryCases } from '../../lab/library/index.ts';
import { PermissionJudge } from '../../lab/permissions/index.ts';
import type { Site } from '../../lab/rules/index.ts';
import { freshAccount } from '../harness/product.ts';
import { REGION, Remediation } from './remediation.ts';
import { startTarget } from './remediator-sessions.ts';

const endpoint = inject('localAwsEndpoint');
const security = freshAccount();
const target = freshAccount();
const EXTERNAL_ID = 'library';
const role = `arn:aws:iam::${target}:role/cspm-remediation`;
const automationRole = `arn:aws:iam::${target}:role/cspm-automation`;

const library = await readLibrary();
const byCalls = library.filter(({ definition }) => definition.desired_state !== undefined);
const byDocument = library.filter(({ definition }) => definition.runbook !== undefined);

let proxy: AwsProxy;
let judge: PermissionJudge;
let cloudControl: CloudControlSimulation;
let automation: AutomationSimulation;
let sessions: Sessions;
let made = 0;

beforeAll(async () => {
  proxy = await startAwsProxy({ upstream: () => endpoint });
  judge = new PermissionJudge({ upstream: () => endpoint, organizations: {} });
  proxy.intercept(judge.intercept);
  cloudControl = startCloudControl({ proxy, handlerMilliseconds: 0 });
  automation = startAutomation({ proxy, upstream: () => endpoint, stepMilliseconds: 1 });
  sessions = await startTarget({
    endpoint,
    proxy: proxy.endpoint,
    security,
    target,
    externalId: EXTERNAL_ID,
    variables: {
      rules: library.map(({ id }) => id),
    },
  });
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await automation.stop();
  await cloudControl.stop();
  await proxy.stop();
});

interface Violation extends Site {
  readonly remediation: Remediation;
  readonly isViolated: () => Promise<boolean>;
}

async function violate({ id, definition }: LibraryRule): Promise<Violation> {
  const labCase = libraryCases[id];
  if (labCase === undefined) throw new Error(`the lab has no case of ${id}`);
  made += 1;
  const builder = new AccountBuilder(endpoint, target);
  const site: Site = { builder, region: REGION, name: `library-${target}-${made}` };
  const resource = await labCase.make(site);
  const remediation = new Remediation({ sessions, account: target, rule: id, resource, definition });
  return { ...site, remediation, isViolated: () => labCase.isViolated(site, resource) };
}

type Kind = 'read' | 'write' | 'undo';
const actionsOf = ({ definition }: LibraryRule, kind: Kind): string[] => [
  ...new Set(definition.permissions[kind].flatMap(({ actions }) => actions)),
];

/** Actions that are only used for slow requests: below, they are withheld for one rule and a request that is held. */
const SOMETIMES = new Set([
  'cloudformation:CancelResourceRequest',
  'cloudformation:GetResourceRequestStatus',
]);
const denied = (action: string): string => `is not authorized to perform: ${action}`;

/** Permissions of each rule: those that two rules share are withheld once. */
const needs = library.map(({ definition }) => JSON.stringify(definition.permissions));
const isRepetition = (rule: LibraryRule): boolean => {
  const place = library.indexOf(rule);
  return needs.indexOf(needs[place] ?? '') < place;
};

describe.each(byCalls)('$id', (rule) => {
  test('is planned, enforced, verified and undone, and uses the permissions that it declares', async () => {
    judge.clear();
    const { remediation, isViolated } = await violate(rule);
    expect(await isViolated()).toBe(true);

    const planned = await remediation.dryRun();
    expect(planned).toMatchObject({ outcome: 'planned', applied: [] });
    expect(await isViolated()).toBe(true);

    const enforced = await remediation.enforce();
    expect(enforced).toMatchObject({ outcome: 'remediated', plan: planned.plan });
    expect(await isViolated()).toBe(false);

    expect(await remediation.undo()).toMatchObject({ outcome: 'undone' });
    expect(await isViolated()).toBe(true);

    expect(judge.denials).toEqual([]);
    expect(judge.unknownCalls).toEqual([]);
    const asked = new Set(judge.verdicts.flatMap(({ role: by, action }) => (by === role ? action : [])));
    const declared = (['read', 'write', 'undo'] as const).flatMap((kind) => actionsOf(rule, kind));
    expect(declared.filter((action) => !asked.has(action) && !SOMETIMES.has(action))).toEqual([]);
  });

  if (isRepetition(rule)) return;

  const reads = actionsOf(rule, 'read');
  const isReadBefore = library
    .slice(0, library.indexOf(rule))
    .some(({ definition }) =>
      isDeepStrictEqual(definition.permissions.read, rule.definition.permissions.read),
    );
  const taken = (kind: Kind): string[] =>
    actionsOf(rule, kind).filter(
      (action) => !SOMETIMES.has(action) && (kind === 'read' || !reads.includes(action)),
    );

  test.each(isReadBefore ? [] : taken('read'))('a dry run fails without %s, and says so', async (action) => {
    const { remediation } = await violate(rule);
    using _ = judge.withhold(role, action);

    const outcome = await remediation.dryRun();

    expect(outcome).toMatchObject({ outcome: 'failed', reason: expect.stringContaining(denied(action)) });
  });

  test.each(taken('write'))('enforcement fails without %s, and says so', async (action) => {
    const { remediation, isViolated } = await violate(rule);
    using _ = judge.withhold(role, action);

    const outcome = await remediation.enforce();

    expect(outcome).toMatchObject({ outcome: 'failed', reason: expect.stringContaining(denied(action)) });
    expect(await isViolated()).toBe(true);
  });

  test.each(taken('undo'))('an undo fails without %s, and says so', async (action) => {
    const { remediation, isViolated } = await violate(rule);
    await remediation.enforce();
    using _ = judge.withhold(role, action);

    const outcome = await remediation.undo();

    expect(outcome).toMatchObject({
      outcome: 'undo_refused',
      reason: expect.stringContaining(denied(action)),
    });
    expect(await isViolated()).toBe(false);
  });
});

describe.each(byDocument)('$id', (rule) => {
  test('is planned, and enforced by its document', async () => {
    const { remediation, isViolated } = await violate(rule);

    expect(await remediation.dryRun('runbook')).toMatchObject({ outcome: 'planned' });
    expect(await isViolated()).toBe(true);
    const outcome = await remediation.enforceByRunbook(automation);

    expect(outcome).toMatchObject({ outcome: 'remediated', reason: expect.stringContaining('Success') });
    expect(await isViolated()).toBe(false);
  });

  const calls = rule.definition.permissions.automation.flatMap(({ actions }) => actions);
  test.each(calls)('the document fails without %s, and the outcome says so', async (action) => {
    const { remediation } = await violate(rule);
    using _ = judge.withhold(automationRole, action);

    const outcome = await remediation.enforceByRunbook(automation);

    expect(outcome).toMatchObject({ outcome: 'failed', reason: expect.stringContaining(denied(action)) });
  });
});

describe('answers of Cloud Control', () => {
  const rule = byCalls.find(({ id }) => id === 'rds-instance-public') ?? byCalls[0];
  if (rule === undefined) throw new Error('the library is empty');

  test('a resource whose model does not validate, regardless of the patch, fails with the reason of Cloud Control', async () => {
    const { remediation, name } = await violate(rule);
    cloudControl.artefacts.set(name, { NoSuchProperty: 'an artefact' });

    const outcome = await remediation.enforce();

    expect(outcome).toMatchObject({
      outcome: 'failed',
      reason: expect.stringContaining('Model validation failed'),
      applied: [],
    });
  });

  test('without cloudformation:GetResourceRequestStatus a slow request cannot be followed, and the outcome says so', async () => {
    const { remediation } = await violate(rule);
    cloudControl.hold();
    using _ = judge.withhold(role, 'cloudformation:GetResourceRequestStatus');

    const outcome = await remediation.enforce().finally(() => cloudControl.release());

    expect(outcome).toMatchObject({
      outcome: 'failed',
      reason: expect.stringContaining(denied('cloudformation:GetResourceRequestStatus')),
    });
  });

  test('without cloudformation:CancelResourceRequest a pause cannot cancel a request, and the outcome says so', async () => {
    const { remediation } = await violate(rule);
    const before = cloudControl.requests.length;
    remediation.pause = () => (cloudControl.requests.length > before ? 'all' : 'none');
    cloudControl.hold();
    using _ = judge.withhold(role, 'cloudformation:CancelResourceRequest');

    const outcome = await remediation.enforce().finally(() => cloudControl.release());

    expect(outcome).toMatchObject({
      outcome: 'failed',
      reason: expect.stringContaining(denied('cloudformation:CancelResourceRequest')),
    });
  });

  test('a resource of a stack is not applicable', async () => {
    const { remediation, name } = await violate(rule);
    cloudControl.stacks.set(name, { stack: 'shop', type: 'AWS::RDS::DBInstance' });

    expect(await remediation.enforce()).toMatchObject({ outcome: 'not_applicable' });
  });

  test.each([
    ['AccessDenied', 'failed'],
    ['ResourceConflict', 'deferred'],
    ['NotStabilized', 'deferred'],
    ['ServiceInternalError', 'failed'],
  ])('a handler that ends with %s: %s', async (code, outcome) => {
    const { remediation } = await violate(rule);
    cloudControl.fail(code, 'by test');

    expect(await remediation.enforce()).toMatchObject({ outcome, applied: [] });
  });

  test.each(['ConcurrentModificationException', 'ConcurrentOperationException'])(
    '%s defers the finding',
    async (error) => {
      const { remediation } = await violate(rule);
      const fault = proxy.inject({
        service: 'cloudcontrolapi',
        operation: 'UpdateResource',
        times: 1,
        effect: { error, status: 400 },
      });

      expect(await remediation.enforce()).toMatchObject({ outcome: 'deferred', applied: [] });
      fault.remove();
    },
  );

  test('an update that AWS throttles is repeated', async () => {
    const { remediation, isViolated } = await violate(rule);
    const fault = proxy.inject({
      service: 'cloudcontrolapi',
      operation: 'UpdateResource',
      times: 2,
      effect: { error: 'ThrottlingException', status: 400 },
    });

    expect(await remediation.enforce()).toMatchObject({ outcome: 'remediated', applied: [{}] });
    expect(fault.hits).toBe(2);
    expect(await isViolated()).toBe(false);
    fault.remove();
  });
});
