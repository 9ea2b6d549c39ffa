import {
  CloudFormationClient,
  CreateStackCommand,
  CreateStackInstancesCommand,
  type CreateStackInstancesInput,
  CreateStackSetCommand,
  type CreateStackSetInput,
  DeleteStackInstancesCommand,
  type DeleteStackInstancesInput,
  DeleteStackSetCommand,
  type DeploymentTargets,
  DescribeStackInstanceCommand,
  DescribeStackSetCommand,
  DescribeStackSetOperationCommand,
  ListStackInstancesCommand,
  ListStackSetOperationResultsCommand,
  ListStackSetsCommand,
  paginateListStackInstances,
  type StackInstanceSummary,
  type StackSetOperationPreferences,
  UpdateStackInstancesCommand,
  UpdateStackSetCommand,
  type UpdateStackSetInput,
} from '@aws-sdk/client-cloudformation';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { z } from 'zod';
import { errorOf, REGION, through } from '../aws-proxy/clients.ts';
import { type AwsProxy, startAwsProxy } from '../aws-proxy/index.ts';
import {
  type Answer,
  queryError,
  type ReceivedCall,
  type ScriptedAws,
  scriptedAws,
  xmlAnswer,
} from '../scripted-aws/scripted-aws.ts';
import { Organization, type OrganizationOptions, type StackSetsSimulation, startStackSets } from './index.ts';

const MANAGEMENT = '999999999999';
const DELEGATED = '111111111111';
const MEMBER = '888888888888';
const NAME = 'roles';
const ROOT = 'r-a1b2';
const UNIT = 'ou-a1b2-workloads';
/** A unit within the unit. */
const NESTED = 'ou-a1b2-production';
const OTHER_UNIT = 'ou-a1b2-sandboxes';
const [A, B, C, D] = ['222222222222', '333333333333', '444444444444', '555555555555'] as const;

const ORGANIZATION: OrganizationOptions = {
  id: 'o-a1b2c3d4e5',
  root: ROOT,
  managementAccount: MANAGEMENT,
  delegatedAdministrators: [DELEGATED],
  units: { [UNIT]: ROOT, [NESTED]: UNIT, [OTHER_UNIT]: ROOT },
  accounts: {
    [MANAGEMENT]: UNIT,
    [DELEGATED]: ROOT,
    [MEMBER]: ROOT,
    ...{ [A]: UNIT, [B]: UNIT, [C]: NESTED, [D]: OTHER_UNIT },
  },
};

const template = (roleName: string | undefined = 'remediation', description = 'first'): string =>
  JSON.stringify({
    Resources: {
      Role: { Type: 'AWS::IAM::Role', Properties: { RoleName: roleName, Description: description } },
    },
  });
const templateSchema = z.object({
  Resources: z.object({ Role: z.object({ Properties: z.object({ RoleName: z.string().optional() }) }) }),
});

interface Stack {
  readonly name: string;
  readonly account: string;
  template: string;
  status: string;
}

/** Accounts with stacks and roles, as in the local AWS. */
interface MemberAccounts {
  readonly stacks: Map<string, Stack>;
  /** Tags of roles by account and name, `222222222222 remediation`. */
  readonly roles: Map<string, Map<string, string>>;
  /** Accounts in which stacks cannot be created. */
  readonly failing: Set<string>;
  /** Accounts in which no stack can be deleted. */
  readonly undeletable: Set<string>;
  /** True while stacks are being created, and none is finished. */
  isHeld: boolean;
}

let members: MemberAccounts;
let upstream: ScriptedAws;
let proxy: AwsProxy;
let organization: Organization;
let stackSets: StackSetsSimulation;

function answer({ form, headers }: ReceivedCall): Answer {
  const account = /Credential=(\d+)/.exec(headers.authorization ?? '')?.[1] ?? '';
  const action = form.get('Action') ?? '';
  const result = (body: string): Answer =>
    xmlAnswer(`<${action}Response><${action}Result>${body}</${action}Result></${action}Response>`);
  const id = form.get('StackName') ?? '';
  const stack = members.stacks.get(id);
  const roleKey = `${account} ${form.get('RoleName')}`;
  const role = members.roles.get(roleKey);
  switch (action) {
    case 'CreateStack': {
      const made = { name: id, account, template: form.get('TemplateBody') ?? '', status: 'CREATE_COMPLETE' };
      if (members.failing.has(account)) made.status = 'CREATE_FAILED';
      else members.roles.set(`${account} ${roleIn(made.template)}`, new Map());
      const key = `arn:aws:cloudformation:${REGION}:${account}:stack/${id}/1`;
      members.stacks.set(key, made);
      return result(`<StackId>${key}</StackId>`);
    }
    case 'UpdateStack':
      if (stack === undefined) return queryError('ValidationError');
      stack.template = form.get('TemplateBody') ?? '';
      stack.status = 'UPDATE_COMPLETE';
      return result(`<StackId>${id}</StackId>`);
    case 'DeleteStack':
      if (stack === undefined) return result('');
      stack.status = 'DELETE_FAILED';
      if (members.undeletable.has(account)) return result('');
      members.stacks.delete(id);
      members.roles.delete(`${account} ${roleIn(stack.template)}`);
      return result('');
    case 'DescribeStacks': {
      if (stack === undefined) return queryError('ValidationError');
      const status = members.isHeld ? 'CREATE_IN_PROGRESS' : stack.status;
      return result(
        `<Stacks><member><StackName>${stack.name}</StackName><StackStatus>${status}</StackStatus></member></Stacks>`,
      );
    }
    case 'DescribeStackEvents':
      return result(
        `<StackEvents><member><LogicalResourceId>Role</LogicalResourceId><ResourceType>AWS::IAM::Role</ResourceType><ResourceStatus>${stack?.status}</ResourceStatus><ResourceStatusReason>no way</ResourceStatusReason></member></StackEvents>`,
      );
    case 'DescribeStackResources':
      return result(
        `<StackResources><member><ResourceType>AWS::IAM::Role</ResourceType><PhysicalResourceId>${roleIn(stack?.template ?? '')}</PhysicalResourceId></member></StackResources>`,
      );
    case 'GetRole':
      if (role === undefined) return queryError('NoSuchEntity', 404);
      return result('<Role><Arn>arn</Arn></Role>');
    case 'ListRoleTags': {
      const tags = [...(role ?? [])].map(
        ([key, value]) => `<member><Key>${key}</Key><Value>${value}</Value></member>`,
      );
      return result(`<Tags>${tags.join('')}</Tags>`);
    }
    case 'TagRole':
      for (let at = 1; form.has(`Tags.member.${at}.Key`); at++) {
        role?.set(form.get(`Tags.member.${at}.Key`) ?? '', form.get(`Tags.member.${at}.Value`) ?? '');
      }
      return result('');
    case 'UntagRole':
      role?.delete(form.get('TagKeys.member.1') ?? '');
      return result('');
    default:
      return queryError('InvalidAction');
  }
}

function roleIn(body: string): string {
  return templateSchema.parse(JSON.parse(body)).Resources.Role.Properties.RoleName ?? 'generated';
}

async function start(options: Partial<OrganizationOptions> = {}): Promise<void> {
  organization = new Organization({ ...ORGANIZATION, ...options });
  stackSets = startStackSets({ proxy, organization, lookMilliseconds: 1 });
}

beforeEach(async () => {
  members = {
    stacks: new Map(),
    roles: new Map(),
    failing: new Set(),
    undeletable: new Set(),
    isHeld: false,
  };
  upstream = await scriptedAws(answer);
  proxy = await startAwsProxy({ upstream: () => upstream.endpoint });
  await start();
});
afterEach(async () => {
  members.isHeld = false;
  await stackSets.stop();
  await proxy.stop();
  await upstream[Symbol.asyncDispose]();
});

const client = (account = MANAGEMENT): CloudFormationClient =>
  new CloudFormationClient(through(proxy, account));

const create = (input: Partial<CreateStackSetInput> = {}, account = MANAGEMENT) =>
  client(account).send(
    new CreateStackSetCommand({
      StackSetName: NAME,
      PermissionModel: 'SERVICE_MANAGED',
      TemplateBody: template(),
      Capabilities: ['CAPABILITY_NAMED_IAM'],
      AutoDeployment: { Enabled: true, RetainStacksOnAccountRemoval: false },
      ManagedExecution: { Active: true },
      ...input,
    }),
  );

const deploy = (input: Partial<CreateStackInstancesInput> = {}) =>
  client().send(
    new CreateStackInstancesCommand({
      StackSetName: NAME,
      DeploymentTargets: { OrganizationalUnitIds: [UNIT] },
      Regions: [REGION],
      ...input,
    }),
  );

const takeAway = (input: Partial<DeleteStackInstancesInput> = {}) =>
  client().send(
    new DeleteStackInstancesCommand({
      StackSetName: NAME,
      DeploymentTargets: { OrganizationalUnitIds: [UNIT] },
      Regions: [REGION],
      RetainStacks: false,
      ...input,
    }),
  );

const update = (input: Partial<UpdateStackSetInput> = {}) =>
  client().send(
    new UpdateStackSetCommand({
      StackSetName: NAME,
      TemplateBody: template('remediation', 'second'),
      Capabilities: ['CAPABILITY_NAMED_IAM'],
      ...input,
    }),
  );

const deleteStackSet = () => client().send(new DeleteStackSetCommand({ StackSetName: NAME }));

/** Waits for an operation to end. @returns its result */
async function endOf(operation: Promise<{ OperationId?: string | undefined }>) {
  const { OperationId } = await operation;
  await stackSets.idle();
  const { StackSetOperation } = await client().send(
    new DescribeStackSetOperationCommand({ StackSetName: NAME, OperationId }),
  );
  const { Summaries = [] } = await client().send(
    new ListStackSetOperationResultsCommand({ StackSetName: NAME, OperationId }),
  );
  return {
    status: StackSetOperation?.Status,
    results: Object.fromEntries(Summaries.map(({ Account, Status }) => [Account, Status])),
    reasons: Object.fromEntries(Summaries.map(({ Account, StatusReason }) => [Account, StatusReason])),
  };
}

async function instances(): Promise<StackInstanceSummary[]> {
  const { Summaries = [] } = await client().send(new ListStackInstancesCommand({ StackSetName: NAME }));
  return Summaries;
}

/** The accounts that have a stack, in order. */
const accounts = (): string[] => [...members.stacks.values()].map(({ account }) => account).sort();

describe('who may have StackSets', () => {
  test.each([
    ['the management account', MANAGEMENT, undefined],
    ['the management account', MANAGEMENT, 'SELF'],
    ['a delegated administrator', DELEGATED, 'DELEGATED_ADMIN'],
  ] as const)('%s (%s, call as %s)', async (_, account, CallAs) => {
    const { StackSetId } = await create({ CallAs }, account);
    const { StackSet } = await client(account).send(
      new DescribeStackSetCommand({ StackSetName: NAME, CallAs }),
    );

    expect(StackSet).toMatchObject({
      StackSetId,
      StackSetARN: `arn:aws:cloudformation:${REGION}:${MANAGEMENT}:stackset/${StackSetId}`,
      Status: 'ACTIVE',
      PermissionModel: 'SERVICE_MANAGED',
      TemplateBody: template(),
      Capabilities: ['CAPABILITY_NAMED_IAM'],
      AutoDeployment: { Enabled: true, RetainStacksOnAccountRemoval: false },
      ManagedExecution: { Active: true },
    });
  });

  test.each([
    [DELEGATED, 'SELF', 'You must be the management account or delegated admin account'],
    [MEMBER, 'SELF', 'You must be the management account or delegated admin account'],
    [MEMBER, 'DELEGATED_ADMIN', 'Account used is not a delegated administrator'],
    [MANAGEMENT, 'DELEGATED_ADMIN', 'Account used is not a delegated administrator'],
  ] as const)('not %s, call as %s', async (account, CallAs, message) => {
    const refused = await errorOf(create({ CallAs }, account));
    expect(refused.name).toBe('ValidationError');
    expect(refused.message).toContain(message);

    await create();
    const command = new DescribeStackSetCommand({ StackSetName: NAME, CallAs });
    expect((await errorOf(client(account).send(command))).name).toBe(
      CallAs === 'SELF' ? 'StackSetNotFoundException' : 'ValidationError',
    );
  });

  test("a delegated administrator sees the management account's StackSets, and can delete them for both", async () => {
    await create();
    const asDelegated = { StackSetName: NAME, CallAs: 'DELEGATED_ADMIN' } as const;

    await client(DELEGATED).send(new DescribeStackSetCommand(asDelegated));
    expect((await errorOf(create({ CallAs: 'DELEGATED_ADMIN' }, DELEGATED))).name).toBe(
      'NameAlreadyExistsException',
    );
    await client(DELEGATED).send(new DeleteStackSetCommand(asDelegated));
    expect((await errorOf(client().send(new DescribeStackSetCommand({ StackSetName: NAME })))).name).toBe(
      'StackSetNotFoundException',
    );
  });

  test('nobody before trusted access is activated', async () => {
    await stackSets.stop();
    await start({ trustedAccess: false });

    expect((await errorOf(create())).message).toContain('You must enable organizations access');
  });
});

describe('the template', () => {
  test.each([
    [template(), [], 'Requires capabilities : [CAPABILITY_NAMED_IAM]'],
    [template(), ['CAPABILITY_IAM'], 'Requires capabilities : [CAPABILITY_NAMED_IAM]'],
    [template().replace('RoleName', 'Path'), [], 'Requires capabilities : [CAPABILITY_IAM]'],
  ] as const)('is refused without its capabilities (%#)', async (TemplateBody, Capabilities, message) => {
    expect(await errorOf(create({ TemplateBody, Capabilities: [...Capabilities] }))).toMatchObject({
      name: 'InsufficientCapabilitiesException',
      message,
    });
    await create();
    expect((await errorOf(update({ TemplateBody, Capabilities: [...Capabilities] }))).name).toBe(
      'InsufficientCapabilitiesException',
    );
  });

  const tagsNow = async () =>
    (await client().send(new DescribeStackSetCommand({ StackSetName: NAME }))).StackSet?.Tags;

  test('is deployed to each account unchanged, and its roles have the tags', async () => {
    await create({ Tags: [{ Key: 'team', Value: 'security <& audit>' }] });
    await endOf(deploy());

    expect(await tagsNow()).toEqual([{ Key: 'team', Value: 'security <& audit>' }]);
    expect([...members.stacks.values()].map((stack) => stack.template)).toEqual([
      template(),
      template(),
      template(),
    ]);
    expect(Object.fromEntries(members.roles.get(`${A} remediation`) ?? [])).toEqual({
      team: 'security <& audit>',
    });
  });

  test('is updated in every account, with new tags instead of the former ones', async () => {
    await create({ Tags: [{ Key: 'team', Value: 'security' }] });
    await endOf(deploy());

    const { status } = await endOf(update({ Tags: [{ Key: 'owner', Value: 'platform' }] }));

    expect(status).toBe('SUCCEEDED');
    expect(accounts()).toEqual([A, B, C]);
    for (const stack of members.stacks.values()) expect(stack.template).toContain('second');
    expect(Object.fromEntries(members.roles.get(`${C} remediation`) ?? [])).toEqual({ owner: 'platform' });
  });

  test('keeps its tags after an update without tags, and loses them after one with none', async () => {
    await create({ Tags: [{ Key: 'team', Value: 'security' }] });

    await endOf(update());
    expect(await tagsNow()).toEqual([{ Key: 'team', Value: 'security' }]);
    await endOf(update({ Tags: [] }));
    expect(await tagsNow()).toEqual([]);
  });
});

describe('the targets', () => {
  beforeEach(async () => {
    await create();
  });

  test.each<[string, DeploymentTargets, readonly string[]]>([
    ['all accounts of a unit and of the units in it', { OrganizationalUnitIds: [UNIT] }, [A, B, C]],
    ['the accounts of a unit within another', { OrganizationalUnitIds: [NESTED] }, [C]],
    ['the accounts of several units', { OrganizationalUnitIds: [NESTED, OTHER_UNIT] }, [C, D]],
    ['the accounts of the root', { OrganizationalUnitIds: [ROOT] }, [DELEGATED, A, B, C, D, MEMBER]],
    ['NONE: all', { OrganizationalUnitIds: [UNIT], AccountFilterType: 'NONE' }, [A, B, C]],
    [
      'INTERSECTION: those that are named and in the unit',
      { OrganizationalUnitIds: [UNIT], AccountFilterType: 'INTERSECTION', Accounts: [B, D, MANAGEMENT] },
      [B],
    ],
    [
      'DIFFERENCE: all but those that are named',
      { OrganizationalUnitIds: [UNIT], AccountFilterType: 'DIFFERENCE', Accounts: [B] },
      [A, C],
    ],
  ])('%s, and never the management account', async (_, DeploymentTargets, expected) => {
    const { status, results } = await endOf(deploy({ DeploymentTargets }));

    expect(status).toBe('SUCCEEDED');
    expect(Object.keys(results).sort()).toEqual([...expected].sort());
    expect(accounts()).toEqual([...expected].sort());
    expect((await instances()).map(({ Account, Status }) => [Account, Status]).sort()).toEqual(
      [...expected].sort().map((account) => [account, 'CURRENT']),
    );
  });

  test.each<[string, Partial<CreateStackInstancesInput>, string]>([
    [
      'accounts without a unit',
      { DeploymentTargets: undefined, Accounts: [A] },
      'can only have OrganizationalUnit',
    ],
    [
      'UNION',
      { DeploymentTargets: { OrganizationalUnitIds: [UNIT], Accounts: [D], AccountFilterType: 'UNION' } },
      'UNION is not supported',
    ],
    [
      'accounts without a filter',
      { DeploymentTargets: { OrganizationalUnitIds: [UNIT], Accounts: [A] } },
      'AccountFilterType must be specified',
    ],
    ['an unknown unit', { DeploymentTargets: { OrganizationalUnitIds: ['ou-a1b2-nowhere0'] } }, 'not found'],
    [
      'something other than a unit',
      { DeploymentTargets: { OrganizationalUnitIds: [A] } },
      'validation error',
    ],
  ])('%s are refused', async (_, input, message) => {
    const refused = await errorOf(deploy(input));

    expect(refused.name).toBe('ValidationError');
    expect(refused.message).toContain(message);
    expect(accounts()).toEqual([]);
  });

  test("instances can't be updated by a unit's id instead of an account's", async () => {
    const command = new UpdateStackInstancesCommand({
      StackSetName: NAME,
      Accounts: [UNIT],
      Regions: [REGION],
    });

    const refused = await errorOf(client().send(command));

    expect(refused.name).toBe('ValidationError');
    expect(refused.message).toContain("1 validation error detected: at 'Accounts.0'");
  });

  test('instances are listed by account and region, and page by page', async () => {
    await endOf(deploy({ Regions: [REGION, 'us-east-1'] }));
    const found: (string | undefined)[] = [];
    for await (const { Summaries = [] } of paginateListStackInstances(
      { client: client(), pageSize: 2 },
      { StackSetName: NAME, StackInstanceRegion: 'us-east-1' },
    )) {
      expect(Summaries.length).toBeLessThanOrEqual(2);
      found.push(...Summaries.map(({ Account }) => Account));
    }
    const asked = { StackSetName: NAME, StackInstanceRegion: REGION };
    const { StackInstance } = await client().send(
      new DescribeStackInstanceCommand({ ...asked, StackInstanceAccount: A }),
    );

    expect(found).toEqual([A, B, C]);
    expect(StackInstance).toMatchObject({ Account: A, Region: REGION, OrganizationalUnitId: UNIT });
    expect(
      (await errorOf(client().send(new DescribeStackInstanceCommand({ ...asked, StackInstanceAccount: D }))))
        .name,
    ).toBe('StackInstanceNotFoundException');
  });
});

describe('an account that', () => {
  test('joins a target gets a stack, also in a nested unit, and counts as part of the target', async () => {
    await create();
    await endOf(deploy());

    organization.move(D, NESTED);
    organization.move('666666666666', UNIT);
    await stackSets.idle();

    expect(accounts()).toEqual([A, B, C, D, '666666666666']);
    expect((await instances()).map(({ OrganizationalUnitId }) => OrganizationalUnitId)).toEqual(
      Array.from({ length: 5 }, () => UNIT),
    );
    expect(organization.membership['666666666666']).toBe(ORGANIZATION.id);
  });

  test('joins gets one even if the filter of the target excludes it, as AWS documents', async () => {
    await create();
    await endOf(
      deploy({
        DeploymentTargets: { OrganizationalUnitIds: [UNIT], AccountFilterType: 'DIFFERENCE', Accounts: [D] },
      }),
    );

    organization.move(D, UNIT);
    await stackSets.idle();

    expect(accounts()).toEqual([A, B, C, D]);
  });

  test('leaves loses its stack, whether it stays in the organization or not', async () => {
    await create();
    await endOf(deploy());

    organization.move(A, OTHER_UNIT);
    organization.remove(C);
    await stackSets.idle();

    expect(accounts()).toEqual([B]);
    expect((await instances()).map(({ Account }) => Account)).toEqual([B]);
    expect(organization.membership[C]).toBeUndefined();
  });

  test('leaves keeps its stack if stacks are retained, but is no longer an instance', async () => {
    await create({ AutoDeployment: { Enabled: true, RetainStacksOnAccountRemoval: true } });
    await endOf(deploy());

    organization.move(A, ROOT);
    await stackSets.idle();

    expect(accounts()).toEqual([A, B, C]);
    expect((await instances()).map(({ Account }) => Account)).toEqual([B, C]);
  });

  test('joins and leaves before the operation starts gets none', async () => {
    await create();
    members.isHeld = true;
    await deploy();
    organization.move(D, UNIT);
    organization.move(D, ROOT);
    members.isHeld = false;
    await stackSets.idle();

    expect(accounts()).toEqual([A, B, C]);
  });

  test('moves from one target to another, or within one, keeps its stack', async () => {
    await create();
    await endOf(deploy({ DeploymentTargets: { OrganizationalUnitIds: [UNIT, OTHER_UNIT] } }));
    const before = (await instances()).map(({ StackId }) => StackId);

    organization.move(A, NESTED);
    organization.move(B, OTHER_UNIT);
    await stackSets.idle();

    expect((await instances()).map(({ StackId }) => StackId)).toEqual(before);
    expect((await instances()).find(({ Account }) => Account === B)?.OrganizationalUnitId).toBe(OTHER_UNIT);
  });

  test('is excluded by a filter gets none by moving within the target', async () => {
    await create();
    await endOf(
      deploy({
        DeploymentTargets: { OrganizationalUnitIds: [UNIT], AccountFilterType: 'DIFFERENCE', Accounts: [A] },
      }),
    );

    organization.move(A, NESTED);
    await stackSets.idle();

    expect(accounts()).toEqual([B, C]);
  });

  test('joins or leaves without automatic deployment changes nothing', async () => {
    await create({ AutoDeployment: { Enabled: false } });
    await endOf(deploy());

    organization.move(D, UNIT);
    organization.move(A, ROOT);
    await stackSets.idle();

    expect(accounts()).toEqual([A, B, C]);
  });

  test('is the management account gets no stack in any unit', async () => {
    await create();
    await endOf(deploy());

    organization.move(MANAGEMENT, OTHER_UNIT);
    organization.move(MANAGEMENT, NESTED);
    await stackSets.idle();

    expect(accounts()).toEqual([A, B, C]);
  });

  test('joins a unit that is no longer a target gets no stack', async () => {
    await create();
    await endOf(deploy());
    await endOf(takeAway());

    organization.move(D, UNIT);
    await stackSets.idle();

    expect(accounts()).toEqual([]);
  });
});

describe('an account that fails', () => {
  beforeEach(async () => {
    await create();
  });

  test('fails the operation, and later accounts are left alone', async () => {
    members.failing.add(A);

    const { status, results, reasons } = await endOf(deploy());

    expect(status).toBe('FAILED');
    expect(results).toEqual({ [A]: 'FAILED', [B]: 'CANCELLED', [C]: 'CANCELLED' });
    expect(reasons[A]).toBe(
      'ResourceLogicalId:Role, ResourceType:AWS::IAM::Role, ResourceStatusReason:no way',
    );
    expect(accounts()).toEqual([]);
    expect((await instances()).map((one) => [one.Account, one.Status, one.StackInstanceStatus])).toEqual([
      [A, 'OUTDATED', { DetailedStatus: 'FAILED' }],
      [B, 'OUTDATED', { DetailedStatus: 'CANCELLED' }],
      [C, 'OUTDATED', { DetailedStatus: 'CANCELLED' }],
    ]);
  });

  test.each<[StackSetOperationPreferences, string, readonly string[]]>([
    [{ FailureToleranceCount: 0 }, 'FAILED', [A]],
    [{ FailureToleranceCount: 1 }, 'SUCCEEDED', [A, C]],
    // For three accounts: 0.99, which is none, and 1.02, which is one.
    [{ FailureTolerancePercentage: 33 }, 'FAILED', [A]],
    [{ FailureTolerancePercentage: 34 }, 'SUCCEEDED', [A, C]],
  ])('is tolerated according to the preferences: %j', async (OperationPreferences, expected, done) => {
    members.failing.add(B);

    const { status, results } = await endOf(deploy({ OperationPreferences }));

    expect(status).toBe(expected);
    expect(results[B]).toBe('FAILED');
    expect(accounts()).toEqual(done);
  });

  test('lets running deployments finish, but no others start', async () => {
    // Fails at once, while the next one is held.
    members.roles.set(`${A} remediation`, new Map());
    members.isHeld = true;
    const operation = deploy({
      OperationPreferences: { MaxConcurrentCount: 2, ConcurrencyMode: 'SOFT_FAILURE_TOLERANCE' },
    });
    await vi.waitFor(
      async () => {
        expect((await instances())[0]?.StackInstanceStatus?.DetailedStatus).toBe('FAILED');
        expect(accounts()).toEqual([B]);
      },
      { timeout: 15_000 },
    );
    members.isHeld = false;

    expect(await endOf(operation)).toMatchObject({
      status: 'FAILED',
      results: { [A]: 'FAILED', [B]: 'SUCCEEDED', [C]: 'CANCELLED' },
    });
    expect(accounts()).toEqual([B]);
  });

  test('because it has a role of that name keeps this role', async () => {
    members.roles.set(`${B} remediation`, new Map([['made', 'by hand']]));

    const { reasons } = await endOf(deploy({ OperationPreferences: { FailureToleranceCount: 1 } }));

    expect(reasons[B]).toContain('remediation already exists');
    expect(accounts()).toEqual([A, C]);
    expect(members.roles.get(`${B} remediation`)?.get('made')).toBe('by hand');
  });

  test('gets its stack when the operation is attempted again', async () => {
    members.failing.add(A);
    await endOf(deploy());
    members.failing.clear();

    const { status } = await endOf(update());

    expect(status).toBe('SUCCEEDED');
    expect(accounts()).toEqual([A, B, C]);
  });

  test('to delete its stack is inoperable, and left out of updates', async () => {
    await endOf(deploy());
    members.undeletable.add(B);

    const deleted = await endOf(takeAway({ OperationPreferences: { FailureToleranceCount: 1 } }));
    const updated = await endOf(update());

    expect(deleted).toMatchObject({
      status: 'SUCCEEDED',
      results: { [A]: 'SUCCEEDED', [B]: 'FAILED', [C]: 'SUCCEEDED' },
    });
    expect(await instances()).toMatchObject([{ Account: B, Status: 'INOPERABLE' }]);
    expect(updated.results).toEqual({});
    // The solution that AWS documents.
    await endOf(takeAway({ RetainStacks: true }));
    expect(await instances()).toEqual([]);
  });

  test('may also be due to a fault before a call', async () => {
    proxy.inject({ service: 'cloudformation', operation: 'CreateStack', account: A, effect: 'denied' });

    expect((await endOf(deploy())).results[A]).toBe('FAILED');
  });
});

describe('an operation', () => {
  /** Counts the stacks that start before the first one is finished. */
  async function begunAtOnce(OperationPreferences: StackSetOperationPreferences): Promise<number> {
    await create();
    members.isHeld = true;
    const looksAt = (account: string) =>
      upstream.calls.filter(
        ({ form, headers }) =>
          form.get('Action') === 'DescribeStacks' && headers.authorization?.includes(`=${account}/`) === true,
      ).length;
    const operation = deploy({ OperationPreferences });
    // By then all that can start have started.
    await vi.waitFor(() => expect(Math.max(...[A, B, C].map(looksAt))).toBeGreaterThan(20), {
      timeout: 15_000,
      interval: 5,
    });
    const begun = accounts().length;
    members.isHeld = false;
    expect((await endOf(operation)).status).toBe('SUCCEEDED');
    return begun;
  }

  test.each<[StackSetOperationPreferences, number]>([
    [{}, 1],
    // At most as many as can fail without exceeding the tolerance.
    [{ MaxConcurrentCount: 3 }, 1],
    [{ MaxConcurrentCount: 3, FailureToleranceCount: 1 }, 2],
    [{ MaxConcurrentCount: 3, ConcurrencyMode: 'SOFT_FAILURE_TOLERANCE' }, 3],
    [{ MaxConcurrentPercentage: 99, ConcurrencyMode: 'SOFT_FAILURE_TOLERANCE' }, 2],
    [{ MaxConcurrentPercentage: 1, ConcurrencyMode: 'SOFT_FAILURE_TOLERANCE' }, 1],
  ])('processes as many accounts at once as its preferences allow: %j', async (preferences, expected) => {
    expect(await begunAtOnce(preferences)).toBe(expected);
  });

  test('is refused while another runs, without managed execution', async () => {
    await create({ ManagedExecution: { Active: false } });
    members.isHeld = true;
    await deploy();

    for (const refused of [deploy(), update(), takeAway(), deleteStackSet()]) {
      expect((await errorOf(refused)).name).toBe('OperationInProgressException');
    }
    members.isHeld = false;
    await stackSets.idle();
    expect((await endOf(update())).status).toBe('SUCCEEDED');
  });

  test('waits its turn with managed execution, and its StackSet cannot be deleted', async () => {
    await create();
    members.isHeld = true;
    await deploy();
    const { OperationId } = await takeAway();
    const { StackSetOperation } = await client().send(
      new DescribeStackSetOperationCommand({ StackSetName: NAME, OperationId }),
    );

    expect(StackSetOperation).toMatchObject({ Status: 'QUEUED', Action: 'DELETE' });
    expect((await errorOf(deleteStackSet())).name).toBe('OperationInProgressException');
    members.isHeld = false;
    await stackSets.idle();
    expect(accounts()).toEqual([]);
    await deleteStackSet();
  });

  test('has its own id', async () => {
    await create();
    await endOf(deploy({ OperationId: 'once' }));

    expect((await errorOf(deploy({ OperationId: 'once' }))).name).toBe('OperationIdAlreadyExistsException');
    const command = new DescribeStackSetOperationCommand({ StackSetName: NAME, OperationId: 'never' });
    expect((await errorOf(client().send(command))).name).toBe('OperationNotFoundException');
  });
});

describe('deleting', () => {
  const except = (account: string): DeploymentTargets => ({
    OrganizationalUnitIds: [UNIT],
    AccountFilterType: 'DIFFERENCE',
    Accounts: [account],
  });

  beforeEach(async () => {
    await create();
  });

  test('a StackSet with instances is refused', async () => {
    await endOf(deploy());

    expect((await errorOf(deleteStackSet())).name).toBe('StackSetNotEmptyException');
    await endOf(takeAway());
    expect(accounts()).toEqual([]);
    await deleteStackSet();
    // As in AWS.
    await deleteStackSet();
  });

  test('with the filter of the deployment keeps an excluded account that has joined since', async () => {
    await endOf(deploy({ DeploymentTargets: except(D) }));
    organization.move(D, UNIT);
    await stackSets.idle();

    await endOf(takeAway({ DeploymentTargets: except(D) }));

    expect(accounts()).toEqual([D]);
    expect((await errorOf(deleteStackSet())).name).toBe('StackSetNotEmptyException');
    await endOf(
      takeAway({
        DeploymentTargets: {
          OrganizationalUnitIds: [UNIT],
          AccountFilterType: 'INTERSECTION',
          Accounts: [D],
        },
      }),
    );
    expect(accounts()).toEqual([]);
    await deleteStackSet();
  });

  test('instances can retain the stacks', async () => {
    await endOf(deploy());
    await endOf(takeAway({ RetainStacks: true }));

    expect(accounts()).toEqual([A, B, C]);
    expect(await instances()).toEqual([]);
  });

  test('instances of a unit that is not a target is refused', async () => {
    await endOf(deploy());

    const refused = await errorOf(takeAway({ DeploymentTargets: { OrganizationalUnitIds: [OTHER_UNIT] } }));

    expect(refused.message).toContain(`Organizational unit ${OTHER_UNIT} not found in StackSet`);
  });
});

test('unsupported calls are errors, and plain stacks are left to the local AWS', async () => {
  await create();
  const { StackId } = await client(A).send(
    new CreateStackCommand({ StackName: 'own', TemplateBody: template() }),
  );

  expect(StackId).toContain(':stack/own/');
  for (const refused of [
    client().send(new ListStackSetsCommand({})),
    create({ StackSetName: 'another', PermissionModel: 'SELF_MANAGED' }),
    deploy({ ParameterOverrides: [{ ParameterKey: 'key', ParameterValue: 'value' }] }),
  ]) {
    expect((await errorOf(refused)).name).toBe('StackSetsSimulationError');
  }
});

test('an organization only knows its own units', () => {
  expect(() => organization.move(A, 'ou-a1b2-nowhere0')).toThrow('expected the root or a unit');
  expect(() => new Organization({ ...ORGANIZATION, accounts: { [A]: 'ou-a1b2-nowhere0' } })).toThrow(
    'expected the root or a unit',
  );
});
