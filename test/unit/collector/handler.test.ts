import { describe, expect, test } from 'vitest';
import { jobId } from '../../../lambdas/model/job.ts';
import { pollSummarySchema } from '../../../lambdas/model/poll-summary.ts';
import { type Answer, jsonAnswer, scriptedAws } from '../../lab/scripted-aws/scripted-aws.ts';
import { send, startServer } from './support/http-server.ts';
import { answerWell, type Invocation, invoke, jobsOf, startAws, TOKEN } from './support/invocation.ts';
import { groupId, item } from './support/items.ts';

const EVENT = {
  rule: 'security-group-ssh-open',
  scheduled_time: '2026-01-31T12:00:00Z',
  netskope_rule_names: [],
};

function startTenant(items: readonly unknown[]) {
  return startServer((request, response) => {
    const skip = Number(new URL(request.url ?? '', 'http://tenant').searchParams.get('skip'));
    send(response, { body: { status: 'success', msg: '', data: items.slice(skip) } });
  });
}

/** Metrics by name, each with its dimensions and value. */
function metrics({ lines }: Invocation): Map<string, unknown> {
  return new Map(
    lines
      .filter((line) => '_aws' in line)
      .map(({ _aws, ...values }) => [
        Object.keys(values).find((name) => /^[A-Z]/.test(name)) ?? '',
        { ...values, namespace: JSON.stringify(_aws).match(/"Namespace":"([^"]+)"/)?.[1] },
      ]),
  );
}

function messages({ lines }: Invocation, level: string): unknown[] {
  return lines.filter((line) => line['level'] === level).map((line) => line['message']);
}

describe('the handler', { timeout: 30_000 }, () => {
  test('sends dry runs for a request to plan, and neither reports nor remembers anything', async () => {
    await using tenant = await startTenant([
      item({ resource_id: groupId(1) }),
      item({ resource_id: groupId(2), region_name: 'Moon(Base)' }),
    ]);
    await using aws = await startAws();
    const before = Math.floor(Date.now() / 1000);

    const event = { rule: EVENT.rule, scheduled_time: 'now', at_most: 'dry_run' };
    const invocation = await invoke({ tenant: tenant.url, aws, event });

    expect(invocation.result).toMatchObject({ findings: 1, poll: { plans: true } });
    const [job] = jobsOf(aws);
    expect(job).toMatchObject({ atMost: 'dry_run', poll: { plans: true } });
    expect(Date.parse(job?.poll.asOf ?? '') / 1000).toBeGreaterThanOrEqual(before);
    const puts = aws.calls.filter(({ method }) => method === 'PUT').map(({ path }) => path);
    expect(puts.map((path) => path.split('/').slice(2, 4).join('/')).toSorted()).toEqual([
      'plans/polls',
      'plans/unprocessable',
      expect.stringMatching(/^schedules/),
    ]);
    const targets = aws.calls.map(({ headers }) => String(headers['x-amz-target']));
    expect(targets.filter((target) => /DynamoDB|AWSEvents/.test(target))).toEqual([]);
    expect(metrics(invocation).size).toBe(0);
  });

  test('polls, logs the result in one line, and counts it', async () => {
    await using tenant = await startTenant([
      item({ resource_id: groupId(1) }),
      item({ resource_id: groupId(2), region_name: 'Moon(Base)' }),
      item({ resource_id: groupId(3), region_name: 'Moon(Base)' }),
      item({ resource_id: 'nonsense' }),
      item({ mute: 'true' }),
    ]);
    await using aws = await startAws();

    const invocation = await invoke({ tenant: tenant.url, aws, event: EVENT });

    expect(invocation.thrown).toBeUndefined();
    expect(invocation.result).toMatchObject({ items: 5, findings: 1, jobs: 1 });
    expect(jobsOf(aws)).toMatchObject([{ poll: { asOf: EVENT.scheduled_time }, region: 'us-east-1' }]);
    const puts = aws.calls.filter(({ method }) => method === 'PUT');
    expect(puts.map(({ path }) => path.split('/')[2]).toSorted()).toEqual([
      // The summary, the listing, and the schedules.
      'polls',
      'polls',
      'schedules',
      ...Array.from({ length: 3 }, () => 'unprocessable'),
    ]);
    const summary = puts.find(({ path }) =>
      path.startsWith(`/cspm-evidence/polls/${EVENT.rule}/1769860800.json`),
    );
    const marks = aws.calls.filter(({ headers }) => headers['x-amz-target'] === 'DynamoDB_20120810.PutItem');
    expect(marks.map(({ body }) => JSON.parse(body))).toMatchObject([
      { TableName: 'cspm-findings', Item: { pk: { S: `sent#${EVENT.rule}#111111111111#us-east-1` } } },
      { TableName: 'cspm-findings', Item: { pk: { S: `poll#${EVENT.rule}` }, sk: { S: 'last' } } },
    ]);
    expect(pollSummarySchema.safeParse(JSON.parse(summary?.body ?? '')).error).toBeUndefined();
    const common = { service: 'cspm-collector', namespace: 'CspmAutoRemediation' };
    expect(metrics(invocation)).toEqual(
      new Map([
        ['PollSucceeded', { ...common, rule: EVENT.rule, PollSucceeded: 1 }],
        ['Findings', { ...common, rule: EVENT.rule, Findings: 1 }],
        ['Unprocessable', { ...common, rule: EVENT.rule, Unprocessable: 3 }],
        ['UnprocessableFindings', { ...common, UnprocessableFindings: 3 }],
        ['UnknownRegionLabel', { ...common, UnknownRegionLabel: 2 }],
      ]),
    );
    expect(messages(invocation, 'INFO')).toEqual([
      'poll netskope.security-group-ssh-open@1769860800: 1 findings in 1 jobs to 1 accounts and regions',
    ]);
    expect(messages(invocation, 'WARN')).toEqual([
      expect.stringMatching(/"Moon\(Base\)" is unknown: 2 findings .*region_labels/),
      expect.stringMatching(
        /^3 findings .*s3:\/\/cspm-evidence\/unprocessable\/security-group-ssh-open\/1769860800\//,
      ),
    ]);
  });

  test('counts only the poll itself if it finds nothing, because a metric costs money', async () => {
    await using tenant = await startTenant([]);
    await using aws = await startAws();

    const invocation = await invoke({ tenant: tenant.url, aws, event: EVENT });

    expect(invocation.thrown).toBeUndefined();
    expect(invocation.result).toMatchObject({ items: 0, findings: 0 });
    expect([...metrics(invocation).keys()]).toEqual(['PollSucceeded']);
    expect(messages(invocation, 'INFO')).toEqual([
      'poll netskope.security-group-ssh-open@1769860800: 0 findings in 0 jobs to 0 accounts and regions',
    ]);
  });

  test('reports items that the filter should have excluded: 300 items without a match are not a healthy poll', async () => {
    await using tenant = await startTenant([
      ...Array.from({ length: 298 }, (_, index) =>
        item({ resource_id: groupId(index), rule_name: 'Another name of the rule' }),
      ),
      item({ cloud_provider: 'Amazon' }),
      item({ status: 'Passed' }),
    ]);
    await using aws = await startAws();

    const invocation = await invoke({ tenant: tenant.url, aws, event: EVENT });

    expect(invocation.result).toMatchObject({
      items: 300,
      findings: 0,
      leftAlone: { other_rule: 298, other_cloud: 1, passed: 1, muted: 0 },
    });
    expect(metrics(invocation).get('UnmatchedItems')).toMatchObject({
      rule: EVENT.rule,
      UnmatchedItems: 300,
    });
    expect(metrics(invocation).has('Findings')).toBe(false);
    expect(messages(invocation, 'WARN')).toEqual([
      expect.stringMatching(
        /^300 of 300 items .*: 298 of another rule, 1 of another cloud, 1 passed; .*netskope_rule_names/,
      ),
    ]);
  });

  test('finds rules that have not been polled for too long, and counts them', async () => {
    await using tenant = await startTenant([]);
    const texts = {
      pk: 'poll#s3-bucket-public',
      sk: 'last',
      rule: 's3-bucket-public',
      at: '2020-01-01T00:00:00.000Z',
    };
    const old = {
      ...Object.fromEntries(Object.entries(texts).map(([name, S]) => [name, { S }])),
      version: { N: '1' },
      expiresAt: { N: '1999999999' },
    };
    await using aws = await startAws((call) =>
      String(call.headers['x-amz-target']).endsWith('.BatchGetItem')
        ? jsonAnswer({ Responses: { 'cspm-findings': [old] } })
        : answerWell(call),
    );

    const invocation = await invoke({
      tenant: tenant.url,
      aws,
      event: { check: 'polls' },
      environment: { POLL_SCHEDULES: JSON.stringify({ 's3-bucket-public': 'rate(8 days)' }) },
    });

    expect(invocation.result).toEqual({ overdue: ['s3-bucket-public'] });
    expect(metrics(invocation)).toEqual(
      new Map([
        ['PollsChecked', { service: 'cspm-collector', namespace: 'CspmAutoRemediation', PollsChecked: 1 }],
        ['PollOverdue', { service: 'cspm-collector', namespace: 'CspmAutoRemediation', PollOverdue: 1 }],
      ]),
    );
    expect(messages(invocation, 'ERROR')).toEqual([
      expect.stringMatching(/^rule s3-bucket-public has not been polled successfully since .*rate\(8 days\)/),
    ]);
    expect(tenant.requests).toEqual([]);
  });

  test('lists failing rules with counts; if the source refuses, only the caller gets the error', async () => {
    await using tenant = await startTenant([item({ resource_id: groupId(1) }), item({ rule_name: 'Other' })]);
    await using refusing = await startServer((_, response) =>
      send(response, { body: { status: 'error', errorCode: 'Authorization Error', errors: ['no'] } }),
    );
    await using aws = await startAws();
    const event = { list: 'failing_rules' };

    const well = await invoke({ tenant: tenant.url, aws, event });
    const refused = await invoke({ tenant: refusing.url, aws, event });

    expect(well.result).toMatchObject({
      failing_rules: [{ source: 'netskope', rules: [{ findings: 1 }, { name: 'Other', findings: 1 }] }],
    });
    expect(JSON.stringify(refused)).toMatch(/put a valid token into/);
    expect(JSON.stringify(refused)).not.toContain(TOKEN);
    expect(JSON.stringify([well, refused])).not.toContain('PollFailed');
  });

  test('checks a source by requesting one finding; only the caller gets the reason for a failure', async () => {
    await using tenant = await startTenant([item({ resource_id: groupId(1) })]);
    await using refusing = await startServer((_, response) =>
      send(response, { body: { status: 'error', errorCode: 'Authorization Error', errors: ['no'] } }),
    );
    await using aws = await startAws();
    const event = { check: 'sources' };

    const well = await invoke({ tenant: tenant.url, aws, event });
    const refused = await invoke({ tenant: refusing.url, aws, event });

    expect(well.result).toEqual({ sources: [{ source: 'netskope' }] });
    expect(tenant.requests).toEqual([expect.stringMatching(/limit=1&/)]);
    expect(refused.result).toEqual({
      sources: [{ source: 'netskope', problem: expect.stringMatching(/put a valid token into/) }],
    });
    expect(JSON.stringify(refused.result)).not.toContain(TOKEN);
    expect(metrics(refused).size).toBe(0);
  });

  test('fails loudly when the tenant refuses the token, and does not reveal the token', async () => {
    await using tenant = await startServer((request, response) =>
      send(response, { body: { status: 'error', errorCode: 'Authorization Error', errors: [request.url] } }),
    );
    await using aws = await startAws();

    const invocation = await invoke({ tenant: tenant.url, aws, event: EVENT });

    expect(invocation.thrown).toMatchObject({ name: 'FindingSourceError' });
    expect(metrics(invocation)).toEqual(
      new Map([
        ['PollFailed', { service: 'cspm-collector', namespace: 'CspmAutoRemediation', PollFailed: 1 }],
      ]),
    );
    expect(messages(invocation, 'ERROR')).toEqual([
      expect.stringMatching(
        /^poll netskope.security-group-ssh-open@1769860800 failed: .*Authorization Error.*put a valid token into arn:aws:secretsmanager.*It is retried/,
      ),
    ]);
    expect(invocation.output).not.toContain(TOKEN);
    expect(invocation.output).not.toContain(encodeURIComponent(TOKEN));
    expect(jobsOf(aws)).toEqual([]);
  });

  test('fails loudly when a queue accepts nothing', async () => {
    await using tenant = await startTenant([item()]);
    await using aws = await startAws((call) =>
      call.headers['x-amz-target'] === 'AmazonSQS.SendMessageBatch'
        ? {
            status: 403,
            headers: { 'content-type': 'application/x-amz-json-1.0' },
            body: JSON.stringify({
              __type: 'com.amazonaws.sqs#AccessDenied',
              message: 'not allowed to send',
            }),
          }
        : answerWell(call),
    );

    const invocation = await invoke({ tenant: tenant.url, aws, event: EVENT });

    expect(invocation.thrown).toMatchObject({ name: 'DeliveryError' });
    expect(messages(invocation, 'ERROR')).toEqual([
      expect.stringContaining('us-east-1: not allowed to send'),
    ]);
    expect([...metrics(invocation).keys()]).toEqual(['PollFailed']);
  });

  describe('when the findings table', () => {
    const ofTable = (code: string, more: object = {}): Answer =>
      jsonAnswer({ __type: `com.amazonaws.dynamodb.v20120810#${code}`, message: code, ...more }, 400);
    const newer = { pk: { S: 'newer' }, sk: { S: 'last' }, version: { N: '2' } };

    test.each<[string, 'BatchGetItem' | 'PutItem', Answer, RegExp]>([
      ['is missing', 'BatchGetItem', ofTable('ResourceNotFoundException'), /ResourceNotFoundException/],
      ['is throttled', 'BatchGetItem', ofTable('ThrottlingException'), /ThrottlingException/],
      ['is denied', 'BatchGetItem', ofTable('AccessDeniedException'), /AccessDeniedException/],
      [
        'has an item of a newer version',
        'BatchGetItem',
        jsonAnswer({ Responses: { 'cspm-findings': [newer] } }),
        /has version 2/,
      ],
      ['accepts no write', 'PutItem', ofTable('AccessDeniedException'), /AccessDeniedException/],
      [
        'already has an item of a newer version under the same key',
        'PutItem',
        ofTable('ConditionalCheckFailedException', { Item: newer }),
        /has version 2/,
      ],
    ])('%s (%s), the poll fails loudly and the next one succeeds', async (_, operation, fault, words) => {
      await using tenant = await startTenant([item({ resource_id: groupId(1) })]);
      let isFaulty = true;
      await using aws = await startAws((call) =>
        isFaulty && call.headers['x-amz-target'] === `DynamoDB_20120810.${operation}`
          ? fault
          : answerWell(call),
      );

      const failed = await invoke({ tenant: tenant.url, aws, event: EVENT });
      const sentAmidFaults = jobsOf(aws).map(jobId);
      isFaulty = false;
      const done = await invoke({ tenant: tenant.url, aws, event: EVENT });

      expect(failed.thrown?.message).toMatch(words);
      expect(messages(failed, 'ERROR')).toEqual([expect.stringMatching(words)]);
      expect([...metrics(failed).keys()]).toEqual(['PollFailed']);
      // Without knowledge of pending jobs, a poll sends none; jobs that it has sent are accepted once by the queue.
      expect(sentAmidFaults).toHaveLength(operation === 'PutItem' ? 1 : 0);
      expect(done.thrown).toBeUndefined();
      expect(new Set(jobsOf(aws).map(jobId)).size).toBe(1);
      expect(metrics(done).has('PollSucceeded')).toBe(true);
    });

    test("does not answer, the poll fails loudly before Lambda's silent timeout", async () => {
      await using tenant = await startTenant([item()]);
      await using aws = await scriptedAws((call) =>
        String(call.headers['x-amz-target']).startsWith('DynamoDB_') ? 'silent' : answerWell(call),
      );

      const invocation = await invoke({ tenant: tenant.url, aws, event: EVENT, remainingMilliseconds: 6000 });

      expect(invocation.thrown).toMatchObject({ name: 'DeadlineError' });
      expect([...metrics(invocation).keys()]).toEqual(['PollFailed']);
      expect(jobsOf(aws)).toEqual([]);
    });
  });

  test.each([
    ['an invalid event', { rule: 'ssh' }, {}, /rule: expected one of .*, got ssh/],
    [
      'an invalid environment',
      EVENT,
      { REGIONS: 'eu-central-1', NAME: '' },
      /NAME: .*REGIONS: expected JSON/,
    ],
  ])('fails loudly for %s', async (_, event, environment, message) => {
    await using tenant = await startTenant([]);
    await using aws = await startAws();

    const invocation = await invoke({ tenant: tenant.url, aws, event, environment });

    expect(invocation.thrown).toMatchObject({
      name: 'InvalidInputError',
      message: expect.stringMatching(message),
    });
    expect(messages(invocation, 'ERROR')).toEqual([expect.stringMatching(message)]);
    expect([...metrics(invocation).keys()]).toEqual(['PollFailed']);
    expect(tenant.requests).toEqual([]);
  });

  test("fails loudly before Lambda's silent timeout", async () => {
    await using tenant = await startServer(() => {
      // Never answers.
    });
    await using aws = await startAws();

    const invocation = await invoke({
      tenant: tenant.url,
      aws,
      event: EVENT,
      remainingMilliseconds: 6000,
    });

    expect(invocation.thrown).toMatchObject({ name: 'DeadlineError' });
    expect(messages(invocation, 'ERROR')).toEqual([expect.stringContaining('raise the timeout')]);
    expect([...metrics(invocation).keys()]).toEqual(['PollFailed']);
  });
});
