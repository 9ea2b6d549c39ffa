import {
  type AutomationExecution,
  DescribeAutomationExecutionsCommand,
  type DescribeAutomationExecutionsCommandInput,
  DescribeDocumentCommand,
  GetAutomationExecutionCommand,
  GetParameterCommand,
  ListTagsForResourceCommand,
  SSMClient,
  StartAutomationExecutionCommand,
  type StartAutomationExecutionRequest,
  StopAutomationExecutionCommand,
} from '@aws-sdk/client-ssm';
import { AssumeRoleCommand, STSClient } from '@aws-sdk/client-sts';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { z } from 'zod';
import { ACCOUNT, ATTEMPTS, errorOf, REGION, through } from '../aws-proxy/clients.ts';
import { type AwsProxy, startAwsProxy } from '../aws-proxy/index.ts';
import {
  type Answer,
  jsonAnswer,
  queryError,
  type ReceivedCall,
  type ScriptedAws,
  scriptedAws,
  xmlAnswer,
} from '../scripted-aws/scripted-aws.ts';
import { type AutomationSimulation, servicePrincipalOf, startAutomation } from './index.ts';

const TRAIL_DOCUMENT = 'AWSConfigRemediation-EnableCloudTrailLogFileValidation';
const GROUP_DOCUMENT = 'AWS-DisablePublicAccessForSecurityGroup';
const ROLE = `arn:aws:iam::${ACCOUNT}:role/cspm/automation`;
const TOKEN = '6f2c1a34-9d0b-4c55-8a7e-0123456789ab';
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

const trust = (condition: object = { StringEquals: { 'aws:SourceAccount': ACCOUNT } }): object => ({
  Version: '2012-10-17',
  Statement: [
    {
      Effect: 'Allow',
      Principal: { Service: 'ssm.amazonaws.com' },
      Action: 'sts:AssumeRole',
      Condition: condition,
    },
  ],
});

/** An AWS with a trail and one role. */
interface TrailAccount {
  isValidated: boolean;
  roleArn: string;
  trustPolicy: object;
  /** The response instead of the trail's. */
  trailAnswer: Answer | undefined;
}

let trailAccount: TrailAccount;
let upstream: ScriptedAws;
let proxy: AwsProxy;
let automation: AutomationSimulation;

function answer({ form, headers }: ReceivedCall): Answer {
  switch (form.get('Action') ?? String(headers['x-amz-target']).replace(/^.*\./, '')) {
    case 'GetRole':
      if (form.get('RoleName') !== 'automation') return queryError('NoSuchEntity', 404);
      return xmlAnswer(
        `<GetRoleResponse><GetRoleResult><Role><Arn>${trailAccount.roleArn}</Arn><AssumeRolePolicyDocument>${encodeURIComponent(JSON.stringify(trailAccount.trustPolicy))}</AssumeRolePolicyDocument></Role></GetRoleResult></GetRoleResponse>`,
      );
    case 'AssumeRole': {
      const role = form.get('RoleArn')?.split('/').at(-1);
      return xmlAnswer(
        `<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>ASIA-${role}</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken><Expiration>2050-01-01T00:00:00Z</Expiration></Credentials><AssumedRoleUser><Arn>arn:aws:sts::${ACCOUNT}:assumed-role/${role}/${form.get('RoleSessionName')}</Arn></AssumedRoleUser></AssumeRoleResult></AssumeRoleResponse>`,
      );
    }
    case 'UpdateTrail':
      if (trailAccount.trailAnswer !== undefined) return trailAccount.trailAnswer;
      trailAccount.isValidated = true;
      return jsonAnswer({});
    case 'DescribeTrails':
      return jsonAnswer({
        trailList: [{ Name: 'audit', LogFileValidationEnabled: trailAccount.isValidated }],
      });
    case 'GetTrail':
      return jsonAnswer({ Trail: { Name: 'audit', LogFileValidationEnabled: trailAccount.isValidated } });
    default:
      return jsonAnswer({ __type: 'ParameterNotFound' }, 400);
  }
}

beforeEach(async () => {
  trailAccount = { isValidated: false, roleArn: ROLE, trustPolicy: trust(), trailAnswer: undefined };
  upstream = await scriptedAws(answer);
  proxy = await startAwsProxy({ upstream: () => upstream.endpoint });
  automation = startAutomation({ proxy, upstream: () => upstream.endpoint, stepMilliseconds: 1 });
});
afterEach(async () => {
  await automation.stop();
  await proxy.stop();
  await upstream[Symbol.asyncDispose]();
});

const ssm = (accessKeyId = ACCOUNT, region = REGION) => new SSMClient(through(proxy, accessKeyId, region));

const trailRun = (request: Partial<StartAutomationExecutionRequest> = {}) =>
  new StartAutomationExecutionCommand({
    DocumentName: TRAIL_DOCUMENT,
    Parameters: { TrailName: ['audit'], AutomationAssumeRole: [ROLE] },
    ...request,
  });

async function start(command = trailRun(), client = ssm()): Promise<string> {
  return z.string().parse((await client.send(command)).AutomationExecutionId);
}

async function get(id: string, client = ssm()): Promise<AutomationExecution> {
  const command = new GetAutomationExecutionCommand({ AutomationExecutionId: id });
  return (await client.send(command)).AutomationExecution ?? {};
}

const stopExecution = (id: string) =>
  ssm().send(new StopAutomationExecutionCommand({ AutomationExecutionId: id }));

/** Waits until an execution has ended by itself. */
async function expectStatus(id: string, status: string): Promise<AutomationExecution> {
  return vi.waitFor(
    async () => {
      const execution = await get(id);
      expect(execution.AutomationExecutionStatus).toBe(status);
      return execution;
    },
    { timeout: 15_000, interval: 5 },
  );
}

const trailCalls = () => proxy.calls.filter(({ service }) => service === 'cloudtrail');

describe('an execution', () => {
  test('starts at once, and ends by itself', async () => {
    automation.hold();

    const id = await start();

    expect(id).toMatch(UUID);
    expect(await get(id)).toMatchObject({
      AutomationExecutionId: id,
      AutomationExecutionStatus: 'Pending',
      DocumentName: TRAIL_DOCUMENT,
      DocumentVersion: '1',
      Parameters: { TrailName: ['audit'], AutomationAssumeRole: [ROLE] },
      ExecutedBy: `arn:aws:iam::${ACCOUNT}:root`,
      StepExecutions: [],
    });
    expect(trailAccount.isValidated).toBe(false);

    automation.release();

    const ended = await expectStatus(id, 'Success');
    expect(trailAccount.isValidated).toBe(true);
    expect(ended.FailureMessage).toBeUndefined();
    expect(ended.ExecutionEndTime?.getTime()).toBeGreaterThanOrEqual(
      ended.ExecutionStartTime?.getTime() ?? 0,
    );
    expect(ended.StepExecutions).toMatchObject([
      { StepName: 'EnableLogFileValidation', Action: 'aws:executeAwsApi', StepStatus: 'Success' },
      { StepName: 'VerifyLogFileValidation', Action: 'aws:assertAwsResourceProperty', StepStatus: 'Success' },
    ]);
  });

  test('runs its steps under the role, which Systems Manager assumes for this account and execution', async () => {
    const id = await start();
    await automation.finish(id);

    const assumed = proxy.calls.find(({ operation }) => operation === 'AssumeRole');
    expect(assumed?.parameters).toMatchObject({ RoleArn: ROLE, RoleSessionName: `Automation-${id}` });
    expect(assumed === undefined ? undefined : servicePrincipalOf(assumed)).toEqual({
      service: 'ssm.amazonaws.com',
      sourceAccount: ACCOUNT,
      sourceArn: `arn:aws:ssm:${REGION}:${ACCOUNT}:automation-execution/${id}`,
    });
    expect(
      trailCalls().map(({ operation, region, principal }) => [operation, region, principal.roleArn]),
    ).toEqual([
      ['UpdateTrail', REGION, ROLE],
      ['DescribeTrails', REGION, ROLE],
      ['GetTrail', REGION, ROLE],
    ]);
  });

  test('acts as its caller without a role', async () => {
    const { Credentials } = await new STSClient(through(proxy)).send(
      new AssumeRoleCommand({ RoleArn: `arn:aws:iam::${ACCOUNT}:role/target`, RoleSessionName: 'job' }),
    );
    const session = z
      .object({ AccessKeyId: z.string(), SecretAccessKey: z.string(), SessionToken: z.string() })
      .transform((keys) => ({
        accessKeyId: keys.AccessKeyId,
        secretAccessKey: keys.SecretAccessKey,
        sessionToken: keys.SessionToken,
      }))
      .parse(Credentials);
    const command = new StartAutomationExecutionCommand({
      DocumentName: GROUP_DOCUMENT,
      Parameters: { GroupId: ['sg-0123'] },
    });

    const id = await start(command, new SSMClient({ ...through(proxy), credentials: session }));
    await automation.finish(id);

    const revoke = proxy.calls.find(({ operation }) => operation === 'RevokeSecurityGroupIngress');
    expect(revoke?.principal).toMatchObject({
      roleArn: `arn:aws:iam::${ACCOUNT}:role/target`,
      sessionName: 'job',
    });
    expect((await get(id)).ExecutedBy).toBe(`arn:aws:sts::${ACCOUNT}:assumed-role/target/job`);
  });

  test('that was never started, or is in another account or region, is not found', async () => {
    const id = await start();

    const errors = await Promise.all([
      errorOf(get(TOKEN)),
      errorOf(get(id, ssm('999988887777'))),
      errorOf(get(id, ssm(ACCOUNT, 'us-east-1'))),
      errorOf(stopExecution(TOKEN)),
    ]);

    expect(errors.map(({ name }) => name)).toEqual(Array(4).fill('AutomationExecutionNotFoundException'));
  });
});

describe('a start is refused', () => {
  const parameters = { TrailName: ['audit'], AutomationAssumeRole: [ROLE] };
  const group = { GroupId: ['sg-0123'] };
  test.each<[string, Partial<StartAutomationExecutionRequest>, string, RegExp]>([
    ['no such document', { DocumentName: 'AWS-No' }, 'AutomationDefinitionNotFoundException', /AWS-No/],
    [
      'no such version',
      { DocumentVersion: '7' },
      'AutomationDefinitionVersionNotFoundException',
      /version 7/,
    ],
    [
      'a parameter is missing',
      { Parameters: { TrailName: ['audit'] } },
      'InvalidAutomationExecutionParametersException',
      /AutomationAssumeRole/,
    ],
    [
      'a parameter is unknown',
      { Parameters: { ...parameters, Trail: ['audit'] } },
      'InvalidAutomationExecutionParametersException',
      /"Trail" is not a parameter/,
    ],
    [
      'a value does not match',
      { Parameters: { ...parameters, TrailName: ['a b'] } },
      'InvalidAutomationExecutionParametersException',
      /"TrailName" has value "a b"/,
    ],
    [
      'a parameter has two values',
      { Parameters: { ...parameters, TrailName: ['audit', 'other'] } },
      'InvalidAutomationExecutionParametersException',
      /2 values/,
    ],
    [
      'the role is not an ARN',
      { Parameters: { ...parameters, AutomationAssumeRole: ['automation'] } },
      'InvalidAutomationExecutionParametersException',
      /format of the supplied assume role ARN is invalid/,
    ],
    [
      'the group id is invalid',
      { DocumentName: GROUP_DOCUMENT, Parameters: { GroupId: ['vpc-1'] } },
      'InvalidAutomationExecutionParametersException',
      /"GroupId" has value "vpc-1"/,
    ],
    [
      'the address has no prefix length',
      { DocumentName: GROUP_DOCUMENT, Parameters: { ...group, IpAddressToBlock: ['1.2.3.4'] } },
      'InvalidAutomationExecutionParametersException',
      /1\.2\.3\.4\/32/,
    ],
    ['the token is not a UUID', { ClientToken: 'again' }, 'ValidationException', /ClientToken/],
    [
      'there are six tags',
      { Tags: ['a', 'b', 'c', 'd', 'e', 'f'].map((Key) => ({ Key, Value: '' })) },
      'ValidationException',
      /Tags/,
    ],
    ['targets are asked for', { Targets: [] }, 'AutomationSimulationError', /Targets/],
  ])('if %s', async (_, request, name, message) => {
    const error = await errorOf(start(trailRun(request)));

    expect(error.name).toBe(name);
    expect(error.message).toMatch(message);
    expect(automation.executions).toEqual([]);
  });

  test('in China, but only of the document on security groups', async () => {
    const china = ssm(ACCOUNT, 'cn-north-1');
    const name = { Name: GROUP_DOCUMENT };

    const error = await errorOf(
      start(new StartAutomationExecutionCommand({ DocumentName: GROUP_DOCUMENT, Parameters: group }), china),
    );

    expect(error.name).toBe('AutomationDefinitionNotFoundException');
    expect((await errorOf(china.send(new DescribeDocumentCommand(name)))).name).toBe('InvalidDocument');
    expect((await ssm().send(new DescribeDocumentCommand(name))).Document?.DefaultVersion).toBe('1');
    expect(await start(trailRun(), china)).toMatch(UUID);
  });

  test.each<[string, () => void]>([
    [
      'does not exist',
      () => Object.assign(trailAccount, { roleArn: `arn:aws:iam::${ACCOUNT}:role/automation` }),
    ],
    [
      'trusts nobody',
      () => Object.assign(trailAccount, { trustPolicy: { Version: '2012-10-17', Statement: [] } }),
    ],
    [
      'trusts Systems Manager for another account',
      () => {
        trailAccount.trustPolicy = trust({ StringEquals: { 'aws:SourceAccount': '999988887777' } });
      },
    ],
    [
      'refuses the call',
      () => proxy.inject({ operation: 'AssumeRole', effect: { error: 'AccessDenied', status: 403 } }),
    ],
  ])('if the role %s', async (_, arrange) => {
    arrange();

    const error = await errorOf(start());

    expect(error.name).toBe('InvalidAutomationExecutionParametersException');
    expect(error.message).toBe('The defined assume role is unable to be assumed.');
    expect(automation.executions).toEqual([]);
  });

  test('if the role belongs to another account', async () => {
    const Parameters = { ...parameters, AutomationAssumeRole: [ROLE.replace(ACCOUNT, '999988887777')] };

    const error = await errorOf(start(trailRun({ Parameters })));

    expect(error.message).toBe('The defined assume role is unable to be assumed.');
  });

  test('if the judge of trust policies denies it', async () => {
    await automation.stop();
    const asked: object[] = [];
    automation = startAutomation({
      proxy,
      upstream: () => upstream.endpoint,
      trusts: async (question) => {
        asked.push(question);
        return false;
      },
    });

    const error = await errorOf(start());

    expect(error.message).toBe('The defined assume role is unable to be assumed.');
    expect(asked).toMatchObject([
      { roleArn: ROLE, trustPolicy: JSON.stringify(trust()), principal: { sourceAccount: ACCOUNT } },
    ]);
  });

  test('if a fault of the proxy throttles it', async () => {
    const fault = proxy.inject({ operation: 'StartAutomationExecution', effect: 'throttle' });

    const error = await errorOf(start());

    expect(error.name).toBe('ThrottlingException');
    expect(fault.hits).toBe(ATTEMPTS);
    expect(automation.executions).toEqual([]);
  });
});

describe('a client token', () => {
  test('starts one execution, however often it is sent, in upper or lower case', async () => {
    const [first, ...others] = await Promise.all([
      start(trailRun({ ClientToken: TOKEN })),
      start(trailRun({ ClientToken: TOKEN })),
      start(trailRun({ ClientToken: TOKEN.toUpperCase() })),
    ]);
    await automation.finish(first);
    const after = await start(trailRun({ ClientToken: TOKEN }));

    expect([...others, after]).toEqual([first, first, first]);
    expect(automation.executions).toHaveLength(1);
  });

  test('makes up for a lost answer', async () => {
    proxy.inject({ operation: 'StartAutomationExecution', times: 1, effect: 'cut-after' });

    const id = await start(trailRun({ ClientToken: TOKEN }));

    expect(automation.executions.map((execution) => execution.id)).toEqual([id]);
  });

  test('cannot be reused with other parameters, but in another account', async () => {
    await start(trailRun({ ClientToken: TOKEN }));

    const other = { TrailName: ['other'], AutomationAssumeRole: [ROLE] };
    const error = await errorOf(start(trailRun({ ClientToken: TOKEN, Parameters: other })));

    expect(error.name).toBe('IdempotentParameterMismatch');
    expect(
      await start(trailRun({ ClientToken: TOKEN, Parameters: other }), ssm(ACCOUNT, 'us-east-1')),
    ).toMatch(UUID);
  });

  test('can be sent again after a refusal', async () => {
    trailAccount.trustPolicy = { Version: '2012-10-17', Statement: [] };
    await errorOf(start(trailRun({ ClientToken: TOKEN })));
    trailAccount.trustPolicy = trust();

    expect(await start(trailRun({ ClientToken: TOKEN }))).toMatch(UUID);
  });
});

test('a region runs and queues only so many executions, and refuses further ones, independently of other regions', async () => {
  automation.quotas = { atOnce: 2, queued: 1 };
  automation.hold();
  const [first = '', second, third = ''] = [await start(), await start(), await start()];

  const error = await errorOf(start());

  expect(error.name).toBe('AutomationExecutionLimitExceededException');
  expect(automation.executions.map(({ id, isQueued }) => [id, isQueued])).toEqual([
    [first, false],
    [second, false],
    [third, true],
  ]);
  expect((await get(third)).AutomationExecutionStatus).toBe('Pending');
  expect(await start(trailRun(), ssm(ACCOUNT, 'us-east-1'))).toMatch(UUID);

  await automation.finish(first);
  expect(automation.executions.find(({ id }) => id === third)?.isQueued).toBe(false);
  expect(await start()).toMatch(UUID);

  automation.release();
  await expectStatus(third, 'Success');
});

describe('manual control', () => {
  test('a held execution continues when a test releases it', async () => {
    automation.hold();
    const [one, other] = [await start(), await start()];

    const finished = await automation.finish(one);

    expect(finished.status).toBe('Success');
    expect((await get(other)).AutomationExecutionStatus).toBe('Pending');
    automation.release();
    await expectStatus(other, 'Success');
  });

  test('a running execution is held in its step', async () => {
    const fault = automation.inject({ step: 'VerifyLogFileValidation', effect: 'hang' });
    const id = await start();
    await vi.waitFor(() => expect(fault.hits).toBe(1), { timeout: 15_000 });
    automation.hold();

    const execution = await get(id);

    expect(execution).toMatchObject({
      AutomationExecutionStatus: 'InProgress',
      CurrentStepName: 'VerifyLogFileValidation',
      CurrentAction: 'aws:assertAwsResourceProperty',
      StepExecutions: [{ StepStatus: 'Success' }, { StepStatus: 'InProgress' }],
    });
    expect(execution.ExecutionEndTime).toBeUndefined();
    expect((await automation.finish(id)).status).toBe('Success');
  });

  test('an unknown id is an error', async () => {
    await expect(automation.finish('no')).rejects.toThrow('expected the id of an execution, got no');
  });
});

describe('a step', () => {
  test("that AWS refuses fails the execution, with AWS's reason", async () => {
    trailAccount.trailAnswer = jsonAnswer({ __type: 'TrailNotFoundException', message: 'no audit' }, 400);

    const id = await start();

    const execution = await expectStatus(id, 'Failed');
    expect(execution.FailureMessage).toBe(
      'Step fails when it is Execute/Cancelling action. An error occurred (TrailNotFoundException) when calling the UpdateTrail operation: no audit. Please refer to Automation Service Troubleshooting Guide for more diagnosis details.',
    );
    expect(execution.StepExecutions).toMatchObject([
      {
        StepStatus: 'Failed',
        FailureMessage: execution.FailureMessage,
        FailureDetails: { FailureStage: 'Invocation', FailureType: 'Action' },
      },
    ]);
  });

  test('that the role may not run fails the execution', async () => {
    proxy.inject({ operation: 'UpdateTrail', effect: 'denied' });

    const execution = await expectStatus(await start(), 'Failed');

    expect(execution.FailureMessage).toContain('(AccessDeniedException)');
    expect(execution.StepExecutions?.[0]?.FailureDetails?.FailureType).toBe('Permission');
  });

  test('that finds the change missing fails the execution', async () => {
    trailAccount.trailAnswer = jsonAnswer({});

    const execution = await expectStatus(await start(), 'Failed');

    expect(execution.FailureMessage).toContain('LogFileValidationEnabled of audit is not true');
    expect(execution.StepExecutions?.[1]?.FailureDetails?.FailureType).toBe('Verification');
  });

  test.each([
    ['fails', { fail: 'not today' }, 'Failed', /^not today$/],
    ['takes too long', 'time-out', 'TimedOut', /timed out while step is executing EnableLogFileValidation/],
    ['is cancelled', 'cancel', 'Cancelled', undefined],
  ] as const)('%s by a fault, as often as it is set to', async (_, effect, status, message) => {
    const fault = automation.inject({ document: TRAIL_DOCUMENT, resource: 'audit', times: 1, effect });

    const execution = await expectStatus(await start(), status);

    if (message === undefined) expect(execution.FailureMessage).toBeUndefined();
    else expect(execution.FailureMessage).toMatch(message);
    expect(execution.StepExecutions).toMatchObject([{ StepStatus: status }]);
    expect(execution.ExecutionEndTime).toBeInstanceOf(Date);
    expect(trailCalls()).toEqual([]);
    await expectStatus(await start(), 'Success');
    expect(fault.hits).toBe(1);
  });

  test('meets no fault of another document, resource, step, account or region', async () => {
    const effect = { fail: 'not today' };
    automation.inject({ document: GROUP_DOCUMENT, effect });
    automation.inject({ resource: 'other', effect });
    automation.inject({ step: 'DisableFromAllIp', effect });
    automation.inject({ account: '999988887777', effect });
    automation.inject({ region: 'us-east-1', effect });
    automation.inject({ effect }).remove();

    await expectStatus(await start(), 'Success');
  });
});

describe('stopping an execution', () => {
  test('that never ends cancels it', async () => {
    const fault = automation.inject({ effect: 'hang' });
    const id = await start();
    await vi.waitFor(() => expect(fault.hits).toBe(1), { timeout: 15_000 });

    await stopExecution(id);

    const execution = await expectStatus(id, 'Cancelled');
    expect(execution.StepExecutions).toMatchObject([{ StepStatus: 'Cancelled' }]);
    expect(trailAccount.isValidated).toBe(false);
  });

  test('that is queued prevents its start', async () => {
    automation.quotas = { atOnce: 1, queued: 1 };
    automation.hold();
    const [first, second] = [await start(), await start()];

    await stopExecution(second);

    expect(await get(second)).toMatchObject({ AutomationExecutionStatus: 'Cancelled', StepExecutions: [] });
    await automation.finish(first);
    expect(automation.executions.map(({ steps }) => steps.length)).toEqual([2, 0]);
  });

  test('that is calling AWS lets the call finish, and starts no other step', async () => {
    proxy.intercept(async ({ operation }) => {
      const [execution] = automation.executions;
      if (operation === 'UpdateTrail' && execution !== undefined) await stopExecution(execution.id);
      return undefined;
    });

    const execution = await expectStatus(await start(), 'Cancelled');

    expect(execution.StepExecutions).toMatchObject([
      { StepName: 'EnableLogFileValidation', StepStatus: 'Success' },
      { StepName: 'VerifyLogFileValidation', StepStatus: 'Cancelled' },
    ]);
    expect(trailCalls().map(({ operation }) => operation)).toEqual(['UpdateTrail']);
  });

  test('in its last call cancels it nevertheless', async () => {
    proxy.intercept(async ({ operation }) => {
      const [execution] = automation.executions;
      if (operation === 'DescribeTrails' && execution !== undefined) await stopExecution(execution.id);
      return undefined;
    });

    await expectStatus(await start(), 'Cancelled');
  });

  test('that has ended is refused', async () => {
    const id = await start();
    await automation.finish(id);

    const error = await errorOf(stopExecution(id));

    expect(error.name).toBe('InvalidAutomationStatusUpdateException');
    expect((await get(id)).AutomationExecutionStatus).toBe('Success');
  });
});

describe('executions can be listed', () => {
  test('by their tags', async () => {
    const Tags = [{ Key: 'started-by', Value: 'cspm-auto-remediation' }];

    const id = await start(trailRun({ Tags }));

    const { TagList } = await ssm().send(
      new ListTagsForResourceCommand({ ResourceType: 'Automation', ResourceId: id }),
    );
    expect(TagList).toEqual(Tags);
  });

  test('by filters, newest first, page by page', async () => {
    automation.hold();
    const ids = [await start(), await start(), await start(trailRun({ Tags: [{ Key: 'ours', Value: '' }] }))];
    await automation.finish(z.string().parse(ids[0]));
    const list = async (request: DescribeAutomationExecutionsCommandInput) => {
      const page = await ssm().send(new DescribeAutomationExecutionsCommand(request));
      return {
        ids: page.AutomationExecutionMetadataList?.map((one) => one.AutomationExecutionId),
        next: page.NextToken,
      };
    };

    const first = await list({ MaxResults: 2 });
    const second = await list({ MaxResults: 2, NextToken: first.next });

    expect(first.ids).toEqual([ids[2], ids[1]]);
    expect(second).toEqual({ ids: [ids[0]], next: undefined });
    type Filter = 'DocumentNamePrefix' | 'ExecutionStatus' | 'ExecutionId' | 'StartTimeAfter' | 'TagKey';
    const by = (Key: Filter, value?: string) => list({ Filters: [{ Key, Values: [value ?? ''] }] });
    expect((await by('ExecutionStatus', 'Pending')).ids).toEqual([ids[2], ids[1]]);
    expect((await by('ExecutionId', ids[1])).ids).toEqual([ids[1]]);
    expect((await by('TagKey', 'ours')).ids).toEqual([ids[2]]);
    expect((await by('DocumentNamePrefix', 'AWS-')).ids).toEqual([]);
    expect((await by('StartTimeAfter', '2020-01-01T00:00:00Z')).ids).toEqual([ids[2], ids[1], ids[0]]);
    expect((await by('StartTimeAfter', '2999-01-01T00:00:00Z')).ids).toEqual([]);
  });
});

test('calls to other operations go to the local AWS, and so do all calls after the simulation has stopped', async () => {
  const parameter = new GetParameterCommand({ Name: '/name' });
  const other = new DescribeDocumentCommand({ Name: 'AWS-RunShellScript' });
  expect((await errorOf(ssm().send(parameter))).name).toBe('ParameterNotFound');
  expect((await errorOf(ssm().send(other))).name).toBe('ParameterNotFound');

  await automation.stop();

  expect((await errorOf(start())).name).toBe('ParameterNotFound');
});

test('stopping the simulation cancels running executions', async () => {
  automation.hold();
  await start();

  await automation.stop();

  expect(automation.executions).toMatchObject([{ status: 'Cancelled' }]);
  expect(trailAccount.isValidated).toBe(false);
});
