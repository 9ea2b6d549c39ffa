import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { applyChange, describeChange, inverseOf } from '../../../lambdas/changes/index.ts';
import { rule } from '../../../lambdas/rules/vpc-flow-logs-disabled/rule.ts';
import { actionsOf, answerByAction, grantedActions, listed } from '../../lab/called-actions.ts';
import { type Answer, ec2Error, jsonAnswer, scriptedAws, xmlAnswer } from '../../lab/scripted-aws.ts';
import { testSession } from '../../lab/session.ts';

const ACCOUNT = '111122223333';
const VPC = 'vpc-0123abcd';
const MADE_BY = 'cspm-auto-remediation:made-by';

interface FlowLog {
  readonly id: string;
  readonly vpc: string;
  readonly status?: string;
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

/** EC2 and CloudWatch Logs, as their API references say, with pages of one flow log. */
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
              ({ id, vpc, status = 'ACTIVE' }) =>
                `<item><flowLogId>${id}</flowLogId><resourceId>${vpc}</resourceId><flowLogStatus>${status}</flowLogStatus></item>`,
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

const sessionOf = (endpoint: string) => testSession({ endpoint, account: ACCOUNT, region: 'eu-central-1' });

async function planOf(options: Readonly<Record<string, unknown>>) {
  await using server = await aws({});
  const assessment = (await rule.assess(sessionOf(server.endpoint), [VPC], options)).get(VPC);
  if (assessment?.state !== 'violation') throw new Error('expected a violation');
  return assessment.plan;
}

describe('what is seen of a VPC', () => {
  test('one without a flow log violates the rule, and shows its tags', async () => {
    await using server = await aws({ vpcs: { [VPC]: { tags: { team: 'blue' } } } });

    const assessments = await rule.assess(sessionOf(server.endpoint), [VPC], {});

    expect(assessments.get(VPC)).toMatchObject({
      state: 'violation',
      seen: { account: ACCOUNT, partition: 'aws', region: 'eu-central-1', inactiveFlowLogs: [] },
      tags: { team: 'blue' },
    });
  });

  test('any active flow log counts, whoever made it, on whichever page', async () => {
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

  test('one that is not there is gone; one that another account shares is not ours to log', async () => {
    await using server = await aws({ vpcs: { 'vpc-00000001': { owner: '999988887777' } } });

    const assessments = await rule.assess(sessionOf(server.endpoint), ['vpc-00000001', 'vpc-00000002'], {});

    expect(assessments.get('vpc-00000001')).toEqual({
      state: 'not_applicable',
      reason: 'VPC vpc-00000001 is shared by account 999988887777: only its owner can log its traffic',
    });
    expect(assessments.get('vpc-00000002')).toEqual({ state: 'gone' });
  });

  test('25 VPCs take two calls', async () => {
    const ids = Array.from({ length: 25 }, (_, n) => `vpc-000000${n + 10}`);
    await using server = await aws({ vpcs: Object.fromEntries(ids.map((id) => [id, {}])) });

    await rule.assess(sessionOf(server.endpoint), ids, {});

    expect(server.calls).toHaveLength(2);
  });
});

describe('the plan', () => {
  test('makes a log group for the VPC and a flow log to it', async () => {
    const plan = await planOf({});

    expect(await Promise.all(plan.map(describeChange))).toEqual([
      `+ log group /cspm-auto-remediation/vpc-flow-logs/${VPC}, unless there is one: kept 90 days`,
      `+ flow log of ${VPC}, ALL traffic every 600 s, to log group /cspm-auto-remediation/vpc-flow-logs/${VPC}`,
    ]);
    expect(plan[1]).toMatchObject({
      destination: { deliveryRoleArn: `arn:aws:iam::${ACCOUNT}:role/cspm-auto-remediation-flow-logs` },
    });
  });

  test('does so as the options say', async () => {
    const plan = await planOf({
      log_group_name: '/network/{vpc_id}/flows',
      retention_days: 365,
      kms_key_arn: `arn:aws:kms:{region}:${ACCOUNT}:key/mrk-0123abcd`,
      traffic_type: 'REJECT',
      max_aggregation_interval: 60,
      delivery_role_name: 'security/acme-flow-logs',
    });

    expect(await Promise.all(plan.map(describeChange))).toEqual([
      `+ log group /network/${VPC}/flows, unless there is one: kept 365 days, encrypted with arn:aws:kms:eu-central-1:${ACCOUNT}:key/mrk-0123abcd`,
      `+ flow log of ${VPC}, REJECT traffic every 60 s, to log group /network/${VPC}/flows`,
    ]);
    expect(plan[1]).toMatchObject({
      destination: { deliveryRoleArn: `arn:aws:iam::${ACCOUNT}:role/security/acme-flow-logs` },
    });
  });

  test('makes no log group for a bucket', async () => {
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

describe('applied', () => {
  test('the VPC has a flow log with our tag, the log group a retention and our tag, and the VPC is compliant', async () => {
    const account: Account = { flowLogs: [], logGroups: {} };
    await using server = await aws(account);
    const session = sessionOf(server.endpoint);

    for (const change of await planOf({})) await applyChange(session, change);
    const after = (await rule.assess(session, [VPC], {})).get(VPC);

    expect(after).toEqual({ state: 'compliant' });
    expect(account.logGroups).toEqual({
      [`/cspm-auto-remediation/vpc-flow-logs/${VPC}`]: {
        retention: 90,
        tags: { [MADE_BY]: 'cspm-auto-remediation' },
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
    });
  });

  test('its inverses delete the flow log that was made, and keep the log group', async () => {
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

describe('the log group', () => {
  const name = '/flows/vpc-0123abcd';
  const change = { kind: 'log-group-create', resource: name, retentionDays: 90, kmsKeyArn: null };
  const ours = { [MADE_BY]: 'cspm-auto-remediation' };

  test.each([
    { what: 'with a retention of its own', group: { retention: 365, tags: ours }, retention: 365 },
    { what: 'that someone keeps for ever, is left so', group: { tags: {} }, retention: undefined },
    {
      what: 'that an earlier try of ours made and came no further, is finished',
      group: { tags: ours },
      retention: 90,
    },
  ])('one $what', async ({ group, retention }) => {
    const logGroups: Record<string, LogGroup> = { [name]: group, [`${name}-2`]: { retention: 7 } };
    await using server = await aws({ logGroups });

    await applyChange(sessionOf(server.endpoint), change);

    expect(logGroups[name]?.retention).toBe(retention);
  });

  test('is made with its key', async () => {
    const withKey = { ...change, kmsKeyArn: 'arn:aws:kms:eu-central-1:1:key/k' };
    await using server = await aws({});

    await applyChange(sessionOf(server.endpoint), withKey);

    expect(JSON.parse(server.calls[0]?.body ?? '')).toMatchObject({
      kmsKeyId: 'arn:aws:kms:eu-central-1:1:key/k',
    });
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

  test.each([
    { what: 'inside the answer', answer: result('CreateFlowLogs', unsuccessful('FlowLogAlreadyExists')) },
    { what: 'as an error', answer: ec2Error('FlowLogAlreadyExists') },
  ])('that exists already, said $what, is done, and not ours to delete', async ({ answer }) => {
    await using server = await scriptedAws(() => answer);

    const applied = await applyChange(sessionOf(server.endpoint), change);

    await expect(inverseOf(applied)).resolves.toBeUndefined();
  });

  test.each([
    {
      what: 'a failure inside an answer of 200',
      answer: result('CreateFlowLogs', unsuccessful('InvalidParameter')),
      message: `no flow log was made for VPC ${VPC}: InvalidParameter: InvalidParameter it is`,
      because: 'refused',
    },
    {
      what: 'an answer that says nothing',
      answer: result('CreateFlowLogs', ''),
      message: `no flow log was made for VPC ${VPC}: AWS named none and gave no reason`,
      because: 'refused',
    },
    {
      what: 'a VPC that is gone',
      answer: result('CreateFlowLogs', unsuccessful('InvalidVpcId.NotFound')),
      message: `no flow log was made for VPC ${VPC}: InvalidVpcId.NotFound: InvalidVpcId.NotFound it is`,
      because: 'gone',
    },
    {
      what: 'a VPC that is gone, as an error',
      answer: ec2Error('InvalidVpcID.NotFound'),
      message: `VPC ${VPC} is gone: nothing was changed`,
      because: 'gone',
    },
  ])('is refused for $what', async ({ answer, message, because }) => {
    await using server = await scriptedAws(() => answer);

    const application = applyChange(sessionOf(server.endpoint), change);

    await expect(application).rejects.toMatchObject({ name: 'ChangeRefusedError', message, because });
  });

  test('is asked for with one token, however often the SDK sends the call', async () => {
    let tries = 0;
    await using server = await scriptedAws(() => {
      tries += 1;
      return tries === 1
        ? 'cut'
        : result('CreateFlowLogs', '<flowLogIdSet><item>fl-0123abcd</item></flowLogIdSet>');
    });

    const applied = await applyChange(sessionOf(server.endpoint), change);

    const tokens = server.calls.map(({ form }) => form.get('ClientToken'));
    expect(applied).toMatchObject({ flowLogId: 'fl-0123abcd' });
    expect(tokens).toHaveLength(2);
    expect(tokens[0]).toMatch(/^.{16,}$/);
    expect(tokens[1]).toBe(tokens[0]);
  });

  test.each([
    {
      what: 'inside the answer',
      answer: result('DeleteFlowLogs', unsuccessful('InvalidFlowLogId.NotFound')),
    },
    { what: 'as an error', answer: ec2Error('InvalidFlowLogId.NotFound') },
  ])('that is gone, said $what, is deleted', async ({ answer }) => {
    await using server = await scriptedAws(() => answer);

    const application = applyChange(sessionOf(server.endpoint), deletion);

    await expect(application).resolves.toMatchObject({ flowLogId: 'fl-1' });
  });

  test('that AWS does not delete is an error, though the answer is 200', async () => {
    await using server = await scriptedAws(() => result('DeleteFlowLogs', unsuccessful('InternalError')));

    const application = applyChange(sessionOf(server.endpoint), deletion);

    await expect(application).rejects.toThrow(
      'flow log fl-1 was not deleted: InternalError: InternalError it is',
    );
  });
});

test('the rule calls what it declares, and declares what it calls', async () => {
  const cloudWatch: Account = { flowLogs: [], logGroups: {} };
  await using first = await aws(cloudWatch);
  await using second = await aws({});
  const session = sessionOf(first.endpoint);

  await rule.assess(session, [VPC], {});
  const read = actionsOf(first.calls);
  const applied = [];
  // The second time the log group is there, without a retention: all that the change may have to call.
  for (const change of await planOf({})) applied.push(await applyChange(session, change));
  Object.assign(cloudWatch.logGroups ?? {}, {
    [`/cspm-auto-remediation/vpc-flow-logs/${VPC}`]: { tags: { [MADE_BY]: 'cspm-auto-remediation' } },
  });
  for (const change of await planOf({})) await applyChange(session, change);
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
