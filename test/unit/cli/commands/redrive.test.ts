import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { redriveSchema } from '../../../../cli/commands/redrive/result.ts';
import { outcomesKey } from '../../../../lambdas/model/evidence-keys.ts';
import { type Job, jobId } from '../../../../lambdas/model/job.ts';
import type { Outcome } from '../../../../lambdas/model/outcome.ts';
import { lineOf, PRODUCTION, pollAt, SSH } from '../support/records.ts';
import { runCli } from '../support/run-cli.ts';
import { HOME, NAME, SmallAws } from '../support/small-aws.ts';

const LETTERS = `${NAME}-jobs-dead-letters.fifo`;
const jobOf = (resource: string, more: Partial<Job> = {}): Job => ({
  version: 1,
  poll: pollAt('2026-11-24T11:30:00Z'),
  account: PRODUCTION,
  region: HOME,
  chunk: 0,
  findings: [{ rule: SSH, account: PRODUCTION, region: HOME, resource }],
  ...more,
});
const changed = jobOf('sg-changed');
const idle = jobOf('sg-idle');
const closing = jobOf('sg-gone', { closes: true });
const request = {
  version: 1,
  kind: 'undo',
  request: { principal: 'AROAEXAMPLE:ada', id: '7f0c3a52-5b0e-4f7e-9d53-0a4b8a3b8f10' },
  account: PRODUCTION,
  region: HOME,
};

let aws: SmallAws;
beforeEach(async () => {
  aws = await SmallAws.start();
  aws.queues.set(
    `${HOME} ${LETTERS}`,
    [changed, idle, closing, request].map((each) => JSON.stringify(each)).concat('{"what": "is this"}'),
  );
  const journal = (begun: readonly string[]) =>
    JSON.stringify({ version: 1, resources: [{ resource: 'r', plan: [], applied: [], begun }] });
  aws.objects.set(`evidence/jobs/${jobId(changed)}.json`, journal(['- ingress tcp 22']));
  aws.objects.set(`evidence/jobs/${jobId(idle)}.json`, journal([]));
  aws.queues.set(`${HOME} ${NAME}-polls-dead-letters`, ['{"rule":"security-group-ssh-open"}']);
});
afterEach(() => aws[Symbol.asyncDispose]());

const sentBack = () =>
  (aws.queues.get(`${HOME} ${NAME}-jobs.fifo`) ?? []).map(
    (body) => JSON.parse(body).findings?.[0].resource ?? 'request',
  );
const left = () => aws.queues.get(`${HOME} ${LETTERS}`);

describe('redrive', () => {
  test('sends back jobs that only they can finish, drops other jobs, and keeps messages that are not jobs', async () => {
    const { code, out, error } = await runCli(aws, ['redrive', '--json'], { typed: 'yes' });

    expect(code).toBe(7);
    expect(error).toContain(`- 5 in ${LETTERS}, eu-central-1`);
    expect(sentBack()).toEqual(['sg-changed', 'sg-gone', 'request']);
    expect(left()).toEqual(['{"what": "is this"}']);
    const { regions } = redriveSchema.parse(JSON.parse(out));
    expect(regions.map(({ letters }) => letters.map(({ is }) => is))).toEqual([
      ['sent back', 'dropped', 'sent back', 'sent back', 'kept', 'dropped'],
      [],
    ]);
    const sends = aws.calls.filter(({ operation }) => operation === 'AmazonSQS.SendMessage');
    expect(sends.map(({ input }) => input['MessageGroupId'])).toEqual([PRODUCTION, PRODUCTION, PRODUCTION]);
  });

  test('sends back jobs that may not have sent events of outcomes that no later poll reports', async () => {
    /** A job that recorded an outcome, and the findings in its journal whose events were sent, if it has one. */
    const recorded = (resource: string, line: Partial<Outcome>, published?: readonly string[]): string => {
      const job = jobOf(resource);
      aws.putLines(outcomesKey(job.poll, jobId(job), 1), [lineOf(job.poll, resource, line)]);
      const journal = { version: 1, resources: [], published };
      if (published !== undefined)
        aws.objects.set(`evidence/jobs/${jobId(job)}.json`, JSON.stringify(journal));
      return JSON.stringify(job);
    };
    aws.queues.set(`${HOME} ${LETTERS}`, [
      recorded('sg-killed', {}),
      recorded('sg-refused', {}, []),
      recorded('sg-sent', {}, ['sg-sent']),
      recorded('sg-failed', { outcome: 'failed', deadLetter: true }, []),
    ]);

    const { out } = await runCli(aws, ['redrive', '--yes', '--json']);

    expect(sentBack()).toEqual(['sg-killed', 'sg-refused']);
    const [home] = redriveSchema.parse(JSON.parse(out)).regions;
    expect(home?.letters.map(({ says }) => says.split(': ')[1]).slice(0, 4)).toEqual([
      'it may not have sent the events of 1 outcome',
      'it may not have sent the events of 1 outcome',
      'it has nothing to finish, and the next poll checks again',
      'it has nothing to finish, and the next poll checks again',
    ]);
  });

  test('--all sends every job back, and --discard drops messages that are not jobs', async () => {
    const { code } = await runCli(aws, ['redrive', '--all', '--discard', '--yes']);

    expect(code).toBe(0);
    expect(sentBack()).toEqual(['sg-changed', 'sg-idle', 'sg-gone', 'request']);
    expect(left()).toEqual([]);
  });

  test('does nothing without confirmation, or without dead letters', async () => {
    const without = await runCli(aws, ['redrive']);
    const elsewhere = await runCli(aws, ['redrive', '--region', 'us-east-1']);

    expect(without.code).toBe(8);
    expect(left()).toHaveLength(5);
    expect(elsewhere).toMatchObject({ code: 0, out: 'There are no dead letters.\n' });
  });
});
