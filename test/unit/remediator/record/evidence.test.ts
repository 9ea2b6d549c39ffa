import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { EvidenceObjects } from '../../../../lambdas/aws/evidence-objects.ts';
import { outcomeKey } from '../../../../lambdas/model/evidence-keys.ts';
import type { Outcome } from '../../../../lambdas/model/outcome.ts';
import { EvidenceBucket } from '../../../../lambdas/remediator/record/evidence.ts';
import type { JournalRecord } from '../../../../lambdas/remediator/record/evidence-store.ts';
import {
  type Answer,
  type ReceivedCall,
  type ScriptedAws,
  s3Error,
  scriptedAws,
} from '../../../lab/scripted-aws/scripted-aws.ts';
import { findingOf, RULE } from '../support/world.ts';

const poll = { source: 'netskope' as const, rule: RULE, asOf: '2026-06-30T11:00:00Z' };
const outcome: Outcome = {
  version: 1,
  poll,
  finding: findingOf('deploy'),
  outcome: 'compliant',
  plan: [],
  applied: [],
  startedAt: '2026-06-30T12:00:00.000Z',
  finishedAt: '2026-06-30T12:00:01.000Z',
};
const change = { change: { kind: 'k', resource: 'deploy' }, line: '~ k' };
const remediated: Outcome = {
  ...outcome,
  outcome: 'remediated',
  applied: [{ ...change, appliedAt: '2026-06-30T12:00:00.000Z', requestIds: ['r'] }],
};
const deadLetter: Outcome = { ...outcome, outcome: 'failed', reason: 'unavailable', deadLetter: true };

/** S3, as far as the evidence bucket needs it: objects by key. */
function s3(
  objects: Map<string, string>,
  fault: (call: ReceivedCall) => Answer | undefined = () => undefined,
) {
  return (call: ReceivedCall): Answer => {
    const key = decodeURIComponent(new URL(call.path, 'http://s3').pathname.replace('/cspm-evidence/', ''));
    const faulty = fault(call);
    if (faulty !== undefined && faulty !== 'cut') return faulty;
    if (call.method === 'GET') {
      const body = objects.get(key);
      return body === undefined ? s3Error('NoSuchKey', 404) : { status: 200, body };
    }
    if (call.headers['if-none-match'] === '*' && objects.has(key)) return s3Error('PreconditionFailed', 412);
    objects.set(key, call.body);
    return faulty ?? { status: 200, body: '' };
  };
}

function bucketAt(aws: ScriptedAws): EvidenceBucket {
  vi.stubEnv('AWS_ENDPOINT_URL', aws.endpoint);
  return new EvidenceBucket(
    new EvidenceObjects({
      bucket: 'cspm-evidence',
      owner: '111111111111',
      region: 'us-east-1',
      clientOptions: {},
    }),
  );
}

beforeEach(() => {
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'a');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'b');
});
afterEach(() => {
  vi.unstubAllEnvs();
});

describe('keys', () => {
  test('name rule, account, region, resource and poll', () => {
    expect(outcomeKey(poll, findingOf('a+b=c@example.com'))).toBe(
      'outcomes/iam-access-key-unrotated/111122223333/global/a%2Bb%3Dc%40example.com/1782817200.json',
    );
    expect(outcomeKey(poll, { ...findingOf('arn:aws:x:::trail/a'), region: 'eu-central-1' })).toBe(
      'outcomes/iam-access-key-unrotated/111122223333/eu-central-1/arn%3Aaws%3Ax%3A%3A%3Atrail%2Fa/1782817200.json',
    );
  });

  test('any resource has a key that S3 takes, and no two have the same', () => {
    const resource = fc.oneof(
      fc.string({ unit: 'binary', minLength: 1, maxLength: 2_048 }),
      fc.string({ unit: fc.constantFrom('a', '/', '\ud800', '😀', '%'), minLength: 1, maxLength: 600 }),
    );
    fc.assert(
      fc.property(resource, resource, (one, other) => {
        const key = outcomeKey(poll, findingOf(one));
        expect(Buffer.byteLength(key)).toBeLessThanOrEqual(1_024);
        expect(key.split('/')).toHaveLength(6);
        expect(key === outcomeKey(poll, findingOf(other))).toBe(one === other);
      }),
    );
  });
});

describe('an outcome', () => {
  test('is written as JSON to the owner’s bucket, and read again', async () => {
    const objects = new Map<string, string>();
    await using aws = await scriptedAws(s3(objects));
    const bucket = bucketAt(aws);

    await expect(bucket.writeOutcome(outcome)).resolves.toBe(true);
    await expect(bucket.readOutcome(poll, outcome.finding)).resolves.toEqual(outcome);

    const [put, get] = aws.calls;
    expect(put).toMatchObject({
      method: 'PUT',
      headers: {
        'content-type': 'application/json',
        'x-amz-expected-bucket-owner': '111111111111',
        'if-none-match': '*',
      },
    });
    expect(put?.headers.authorization).toContain('/us-east-1/s3/');
    expect(get).toMatchObject({ method: 'GET', headers: { 'x-amz-expected-bucket-owner': '111111111111' } });
    expect([...objects]).toEqual([[outcomeKey(poll, outcome.finding), JSON.stringify(outcome)]]);
  });

  test('is not there', async () => {
    await using aws = await scriptedAws(s3(new Map()));

    await expect(bucketAt(aws).readOutcome(poll, outcome.finding)).resolves.toBeUndefined();
  });

  test('that says what was changed is not written over by one without changes', async () => {
    const objects = new Map<string, string>();
    await using aws = await scriptedAws(s3(objects));
    const bucket = bucketAt(aws);
    await bucket.writeOutcome(remediated);

    await expect(bucket.writeOutcome(outcome)).resolves.toBe(false);

    expect([...objects.values()]).toEqual([JSON.stringify(remediated)]);
  });

  test('with changes is written whatever is there, without asking', async () => {
    const objects = new Map<string, string>();
    await using aws = await scriptedAws(s3(objects));
    const bucket = bucketAt(aws);
    await bucket.writeOutcome(outcome);

    await expect(bucket.writeOutcome(remediated)).resolves.toBe(true);

    expect([...objects.values()]).toEqual([JSON.stringify(remediated)]);
    expect(aws.calls.map(({ method }) => method)).toEqual(['PUT', 'PUT']);
    expect(aws.calls[1]?.headers).not.toHaveProperty('if-none-match');
  });

  test('of a job that went to the dead-letter queue is replaced', async () => {
    const objects = new Map<string, string>();
    await using aws = await scriptedAws(s3(objects));
    const bucket = bucketAt(aws);
    await bucket.writeOutcome(deadLetter);

    await expect(bucket.writeOutcome(outcome)).resolves.toBe(true);

    expect([...objects.values()]).toEqual([JSON.stringify(outcome)]);
  });

  test('whose answer was lost is known again as the one that was just written', async () => {
    const objects = new Map<string, string>();
    let puts = 0;
    await using aws = await scriptedAws(
      s3(objects, ({ method }) => (method === 'PUT' && ++puts === 1 ? 'cut' : undefined)),
    );

    await expect(bucketAt(aws).writeOutcome(outcome)).resolves.toBe(true);

    expect(aws.calls.map(({ method }) => method)).toEqual(['PUT', 'PUT', 'GET']);
    expect([...objects.values()]).toEqual([JSON.stringify(outcome)]);
  });

  test('that is not as it should be is an error, and stays', async () => {
    const objects = new Map([[outcomeKey(poll, outcome.finding), '{"version":2}']]);
    await using aws = await scriptedAws(s3(objects));
    const bucket = bucketAt(aws);

    await expect(bucket.readOutcome(poll, outcome.finding)).rejects.toThrow();
    await expect(bucket.writeOutcome(outcome)).rejects.toThrow();
    expect([...objects.values()]).toEqual(['{"version":2}']);
  });

  test.each([403, 409])('an answer of %i is an error', async (status) => {
    await using aws = await scriptedAws(s3(new Map(), () => s3Error('Refused', status)));
    const bucket = bucketAt(aws);

    await expect(bucket.writeOutcome(outcome)).rejects.toMatchObject({ name: 'Refused' });
    await expect(bucket.readOutcome(poll, outcome.finding)).rejects.toMatchObject({ name: 'Refused' });
  });
});

describe('a journal', () => {
  const journal: JournalRecord = {
    version: 1,
    resources: [{ resource: 'deploy', plan: [change], applied: remediated.applied }],
    told: ['other'],
  };

  test('is written under the job’s id, over the one that is there, and read again', async () => {
    const objects = new Map([['jobs/id.json', 'old']]);
    await using aws = await scriptedAws(s3(objects));
    const bucket = bucketAt(aws);

    await bucket.writeJournal('id', journal);

    await expect(bucket.readJournal('id')).resolves.toEqual(journal);
    await expect(bucket.readJournal('other')).resolves.toBeUndefined();
    expect([...objects]).toEqual([['jobs/id.json', JSON.stringify(journal)]]);
    expect(aws.calls[0]?.headers).toMatchObject({ 'x-amz-expected-bucket-owner': '111111111111' });
  });
});
