import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import {
  applyChange,
  describeChange,
  findChange,
  inverseOf,
  isChangeVisible,
} from '../../../lambdas/changes/index.ts';
import { BlockedError } from '../../../lambdas/model/errors.ts';
import { rule } from '../../../lambdas/rules/vpc-flow-logs-disabled/rule.ts';
import { testSession } from '../../lab/accounts/session.ts';
import { actionsOf, answerByAction, grantedActions, listed } from '../../lab/scripted-aws/called-actions.ts';
import {
  type Answer,
  ec2Error,
  jsonAnswer,
  type ReceivedCall,
  scriptedAws,
  xmlAnswer,
} from '../../lab/scripted-aws/scripted-aws.ts';

const ACCOUNT = '111122223333';
const VPC = 'vpc-0123abcd';
const MADE_BY = 'cspm-auto-remediation:made-by';
const MADE_FOR = 'cspm-auto-remediation:made-for';
const RETENTION_FOR = 'cspm-auto-remediation:retention-for';

/** The tags on resources that a job creates. `testSession` runs as the job `test`. */
const tagsOf = (job: string) => ({ [MADE_BY]: 'cspm-auto-remediation', [MADE_FOR]: job });

interface FlowLog {
  readonly id: string;
  readonly vpc: string;
  readonly status?: string;
  /** AWS's message if nothing is delivered. */
  readonly failure?: string;
  readonly logGroup?: string;
  readonly created?: string;
  readonly tags?: Readonly<Record<string, string>>;
}
interface LogGroup {
  retention?: number | undefined;
  readonly tags?: Readonly<Record<string, string>> | undefined;
}
interface Account {
  vpcs?: Record<string, { owner?: string; tags?: Readonly<Record<string, string>> }>;
  flowLogs?: FlowLog[];
  logGroups?: Record<string, LogGroup>;
}

const result = (operation: string, body: string): Answer =>
  xmlAnswer(
    `<${operation}Response xmlns="http://ec2.amazonaws.com/doc/2016-11-15/">${body}</${operation}Response>`,
  );
const unsuccessful = (code: string): string =>
  `<unsuccessful><item><error><code>${code}</code><message>${code} it is</message></error><resourceId>${VPC}</resourceId></item></unsuccessful>`;

/** Simulates EC2 and CloudWatch Logs as in their API references, with pages of one flow log. */
async function aws({ vpcs = { [VPC]: {} }, flowLogs = [], logGroups = {} }: Account) {
  return scriptedAws(
    answerByAction({
      'ec2:DescribeVpcs': (call) =>
        result(
          'DescribeVpcs',
          `<vpcSet>${listed(call, 'Filter.1.Value')
            .filter((id) => vpcs[id] !== undefined)
            .map(
              (id) =>
                `<item><vpcId>${id}</vpcId><ownerId>${vpcs[id]?.owner ?? ACCOUNT}</ownerId><tagSet>${Object.entries(
                  vpcs[id]?.tags ?? {},
                )
                  .map(([key, value]) => `<item><key>${key}</key><value>${value}</value></item>`)
                  .join('')}</tagSet></item>`,
            )
            .join('')}</vpcSet>`,
        ),
      'ec2:DescribeFlowLogs': (call) => {
        const asked = flowLogs.filter(({ vpc }) => listed(call, 'Filter.1.Value').includes(vpc));
        const at = Number(call.form.get('NextToken') ?? 0);
        return result(
          'DescribeFlowLogs',
          `<flowLogSet>${asked
            .slice(at, at + 1)
            .map(
              ({
                id,
                vpc,
                status = 'ACTIVE',
                failure,
                logGroup = '/someones',
                created = '2026-01-01T00:00:00Z',
                tags = {},
              }) =>
                `<item><flowLogId>${id}</flowLogId><resourceId>${vpc}</resourceId><flowLogStatus>${status}</flowLogStatus><logGroupName>${logGroup}</logGroupName><creationTime>${created}</creationTime><tagSet>${Object.entries(
                  tags,
                )
                  .map(([key, value]) => `<item><key>${key}</key><value>${value}</value></item>`)
                  .join('')}</tagSet>${
                  failure === undefined
                    ? '<deliverLogsStatus>SUCCESS</deliverLogsStatus>'
                    : `<deliverLogsStatus>FAILED</deliverLogsStatus><deliverLogsErrorMessage>${failure}</deliverLogsErrorMessage>`
                }</item>`,
            )
            .join('')}</flowLogSet>${at + 1 < asked.length ? `<nextToken>${at + 1}</nextToken>` : ''}`,
        );
      },
      'ec2:CreateFlowLogs': ({ form }) => {
        const vpc = form.get('ResourceId.1') ?? '';
        if (flowLogs.some((flowLog) => flowLog.vpc === vpc)) {
          return result('CreateFlowLogs', unsuccessful('FlowLogAlreadyExists'));
        }
        flowLogs.push({ id: 'fl-0123abcd', vpc });
        return result(
          'CreateFlowLogs',
          '<flowLogIdSet><item>fl-0123abcd</item></flowLogIdSet><unsuccessful/>',
        );
      },
      'ec2:DeleteFlowLogs': ({ form }) => {
        const index = flowLogs.findIndex(({ id }) => id === form.get('FlowLogId.1'));
        if (index < 0) return result('DeleteFlowLogs', unsuccessful('InvalidFlowLogId.NotFound'));
        flowLogs.splice(index, 1);
        return result('DeleteFlowLogs', '<unsuccessful/>');
      },
      'logs:CreateLogGroup': ({ body }) => {
        const { logGroupName, tags } = z
          .object({ logGroupName: z.string(), tags: z.record(z.string(), z.string()).optional() })
          .parse(JSON.parse(body));
        if (logGroups[logGroupName] !== undefined) {
          return jsonAnswer({ __type: 'ResourceAlreadyExistsException', message: 'it exists' }, 400);
        }
        logGroups[logGroupName] = { tags };
        return jsonAnswer({});
      },
      'logs:DescribeLogGroups': ({ body }) => {
        const { logGroupNamePrefix } = z.object({ logGroupNamePrefix: z.string() }).parse(JSON.parse(body));
        return jsonAnswer({
          logGroups: Object.entries(logGroups)
            .filter(([name]) => name.startsWith(logGroupNamePrefix))
            .map(([logGroupName, { retention }]) => ({ logGroupName, retentionInDays: retention })),
        });
      },
      'logs:ListTagsForResource': ({ body }) => {
        const { resourceArn } = z.object({ resourceArn: z.string() }).parse(JSON.parse(body));
        const name = resourceArn.replace(`arn:aws:logs:eu-central-1:${ACCOUNT}:log-group:`, '');
        return jsonAnswer({ tags: logGroups[name]?.tags ?? {} });
      },
      'logs:TagResource': ({ body }) => {
        const { resourceArn, tags } = z
          .object({ resourceArn: z.string(), tags: z.record(z.string(), z.string()) })
          .parse(JSON.parse(body));
        const name = resourceArn.replace(`arn:aws:logs:eu-central-1:${ACCOUNT}:log-group:`, '');
        const group = logGroups[name];
        logGroups[name] = { ...group, tags: { ...group?.tags, ...tags } };
        return jsonAnswer({});
      },
      'logs:PutRetentionPolicy': ({ body }) => {
        const { logGroupName, retentionInDays } = z
          .object({ logGroupName: z.string(), retentionInDays: z.number() })
          .parse(JSON.parse(body));
        logGroups[logGroupName] = { ...logGroups[logGroupName], retention: retentionInDays };
        return jsonAnswer({});
      },
    }),
  );
}

const sessionOf = (endpoint: string) =>
  testSession({
    endpoint,
    account: ACCOUNT,
    region: 'eu-central-1',
    now: () => new Date('2026-06-30T12:00:00Z'),
  });

async function planOf(options: Readonly<Record<string, unknown>>) {
  await using server = await aws({});
  const assessment = (await rule.assess(sessionOf(server.endpoint), [VPC], options)).get(VPC);
  if (assessment?.state !== 'violation') throw new Error('expected a violation');
  return assessment.plan;
}

describe('the inspection of a VPC', () => {
  test('finds one without a flow log, and reads its tags', async () => {
    await using server = await aws({ vpcs: { [VPC]: { tags: { team: 'blue' } } } });

    const assessments = await rule.assess(sessionOf(server.endpoint), [VPC], {});

    expect(assessments.get(VPC)).toMatchObject({
      state: 'violation',
      seen: { account: ACCOUNT, partition: 'aws', region: 'eu-central-1', inactiveFlowLogs: [] },
      tags: { team: 'blue' },
    });
  });

  test('counts any active flow log, regardless of its creator and page', async () => {
    await using server = await aws({
      vpcs: { 'vpc-00000001': {}, 'vpc-00000002': {}, 'vpc-00000003': {} },
      flowLogs: [
        { id: 'fl-1', vpc: 'vpc-00000001', status: 'INACTIVE' },
        { id: 'fl-2', vpc: 'vpc-00000001' },
        { id: 'fl-3', vpc: 'vpc-00000002', status: 'INACTIVE' },
      ],
    });

    const assessments = await rule.assess(
      sessionOf(server.endpoint),
      ['vpc-00000001', 'vpc-00000002', 'vpc-00000003'],
      {},
    );

    expect(assessments.get('vpc-00000001')).toEqual({ state: 'compliant' });
    expect(assessments.get('vpc-00000002')).toMatchObject({ seen: { inactiveFlowLogs: ['fl-3'] } });
    expect(assessments.get('vpc-00000003')).toMatchObject({ seen: { inactiveFlowLogs: [] } });
  });

  test('finds a missing one gone, and one that another account shares not applicable', async () => {
    await using server = await aws({ vpcs: { 'vpc-00000001': { owner: '999988887777' } } });

    const assessments = await rule.assess(sessionOf(server.endpoint), ['vpc-00000001', 'vpc-00000002'], {});

    expect(assessments.get('vpc-00000001')).toEqual({
      state: 'not_applicable',
      reason: 'VPC vpc-00000001 is shared by account 999988887777: only its owner can log its traffic',
    });
    expect(assessments.get('vpc-00000002')).toEqual({ state: 'gone' });
  });

  test('does not count a flow log that fails to deliver, and quotes its message', async () => {
    await using server = await aws({
      vpcs: { 'vpc-00000001': {}, 'vpc-00000002': {} },
      flowLogs: [
        { id: 'fl-1', vpc: 'vpc-00000001', failure: 'Access error' },
        { id: 'fl-2', vpc: 'vpc-00000002', failure: 'Access error' },
        { id: 'fl-3', vpc: 'vpc-00000002' },
      ],
    });

    const assessments = await rule.assess(sessionOf(server.endpoint), ['vpc-00000001', 'vpc-00000002'], {});

    expect(assessments.get('vpc-00000001')).toMatchObject({
      state: 'violation',
      notes: ['flow log fl-1 to /someones delivers nothing (AWS: Access error) and is not changed'],
    });
    expect(assessments.get('vpc-00000002')).toEqual({ state: 'compliant' });
  });

  test('notes a flow log that is too new for AWS to know whether it delivers', async () => {
    await using server = await aws({
      flowLogs: [{ id: 'fl-1', vpc: VPC, created: '2026-06-30T11:51:00Z' }],
    });

    const assessments = await rule.assess(sessionOf(server.endpoint), [VPC], {});

    expect(assessments.get(VPC)).toEqual({
      state: 'compliant',
      notes: [
        'flow log fl-1 is less than 20 minutes old: only after that does AWS show whether it can deliver',
      ],
    });
  });

  test('takes two calls for 25 VPCs', async () => {
    const ids = Array.from({ length: 25 }, (_, n) => `vpc-000000${n + 10}`);
    await using server = await aws({ vpcs: Object.fromEntries(ids.map((id) => [id, {}])) });

    await rule.assess(sessionOf(server.endpoint), ids, {});

    expect(server.calls).toHaveLength(2);
  });
});

describe('the plan', () => {
  test('creates a log group for the VPC and a flow log to it', async () => {
    const plan = await planOf({});

    expect(await Promise.all(plan.map(describeChange))).toEqual([
      `+ log group /cspm-auto-remediation/vpc-flow-logs/${VPC}, if it does not exist: logs kept for 90 days`,
      `+ flow log of ${VPC}, ALL traffic every 600 s, to log group /cspm-auto-remediation/vpc-flow-logs/${VPC}`,
    ]);
    expect(plan[1]).toMatchObject({
      destination: { deliveryRoleArn: `arn:aws:iam::${ACCOUNT}:role/cspm-auto-remediation-flow-logs` },
    });
  });

  test('follows the options', async () => {
    const plan = await planOf({
      log_group_name: '/network/{vpc_id}/flows',
      retention_days: 365,
      kms_key_arn: `arn:aws:kms:{region}:${ACCOUNT}:key/mrk-0123abcd`,
      traffic_type: 'REJECT',
      max_aggregation_interval: 60,
      delivery_role_name: 'security/acme-flow-logs',
    });

    expect(await Promise.all(plan.map(describeChange))).toEqual([
      `+ log group /network/${VPC}/flows, if it does not exist: logs kept for 365 days, encrypted with arn:aws:kms:eu-central-1:${ACCOUNT}:key/mrk-0123abcd`,
      `+ flow log of ${VPC}, REJECT traffic every 60 s, to log group /network/${VPC}/flows`,
    ]);
    expect(plan[1]).toMatchObject({
      destination: { deliveryRoleArn: `arn:aws:iam::${ACCOUNT}:role/security/acme-flow-logs` },
    });
  });

  test('creates no log group for a bucket', async () => {
    const plan = await planOf({ destination: 'arn:aws:s3:::acme-flow-logs/vpc/' });

    expect(await Promise.all(plan.map(describeChange))).toEqual([
      `+ flow log of ${VPC}, ALL traffic every 600 s, to arn:aws:s3:::acme-flow-logs/vpc/`,
    ]);
  });

  test.each([
    { destination: 's3' },
    { destination: 'arn:aws:s3:::acme flow logs' },
    { log_group_name: '/network/flows' },
    { log_group_name: '/network/{vpc_id}/{account}' },
    { log_group_name: `/{vpc_id}/${'x'.repeat(490)}` },
    { retention_days: 91 },
    { kms_key_arn: 'alias/logs' },
    { traffic_type: 'all' },
    { max_aggregation_interval: 300 },
    { delivery_role_name: 'some-role' },
    { delivery_role_name: '/security/acme-flow-logs' },
  ])('refuses the option %j', (options) => {
    expect(rule.options.safeParse(options).success).toBe(false);
  });
});

describe('the applied plan', () => {
  test('creates a flow log and a log group with tags, and makes the VPC compliant', async () => {
    const account: Account = { flowLogs: [], logGroups: {} };
    await using server = await aws(account);
    const session = sessionOf(server.endpoint);

    for (const change of await planOf({})) await applyChange(session, change);
    const after = (await rule.assess(session, [VPC], {})).get(VPC);

    expect(after).toEqual({ state: 'compliant' });
    expect(account.logGroups).toEqual({
      [`/cspm-auto-remediation/vpc-flow-logs/${VPC}`]: {
        retention: 90,
        tags: tagsOf('test'),
      },
    });
    const call = server.calls.find(({ form }) => form.get('Action') === 'CreateFlowLogs');
    expect(Object.fromEntries(call?.form ?? [])).toMatchObject({
      ResourceType: 'VPC',
      'ResourceId.1': VPC,
      TrafficType: 'ALL',
      MaxAggregationInterval: '600',
      LogDestinationType: 'cloud-watch-logs',
      LogGroupName: `/cspm-auto-remediation/vpc-flow-logs/${VPC}`,
      DeliverLogsPermissionArn: `arn:aws:iam::${ACCOUNT}:role/cspm-auto-remediation-flow-logs`,
      'TagSpecification.1.ResourceType': 'vpc-flow-log',
      'TagSpecification.1.Tag.1.Key': MADE_BY,
      'TagSpecification.1.Tag.2.Key': MADE_FOR,
      'TagSpecification.1.Tag.2.Value': 'test',
    });
  });

  test('is undone by deleting the flow log and keeping the log group', async () => {
    const account: Account = { flowLogs: [], logGroups: {} };
    await using server = await aws(account);
    const session = sessionOf(server.endpoint);
    const applied = [];
    for (const change of await planOf({})) applied.push(await applyChange(session, change));

    const lines: string[] = [];
    for (const change of applied.toReversed()) {
      const inverse = await inverseOf(change);
      if (inverse === undefined) continue;
      lines.push(await describeChange(inverse));
      await applyChange(session, inverse);
    }

    expect(lines).toEqual([`- flow log fl-0123abcd of ${VPC}`]);
    expect(account.flowLogs).toEqual([]);
    expect(Object.keys(account.logGroups ?? {})).toHaveLength(1);
  });
});

const describeVpc = (): Answer =>
  result('DescribeVpcs', `<vpcSet><item><vpcId>${VPC}</vpcId></item></vpcSet>`);

/** Creates a VPC without flow logs, and an AWS with these answers to all other calls. */
const withoutFlowLogs = (answer: () => Answer) =>
  scriptedAws(
    answerByAction({
      'ec2:DescribeVpcs': describeVpc,
      'ec2:DescribeFlowLogs': () => result('DescribeFlowLogs', '<flowLogSet/>'),
      'ec2:CreateFlowLogs': answer,
    }),
  );

describe('the log group', () => {
  const name = '/flows/vpc-0123abcd';
  const change = { kind: 'log-group-create', resource: name, retentionDays: 90, kmsKeyArn: null };
  const ours = tagsOf('test');

  test.each([
    { what: 'with its own retention', group: { retention: 365, tags: ours }, retention: 365 },
    { what: 'that someone keeps without expiry, is unchanged', group: { tags: {} }, retention: undefined },
    {
      what: 'that an interrupted attempt of the same job created, is completed',
      group: { tags: ours },
      retention: 90,
    },
  ])('one $what', async ({ group, retention }) => {
    const logGroups: Record<string, LogGroup> = { [name]: group, [`${name}-2`]: { retention: 7 } };
    await using server = await aws({ logGroups });

    await applyChange(sessionOf(server.endpoint), change);

    expect(logGroups[name]?.retention).toBe(retention);
  });

  test('of another interrupted job gets its retention and a tag for that from this job', async () => {
    const logGroups: Record<string, LogGroup> = { [name]: { tags: tagsOf('other') } };
    await using server = await aws({ logGroups });

    const applied = await applyChange(sessionOf(server.endpoint), change);

    expect(applied).toEqual({ ...change, made: ['retention'] });
    expect(logGroups[name]).toEqual({ retention: 90, tags: { ...tagsOf('other'), [RETENTION_FOR]: 'test' } });
  });

  test.each([
    { what: 'created by this job', tags: ours, retention: 90, found: ['log group', 'retention'] },
    { what: 'created by this job and interrupted', tags: ours, retention: undefined, found: ['log group'] },
    { what: 'created by another job', tags: tagsOf('other'), retention: 90, found: 'none' },
    {
      what: 'created by another job, with the retention of this one',
      tags: { ...tagsOf('other'), [RETENTION_FOR]: 'test' },
      retention: 90,
      found: ['retention'],
    },
    {
      what: 'created by this job, with the retention of another one',
      tags: { ...ours, [RETENTION_FOR]: 'other' },
      retention: 90,
      found: ['log group'],
    },
    { what: 'created by someone else', tags: {}, retention: 90, found: undefined },
    {
      what: 'created without the name of a job',
      tags: { [MADE_BY]: 'cspm-auto-remediation' },
      retention: 90,
      found: 'none',
    },
  ])('that was $what a moment ago is recognized by its tags', async ({ tags, retention, found }) => {
    await using server = await aws({ logGroups: { [name]: { tags, retention } } });

    const made = await findChange(sessionOf(server.endpoint), change, new Date('2026-06-30T12:00:00Z'));

    expect(made).toEqual(Array.isArray(found) ? { ...change, made: found } : found);
  });

  test('is created with its key', async () => {
    const withKey = { ...change, kmsKeyArn: 'arn:aws:kms:eu-central-1:1:key/k' };
    await using server = await aws({});

    await applyChange(sessionOf(server.endpoint), withKey);

    expect(JSON.parse(server.calls[0]?.body ?? '')).toMatchObject({
      kmsKeyId: 'arn:aws:kms:eu-central-1:1:key/k',
    });
  });

  test('is not created if someone else has enabled a flow log for the VPC', async () => {
    const logGroups: Record<string, LogGroup> = {};
    await using server = await aws({ logGroups, flowLogs: [{ id: 'fl-9', vpc: VPC }] });
    const forVpc = { ...change, vpc: VPC };

    const application = applyChange(sessionOf(server.endpoint), forVpc);

    await expect(application).rejects.toMatchObject({ name: 'StalePlanError' });
    expect(logGroups).toEqual({});
  });

  test.each([
    { what: 'created by this job', group: undefined, made: ['log group', 'retention'] },
    { what: 'completed by this job', group: { tags: ours }, made: ['retention'] },
    { what: 'of someone else', group: { tags: {} }, made: [] },
  ])('$what is recorded as such', async ({ group, made }) => {
    await using server = await aws({ logGroups: group === undefined ? {} : { [name]: group } });

    const applied = await applyChange(sessionOf(server.endpoint), change);

    expect(applied).toEqual({ ...change, made });
  });

  const aborted = jsonAnswer({ __type: 'OperationAbortedException', message: 'at work' }, 400);

  const busy = [
    { what: 'is still working on it', answer: aborted },
    { what: 'throttles', answer: jsonAnswer({ __type: 'ThrottlingException', message: 'slow' }, 400) },
  ];

  /** Creates the log group; its retention gets these answers in order, and reads show this retention. */
  const withRetention = (answers: readonly Answer[], retentionInDays?: number) => {
    const left = [...answers];
    return scriptedAws(
      answerByAction({
        'logs:CreateLogGroup': () => jsonAnswer({}),
        'logs:PutRetentionPolicy': () => left.shift() ?? jsonAnswer({}),
        'logs:DescribeLogGroups': () => jsonAnswer({ logGroups: [{ logGroupName: name, retentionInDays }] }),
        'logs:ListTagsForResource': () => jsonAnswer({ tags: ours }),
      }),
    );
  };

  const retentionCalls = (calls: readonly ReceivedCall[]) =>
    calls.filter((call) => actionsOf([call]).includes('logs:PutRetentionPolicy'));

  test.each(busy)('gets its retention a moment later if AWS $what', async ({ answer }) => {
    await using server = await withRetention([answer]);

    const applied = await applyChange(sessionOf(server.endpoint), change);

    expect(applied).toMatchObject({ made: ['log group', 'retention'] });
  });

  test.each(busy)('keeps a retention that someone sets while AWS $what', async ({ answer }) => {
    await using server = await withRetention([answer], 365);

    const applied = await applyChange(sessionOf(server.endpoint), change);

    expect(applied).toMatchObject({ made: ['log group'] });
    expect(retentionCalls(server.calls)).toHaveLength(1);
  });

  test.each(busy)('can be stopped between its calls if AWS $what', async ({ answer }) => {
    await using server = await withRetention([answer]);
    const held = new BlockedError('paused');
    const noted: unknown[] = [];

    const application = applyChange(sessionOf(server.endpoint), change, (soFar) => void noted.push(soFar), {
      mayContinue: () => (noted.length === 0 ? Promise.resolve() : Promise.reject(held)),
    });

    await expect(application).rejects.toBe(held);
    expect(noted).toEqual([{ ...change, made: ['log group'] }]);
    expect(retentionCalls(server.calls)).toHaveLength(1);
  });

  test('whose retention AWS never accepts is recorded as created', async () => {
    await using server = await withRetention(Array.from({ length: 9 }, () => aborted));
    const noted: unknown[] = [];

    const application = applyChange(sessionOf(server.endpoint), change, (soFar) => void noted.push(soFar));

    await expect(application).rejects.toMatchObject({ name: 'ChangeRefusedError', because: 'busy' });
    expect(noted).toEqual([{ ...change, made: ['log group'] }]);
  });
});

describe('the flow log', () => {
  const change = {
    kind: 'flow-log-create',
    resource: VPC,
    trafficType: 'ALL',
    maxAggregationInterval: 600,
    destination: { type: 's3', arn: 'arn:aws:s3:::acme' },
    flowLogId: null,
  };
  const deletion = { ...change, kind: 'flow-log-delete', flowLogId: 'fl-1' };

  test.each<{ what: string; flowLog: Partial<FlowLog>; error: Record<string, unknown> }>([
    {
      what: 'logs the VPC now',
      flowLog: {},
      error: {
        name: 'StalePlanError',
        message: `VPC ${VPC} has flow log fl-9: someone else has created it`,
      },
    },
    {
      what: 'has the same destination and delivers nothing',
      flowLog: { failure: 'Access error', logGroup: '/flows' },
      error: {
        name: 'ChangeRefusedError',
        because: 'refused',
        message: `flow log fl-9 of VPC ${VPC} to log group /flows exists but delivers nothing (AWS: Access error), and AWS does not allow a second one: fix its permissions, or delete it`,
      },
    },
  ])('is not created if one exists that $what', async ({ flowLog, error }) => {
    const flowLogs: FlowLog[] = [{ id: 'fl-9', vpc: VPC, ...flowLog }];
    await using server = await aws({ flowLogs });
    const destination = {
      type: 'cloud-watch-logs',
      logGroup: '/flows',
      deliveryRoleArn: 'arn:aws:iam::1:role/r',
    };
    const tried = { ...change, destination };

    const application = applyChange(sessionOf(server.endpoint), tried);

    await expect(application).rejects.toMatchObject(error);
    expect(flowLogs).toHaveLength(1);
  });

  test('is created in addition to one that delivers nothing to another destination', async () => {
    await using server = await scriptedAws(
      answerByAction({
        'ec2:DescribeVpcs': describeVpc,
        'ec2:DescribeFlowLogs': () =>
          result(
            'DescribeFlowLogs',
            `<flowLogSet><item><flowLogId>fl-9</flowLogId><resourceId>${VPC}</resourceId><flowLogStatus>ACTIVE</flowLogStatus><deliverLogsStatus>FAILED</deliverLogsStatus><logDestination>arn:aws:s3:::other</logDestination></item></flowLogSet>`,
          ),
        'ec2:CreateFlowLogs': () =>
          result('CreateFlowLogs', '<flowLogIdSet><item>fl-1</item></flowLogIdSet>'),
      }),
    );

    const applied = await applyChange(sessionOf(server.endpoint), change);

    expect(applied).toMatchObject({ flowLogId: 'fl-1' });
  });

  test.each([
    {
      what: 'a failure in an answer with status 200',
      answer: result('CreateFlowLogs', unsuccessful('InvalidParameter')),
      error: {
        name: 'ChangeRefusedError',
        because: 'refused',
        message: `AWS created no flow log for VPC ${VPC}: InvalidParameter: InvalidParameter it is`,
      },
    },
    {
      what: 'a role that AWS does not know yet',
      answer: result(
        'CreateFlowLogs',
        unsuccessful('InvalidParameter').replace('InvalidParameter it is', 'Unable to assume given IAM role'),
      ),
      error: {
        name: 'ChangeRefusedError',
        because: 'refused',
        message: expect.stringContaining(
          'A role that was created minutes ago may not be available everywhere yet',
        ),
      },
    },
    {
      what: 'an empty answer',
      answer: result('CreateFlowLogs', ''),
      error: {
        name: 'ChangeRefusedError',
        message: `AWS created no flow log for VPC ${VPC} and returned no error`,
      },
    },
    {
      what: 'a missing VPC',
      answer: result('CreateFlowLogs', unsuccessful('InvalidVpcId.NotFound')),
      error: { name: 'StalePlanError', message: expect.stringContaining(`VPC ${VPC} is gone`) },
    },
    {
      what: 'a missing VPC, as an error',
      answer: ec2Error('InvalidVpcID.NotFound'),
      error: { name: 'StalePlanError', message: `VPC ${VPC} is gone: nothing was changed` },
    },
    {
      what: 'the same flow log, created by someone else at that moment,',
      answer: result('CreateFlowLogs', unsuccessful('FlowLogAlreadyExists')),
      error: {
        name: 'StalePlanError',
        message: expect.stringContaining('someone else has created the same flow log'),
      },
    },
    {
      what: 'the same flow log, as an error,',
      answer: ec2Error('FlowLogAlreadyExists'),
      error: {
        name: 'StalePlanError',
        message: expect.stringContaining('someone else has created the same flow log'),
      },
    },
  ])('fails with $error.name for $what', async ({ answer, error }) => {
    await using server = await withoutFlowLogs(() => answer);

    const application = applyChange(sessionOf(server.endpoint), change);

    await expect(application).rejects.toMatchObject(error);
  });

  /** Returns an AWS with the flow log of this job, whose DeleteFlowLogs gives this answer. */
  const withOurs = (answer: () => Answer) =>
    scriptedAws(
      answerByAction({
        'ec2:DescribeFlowLogs': () =>
          result(
            'DescribeFlowLogs',
            `<flowLogSet><item><flowLogId>fl-1</flowLogId><resourceId>${VPC}</resourceId></item></flowLogSet>`,
          ),
        'ec2:DeleteFlowLogs': answer,
      }),
    );

  test('that is already gone is not deleted: nothing is written', async () => {
    await using server = await aws({});

    const application = applyChange(sessionOf(server.endpoint), deletion);

    await expect(application).rejects.toMatchObject({ name: 'StalePlanError' });
    expect(actionsOf(server.calls)).toEqual(['ec2:DescribeFlowLogs']);
  });

  test.each([
    {
      what: 'in the answer',
      answer: result('DeleteFlowLogs', unsuccessful('InvalidFlowLogId.NotFound')),
    },
    { what: 'as an error', answer: ec2Error('InvalidFlowLogId.NotFound') },
  ])(
    'that someone else deletes before the call, as AWS reports $what, does not count as deleted by the undo',
    async ({ answer }) => {
      await using server = await withOurs(() => answer);

      const application = applyChange(sessionOf(server.endpoint), deletion);

      await expect(application).rejects.toMatchObject({ name: 'StalePlanError' });
    },
  );

  test('that AWS does not delete is an error, although the answer has status 200', async () => {
    await using server = await withOurs(() => result('DeleteFlowLogs', unsuccessful('InternalError')));

    const application = applyChange(sessionOf(server.endpoint), deletion);

    await expect(application).rejects.toThrow(
      'flow log fl-1 was not deleted: InternalError: InternalError it is',
    );
  });

  test("is found with its id if it was created without an answer, unlike someone else's", async () => {
    const flowLogs: FlowLog[] = [{ id: 'fl-9', vpc: VPC, logGroup: change.destination.arn }];
    await using server = await aws({ flowLogs });
    const session = sessionOf(server.endpoint);

    const others = await findChange(session, change, new Date(0));
    flowLogs.pop();
    const before = await findChange(session, change, new Date(0));
    const applied = await applyChange(session, change);
    flowLogs[0] = { id: 'fl-0123abcd', vpc: VPC, logGroup: change.destination.arn, tags: tagsOf('test') };
    const afterwards = await findChange(session, change, new Date(0));

    expect([others, before, afterwards]).toEqual([undefined, undefined, applied]);
  });

  test('is not confused with one that another job created at the same moment', async () => {
    const made = { vpc: VPC, logGroup: change.destination.arn, created: '2026-06-30T12:00:00Z' };
    const flowLogs: FlowLog[] = [{ ...made, id: 'fl-1', tags: tagsOf('other') }];
    await using server = await aws({ flowLogs });
    const session = sessionOf(server.endpoint);

    const others = await findChange(session, change, new Date('2026-06-30T12:00:00Z'));
    flowLogs.push({ ...made, id: 'fl-2', tags: tagsOf('test') });
    const own = await findChange(session, change, new Date('2026-06-30T12:00:00Z'));

    expect([others, own]).toEqual(['none', { ...change, flowLogId: 'fl-2' }]);
  });

  test('is confirmed when reads show it', async () => {
    const flowLogs: FlowLog[] = [];
    await using server = await aws({ flowLogs });
    const session = sessionOf(server.endpoint);

    const applied = await applyChange(session, change);
    const afterwards = await isChangeVisible(session, applied);
    flowLogs.pop();
    const inAnOldRead = await isChangeVisible(session, applied);

    expect([afterwards, inAnOldRead]).toEqual([true, false]);
  });
});

test('the rule uses exactly its declared permissions', async () => {
  const cloudWatch: Account = { flowLogs: [], logGroups: {} };
  await using first = await aws(cloudWatch);
  await using second = await aws({});
  const session = sessionOf(first.endpoint);

  await rule.assess(session, [VPC], {});
  const read = actionsOf(first.calls);
  const applied = [];
  // The second time, the log group exists without a retention, so that the change makes all calls that it may need.
  for (const change of await planOf({})) applied.push(await applyChange(session, change));
  Object.assign(cloudWatch.logGroups ?? {}, {
    [`/cspm-auto-remediation/vpc-flow-logs/${VPC}`]: { tags: { [MADE_BY]: 'cspm-auto-remediation' } },
  });
  const [logGroup] = await planOf({});
  const unbound = { kind: 'log-group-create', resource: '', ...logGroup, vpc: undefined };
  await applyChange(session, unbound);
  for (const change of await planOf({ destination: 'arn:aws:s3:::acme' })) {
    await applyChange(sessionOf(second.endpoint), change);
  }
  const written = actionsOf([...first.calls, ...second.calls]);
  const calls = first.calls.length;
  for (const change of applied) {
    const inverse = await inverseOf(change);
    if (inverse !== undefined) await applyChange(session, inverse);
  }

  const { permissions } = rule;
  expect(grantedActions(permissions.read)).toEqual(read);
  expect(grantedActions(permissions.read, permissions.write)).toEqual(written);
  expect(grantedActions(permissions.undo)).toEqual(actionsOf(first.calls.slice(calls)));
});
