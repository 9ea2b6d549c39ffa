import { HttpResponse } from '@smithy/core/protocols';
import { beforeEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import type { AwsSession, ClientSettings } from '../../../lambdas/aws/session.ts';
import { findingNoticeSchema } from '../../../lambdas/model/finding-notice.ts';
import { type Job, jobId, jobSchema } from '../../../lambdas/model/job.ts';
import { investigate } from '../../../lambdas/remediator/investigate.ts';
import type { SessionRequest } from '../../../lambdas/remediator/session.ts';
import { ACCOUNT, awsError, jobOf, REGION, RemediatorInMemory } from './support/remediator-in-memory.ts';

const inputSchema = z.looseObject({
  LookupAttributes: z.array(z.looseObject({})),
  NextToken: z.string().optional(),
});
const JOB: Job = {
  ...jobOf('deploy'),
  investigates: {
    deploy: { changed: 'AKIA-1', from: '2026-06-30T10:00:00Z', to: '2026-06-30T12:00:00Z' },
  },
};
const ATTEMPT = { number: 1, last: false, remainingMilliseconds: () => 300_000 };

let remediator: RemediatorInMemory;
/** The pages that CloudTrail returns, or the code of an error. */
let pages: (readonly object[] | string)[];
let inputs: z.infer<typeof inputSchema>[];
let sessions: SessionRequest[];
let turns: number;
let regions: string[];

beforeEach(() => {
  [remediator, pages, inputs, sessions, turns, regions] = [new RemediatorInMemory(), [], [], [], 0, []];
  remediator.openSession = (request) => {
    sessions.push(request);
    return session(request);
  };
});

function session({ account, region }: SessionRequest): AwsSession {
  const handle = async ({ body }: { body: Uint8Array }) => {
    inputs.push(inputSchema.parse(JSON.parse(new TextDecoder().decode(body))));
    const page = pages[inputs.length - 1] ?? [];
    const headers = { 'content-type': 'application/x-amz-json-1.1' };
    const answer =
      typeof page === 'string'
        ? { __type: page, message: 'by fault' }
        : { Events: page, ...(inputs.length < pages.length && { NextToken: 'next' }) };
    return {
      response: new HttpResponse({
        statusCode: typeof page === 'string' ? 400 : 200,
        headers,
        body: new TextEncoder().encode(JSON.stringify(answer)),
      }),
    };
  };
  return {
    account,
    region,
    partition: 'aws',
    maker: 'test',
    calls: [],
    now: () => new Date(remediator.now),
    turn: async () => {
      turns += 1;
    },
    sleep: async () => {},
    client<C>(Client: new (settings: ClientSettings) => C, place = region): C {
      regions.push(place);
      const settings: ClientSettings & Record<string, unknown> = {
        region: place,
        maxAttempts: 1,
        credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
        requestHandler: { handle },
      };
      return new Client(settings);
    },
  };
}

/** An event as LookupEvents returns it. */
function event(arn: string, record: object = {}, more: object = {}): object {
  const CloudTrailEvent = JSON.stringify({
    eventName: 'UpdateAccessKey',
    eventTime: '2026-06-30T11:00:00Z',
    userAgent: 'aws-cli/2.0',
    userIdentity: { arn },
    ...record,
  });
  return { ReadOnly: 'false', EventName: 'UpdateAccessKey', CloudTrailEvent, ...more };
}

const ADA = `arn:aws:sts::${ACCOUNT}:assumed-role/admin/ada`;
const OURS = `arn:aws:sts::${ACCOUNT}:assumed-role/cspm-remediation/netskope.rule@1782820800`;
const AUTOMATION = `arn:aws:sts::${ACCOUNT}:assumed-role/cspm-automation/Automation`;

test('searches from the full second, because CloudTrail’s times have no fractions, and someone may act within the same second', async () => {
  const asked = { changed: 'AKIA-1', from: '2026-06-30T10:00:00.700Z', to: '2026-06-30T12:00:00Z' };

  await investigate({ ...JOB, investigates: { deploy: asked } }, ATTEMPT, remediator.ports());

  expect(inputs).toMatchObject([{ StartTime: Date.parse('2026-06-30T10:00:00Z') / 1000 }]);
});

test('reports who made the last change that is not ours, and reads no more than that', async () => {
  pages = [
    [
      event(OURS),
      event(AUTOMATION),
      event(ADA, {}, { ReadOnly: 'true' }),
      event('arn:aws:iam::111122223333:user/denied', { errorCode: 'AccessDenied' }),
      { ReadOnly: 'false', CloudTrailEvent: 'not JSON' },
    ],
    [event(ADA)],
    [event('arn:aws:iam::111122223333:user/earlier')],
  ];

  const lines = await investigate(JOB, ATTEMPT, remediator.ports());

  expect(lines).toEqual([]);
  expect(remediator.notices.map((notice) => findingNoticeSchema.parse(notice))).toMatchObject([
    {
      kind: 'undone_by',
      account: ACCOUNT,
      region: REGION,
      findings: [{ resource: 'deploy', since: '2026-06-30T11:00:00.000Z' }],
      words: `the fix of deploy was undone by ${ADA}: UpdateAccessKey at 2026-06-30T11:00:00Z`,
    },
  ]);
  expect(inputs).toHaveLength(2);
  expect(inputs[0]?.LookupAttributes).toEqual([{ AttributeKey: 'ResourceName', AttributeValue: 'AKIA-1' }]);
  expect(turns).toBe(2);
  expect(regions).toEqual(['us-east-1']);
  expect(sessions[0]?.permissions).toEqual([{ actions: ['cloudtrail:LookupEvents'], resources: ['*'] }]);
});

test('reports all findings of a job together', async () => {
  pages = [[event(ADA)], [event(ADA)]];
  const { deploy } = JOB.investigates ?? {};
  if (deploy === undefined) throw new Error('the job investigates nothing');
  const job = {
    ...JOB,
    findings: jobOf('deploy', 'other').findings,
    investigates: { deploy, other: deploy },
  };

  await investigate(job, ATTEMPT, remediator.ports());

  expect(remediator.notices).toMatchObject([
    {
      findings: [{ resource: 'deploy' }, { resource: 'other' }],
      words: expect.stringMatching(/^the fix of deploy was undone by .*; the fix of other was undone by /),
    },
  ]);
});

test.each([
  ['Terraform', { userAgent: 'APN/1.0 HashiCorp/1.0 Terraform/1.11.0' }],
  ['CloudFormation', { userAgent: 'cloudformation.amazonaws.com' }],
  ['CloudFormation', { userIdentity: { arn: ADA, invokedBy: 'cloudformation.amazonaws.com' } }],
])('says that %s will cause the violation again', async (tool, record) => {
  pages = [[event(ADA, record)]];

  await investigate(JOB, ATTEMPT, remediator.ports());

  expect(remediator.notices[0]?.words).toMatch(
    new RegExp(`, with ${tool}: the owner's .* will cause the violation again`),
  );
});

test('sanitizes text that others chose', async () => {
  pages = [[event(`arn:${'x'.repeat(1000)}\n\u202e`, { eventName: 'Evil\nName' })]];

  await investigate(JOB, ATTEMPT, remediator.ports());

  const { words = '' } = remediator.notices[0] ?? {};
  expect(words).toMatch(/^[\x20-\x7e]{1,400}$/);
});

describe('reports nothing', () => {
  test('if CloudTrail has no event', async () => {
    pages = [[event(OURS)]];

    const lines = await investigate(JOB, ATTEMPT, remediator.ports());

    expect(lines).toEqual(['CloudTrail has no event that shows who undid the fix of deploy']);
    expect(remediator.notices).toEqual([]);
  });

  test('if the role lacks the permission', async () => {
    pages = ['AccessDeniedException'];

    const lines = await investigate(JOB, ATTEMPT, remediator.ports());

    expect(lines).toEqual([
      expect.stringContaining('could not be queried to find out who undid fixes: AccessDeniedException'),
    ]);
  });

  test('if it was throttled in all attempts; before the last one, the job is retried', async () => {
    pages = ['ThrottlingException', 'ThrottlingException'];

    const first = investigate(JOB, ATTEMPT, remediator.ports());
    await expect(first).rejects.toMatchObject({ name: 'ThrottlingException' });
    const last = await investigate(JOB, { ...ATTEMPT, last: true }, remediator.ports());

    expect(last).toEqual([expect.stringContaining('ThrottlingException')]);
  });

  test('if there is no role', async () => {
    remediator.fault = (port) => (port === 'session' ? awsError('AccessDenied', 403) : undefined);

    expect(await investigate(JOB, ATTEMPT, remediator.ports())).toHaveLength(1);
  });
});

test('CloudTrail is queried once for a recurring finding, 15 minutes later, by a separate job', async () => {
  remediator = new RemediatorInMemory({ deploy: ['AKIA-1'] });
  for (let day = 0; day < 6; day += 1) {
    remediator.now += 86_400_000;
    remediator.account.users.get('deploy')?.set('AKIA-1', 'Active');
    const asOf = new Date(remediator.now).toISOString();
    await remediator.attempt({ ...jobOf('deploy'), poll: { ...jobOf().poll, asOf } });
  }

  expect(remediator.later).toHaveLength(1);
  const [{ job, delaySeconds } = { job: JOB, delaySeconds: 0 }] = remediator.later;
  expect(delaySeconds).toBe(900);
  expect(jobSchema.parse(job).investigates).toEqual({
    deploy: { changed: 'deploy', from: '2026-07-02T12:00:00.000Z', to: '2026-07-03T12:00:00.000Z' },
  });
  const { investigates: _, ...original } = job;
  expect(jobId(job)).not.toBe(jobId(original));
});
