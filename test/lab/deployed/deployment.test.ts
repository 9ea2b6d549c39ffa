import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { outcomesKey } from '../../../lambdas/model/evidence-keys.ts';
import type { Poll } from '../../../lambdas/model/job.ts';
import type { Outcome } from '../../../lambdas/model/outcome.ts';
import { pollSummaryKey } from '../../../lambdas/model/poll-summary.ts';
import {
  type Answer,
  jsonAnswer,
  type ReceivedCall,
  type ScriptedAws,
  s3Error,
  scriptedAws,
  xmlAnswer,
} from '../scripted-aws/scripted-aws.ts';
import { Deployment } from './deployment.ts';
import { emptyPollSummary } from './poll-summary.ts';

const ACCOUNT = '111111111111';
const RULE = 'security-group-ssh-open';
const AT = new Date('2026-11-24T12:00:00Z');
const poll: Poll = { source: 'netskope', rule: RULE, asOf: '2026-11-24T12:00:00Z' };

/** The evidence bucket's objects, by key. */
let objects: Map<string, string>;
/** The input with which the collector was started. */
let started: unknown;
let collector: (input: unknown) => Answer;
let aws: ScriptedAws;

function list(prefix: string): Answer {
  const keys = [...objects.keys()].filter((key) => key.startsWith(prefix)).sort();
  const contents = keys.map((key) => `<Contents><Key>${key}</Key></Contents>`).join('');
  return xmlAnswer(`<ListBucketResult><IsTruncated>false</IsTruncated>${contents}</ListBucketResult>`);
}

function answer({ method, path, headers, body }: ReceivedCall): Answer {
  const { pathname, searchParams } = new URL(path, 'http://aws');
  const target = String(headers['x-amz-target'] ?? '');
  if (target.endsWith('GetQueueUrl')) {
    const name = String(JSON.parse(body).QueueName);
    return jsonAnswer({ QueueUrl: `https://sqs/${name}` });
  }
  if (target.endsWith('GetQueueAttributes')) {
    const isDead = body.includes('dead-letters');
    return jsonAnswer({
      Attributes: {
        ApproximateNumberOfMessages: isDead ? '1' : '2',
        ApproximateNumberOfMessagesNotVisible: isDead ? '0' : '3',
      },
    });
  }
  if (pathname.startsWith('/schedules/')) {
    const input = {
      rule: RULE,
      scheduled_time: '<aws.scheduler.scheduled-time>',
      netskope_rule_names: ['n'],
    };
    return jsonAnswer({ Name: RULE, Target: { Input: JSON.stringify(input) } });
  }
  if (pathname.endsWith('/invocations')) {
    started = JSON.parse(body);
    return collector(started);
  }
  if (method === 'GET' && searchParams.has('list-type')) return list(searchParams.get('prefix') ?? '');
  const object = objects.get(decodeURIComponent(pathname).split('/').slice(2).join('/'));
  return object === undefined ? s3Error('NoSuchKey', 404) : { status: 200, body: object };
}

beforeEach(async () => {
  objects = new Map();
  collector = () => jsonAnswer({});
  aws = await scriptedAws(answer);
});
afterEach(async () => {
  await aws[Symbol.asyncDispose]();
});

const deployment = (): Deployment =>
  new Deployment({ endpoint: aws.endpoint, account: ACCOUNT, homeRegion: 'eu-central-1' });

const summary = (findings: number) =>
  emptyPollSummary(poll, { ruleNames: ['n'], items: findings, findings, jobs: 1 });

function line(resource: string, change: Partial<Outcome> = {}): Outcome {
  const finding = { rule: RULE, account: ACCOUNT, region: 'eu-central-1', resource };
  return {
    ...{ version: 1, poll, finding, outcome: 'remediated', plan: [], applied: [] },
    ...{ startedAt: poll.asOf, finishedAt: poll.asOf },
    ...change,
  };
}

/** Writes one object of evidence. @returns its key */
function write(number: number, ...lines: readonly Outcome[]): string {
  const key = outcomesKey(poll, 'job', number);
  objects.set(key, lines.map((each) => JSON.stringify(each)).join('\n'));
  return key;
}

describe('a poll', () => {
  test("is started with the schedule's input, at the given time, and returns its outcomes", async () => {
    collector = () => {
      objects.set(pollSummaryKey(poll), JSON.stringify(summary(2)));
      write(1, line('sg-2'), line('sg-1'));
      return jsonAnswer({});
    };

    const { summary: given, outcomes } = await deployment().poll(RULE, AT);

    expect(started).toEqual({ rule: RULE, scheduled_time: AT.toISOString(), netskope_rule_names: ['n'] });
    expect(given.findings).toBe(2);
    expect(outcomes.map(({ finding }) => finding.resource)).toEqual(['sg-1', 'sg-2']);
  });

  test('is complete when every finding has its outcome', async () => {
    objects.set(pollSummaryKey(poll), JSON.stringify(summary(2)));
    write(1, line('sg-1'));

    const polled = deployment().poll(RULE, AT);
    const lists = () => aws.calls.filter(({ path }) => path.includes('list-type')).length;
    await expect.poll(lists, { timeout: 10_000 }).toBeGreaterThan(0);
    write(2, line('sg-2'));

    expect((await polled).outcomes).toHaveLength(2);
  });

  test("fails with the collector's error", async () => {
    collector = () => ({
      status: 200,
      body: '{"errorMessage":"no token"}',
      headers: { 'x-amz-function-error': 'Unhandled', 'content-type': 'application/json' },
    });

    await expect(deployment().poll(RULE, AT)).rejects.toThrow(/the collector failed for .*no token/);
  });
});

test('the line that no other one replaces counts, and closed findings and other polls do not', async () => {
  objects.set(pollSummaryKey(poll), JSON.stringify(summary(1)));
  const first = write(1, line('sg-1', { outcome: 'failed', reason: 'denied', deadLetter: true }));
  write(
    2,
    line('sg-1', { replaces: first }),
    line('sg-gone', { outcome: 'closed', reason: 'no longer given' }),
  );
  write(3, line('sg-1', { poll: { ...poll, asOf: '2026-11-24T11:00:00Z' }, outcome: 'planned' }));

  const { outcomes } = await deployment().poll(RULE, AT);

  expect(outcomes).toMatchObject([{ outcome: 'remediated', replaces: first }]);
});

test('messages in the queue and its dead-letter queue are counted, in flight or not', async () => {
  expect(await deployment().queueDepths('eu-central-1')).toEqual({ jobs: 5, deadLetters: 1 });
});
