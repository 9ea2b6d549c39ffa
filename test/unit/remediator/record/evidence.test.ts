import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { EvidenceObjects } from '../../../../lambdas/aws/evidence-objects.ts';
import { outcomesKey, resourceInKey } from '../../../../lambdas/model/evidence-keys.ts';
import type { JournalRecord } from '../../../../lambdas/model/journal.ts';
import type { Outcome } from '../../../../lambdas/model/outcome.ts';
import { EvidenceBucket } from '../../../../lambdas/remediator/record/evidence.ts';
import {
  type Answer,
  type ReceivedCall,
  type ScriptedAws,
  s3Error,
  scriptedAws,
} from '../../../lab/scripted-aws/scripted-aws.ts';
import { findingOf, RULE } from '../support/remediator-in-memory.ts';

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

/** The part of S3 that the evidence bucket needs: objects by key. */
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
      if (body === undefined) return s3Error('NoSuchKey', 404);
      return { status: 200, body, headers: { etag: tagOf(body) } };
    }
    const replaced = call.headers['if-match'];
    const standing = objects.get(key);
    if (replaced !== undefined && (standing === undefined || tagOf(standing) !== replaced)) {
      return s3Error('PreconditionFailed', 412);
    }
    if (call.headers['if-none-match'] === '*' && objects.has(key)) return s3Error('PreconditionFailed', 412);
    objects.set(key, call.body);
    return faulty ?? { status: 200, body: '', headers: { etag: tagOf(call.body) } };
  };
}

function tagOf(body: string): string {
  return `"${createHash('md5').update(body).digest('hex')}"`;
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

test('the key of outcomes contains the poll’s day, the rule, the job, and the attempt', () => {
  expect(outcomesKey(poll, 'job', 2)).toBe(
    'outcomes/date=2026-06-30/rule=iam-access-key-unrotated/job-2.jsonl.gz',
  );
});

test('every resource id becomes a part of a key that S3 accepts, and all parts are different', () => {
  const resource = fc.oneof(
    fc.string({ unit: 'binary', minLength: 1, maxLength: 2_048 }),
    fc.string({ unit: fc.constantFrom('a', '/', '\ud800', '😀', '%'), minLength: 1, maxLength: 600 }),
  );
  fc.assert(
    fc.property(resource, resource, (one, other) => {
      const part = resourceInKey(one);
      expect(Buffer.byteLength(part)).toBeLessThanOrEqual(512);
      expect(part).not.toContain('/');
      expect(part === resourceInKey(other)).toBe(one === other);
    }),
  );
});

const key = outcomesKey(poll, 'job', 1);

describe('outcomes', () => {
  test('are written as the lines of one object to the owner’s bucket, and read again', async () => {
    const objects = new Map<string, string>();
    await using aws = await scriptedAws(s3(objects));
    const bucket = bucketAt(aws);

    await expect(bucket.writeOutcomes(key, [outcome, remediated])).resolves.toBe(true);
    await expect(bucket.readOutcomes(key)).resolves.toEqual([outcome, remediated]);

    const [put, get] = aws.calls;
    expect(put).toMatchObject({
      method: 'PUT',
      headers: {
        'content-type': 'application/gzip',
        'x-amz-expected-bucket-owner': '111111111111',
        'if-none-match': '*',
      },
    });
    expect(put?.headers.authorization).toContain('/us-east-1/s3/');
    expect(get).toMatchObject({ method: 'GET', headers: { 'x-amz-expected-bucket-owner': '111111111111' } });
    const lines = [outcome, remediated].map((line) => `${JSON.stringify(line)}\n`).join('');
    expect([...objects]).toEqual([[key, lines]]);
  });

  test('are undefined if their object does not exist', async () => {
    await using aws = await scriptedAws(s3(new Map()));

    await expect(bucketAt(aws).readOutcomes(key)).resolves.toBeUndefined();
  });

  test('do not overwrite others', async () => {
    const objects = new Map<string, string>();
    await using aws = await scriptedAws(s3(objects));
    const bucket = bucketAt(aws);
    await bucket.writeOutcomes(key, [outcome]);

    await expect(bucket.writeOutcomes(key, [remediated])).resolves.toBe(false);

    expect([...objects.values()]).toEqual([`${JSON.stringify(outcome)}\n`]);
  });

  test('are recognized as just written if the write was not answered', async () => {
    const objects = new Map<string, string>();
    let puts = 0;
    await using aws = await scriptedAws(
      s3(objects, ({ method }) => (method === 'PUT' && ++puts === 1 ? 'cut' : undefined)),
    );

    await expect(bucketAt(aws).writeOutcomes(key, [outcome])).resolves.toBe(true);

    expect(aws.calls.map(({ method }) => method)).toEqual(['PUT', 'PUT', 'GET']);
  });

  test('that do not match the schema are an error, and remain', async () => {
    const objects = new Map([[key, '{"version":2}\n']]);
    await using aws = await scriptedAws(s3(objects));
    const bucket = bucketAt(aws);

    await expect(bucket.readOutcomes(key)).rejects.toThrow();
    await expect(bucket.writeOutcomes(key, [outcome])).resolves.toBe(false);
    expect([...objects.values()]).toEqual(['{"version":2}\n']);
  });

  test.each([403, 409])('an answer of %i is an error', async (status) => {
    await using aws = await scriptedAws(s3(new Map(), () => s3Error('Refused', status)));
    const bucket = bucketAt(aws);

    await expect(bucket.writeOutcomes(key, [outcome])).rejects.toMatchObject({ name: 'Refused' });
    await expect(bucket.readOutcomes(key)).rejects.toMatchObject({ name: 'Refused' });
  });
});

describe('a journal', () => {
  const journal: JournalRecord = {
    version: 1,
    resources: [{ resource: 'deploy', plan: [change], applied: remediated.applied }],
    published: ['other'],
  };

  test('is written under the job’s id, and read again with its version', async () => {
    const objects = new Map<string, string>();
    await using aws = await scriptedAws(s3(objects));
    const bucket = bucketAt(aws);

    const version = await bucket.writeJournal('id', journal, undefined);

    await expect(bucket.readJournal('id')).resolves.toEqual({ journal, version });
    await expect(bucket.readJournal('other')).resolves.toBeUndefined();
    expect([...objects]).toEqual([['jobs/id.json', JSON.stringify(journal)]]);
    expect(aws.calls[0]?.headers).toMatchObject({ 'x-amz-expected-bucket-owner': '111111111111' });
  });

  test('overwrites the version that its writer knows', async () => {
    const objects = new Map<string, string>();
    await using aws = await scriptedAws(s3(objects));
    const bucket = bucketAt(aws);
    const later = { ...journal, published: [] };

    const first = await bucket.writeJournal('id', journal, undefined);
    const second = await bucket.writeJournal('id', later, first);

    expect(second).not.toBe(first);
    await expect(bucket.readJournal('id')).resolves.toEqual({ journal: later, version: second });
  });

  test.each([
    ['a first one', undefined],
    ['one that is no longer there', '"old"'],
  ])('of another attempt is not overwritten by a writer that takes it for %s', async (_, replaced) => {
    const standing = JSON.stringify({ ...journal, writer: 'other' });
    const objects = new Map([['jobs/id.json', standing]]);
    await using aws = await scriptedAws(s3(objects));
    const bucket = bucketAt(aws);

    const version = await bucket.writeJournal('id', { ...journal, writer: 'own' }, replaced);

    expect(version).toBeUndefined();
    expect(objects.get('jobs/id.json')).toBe(standing);
  });

  test('is overwritten by the same writer if the write succeeded without an answer', async () => {
    const objects = new Map<string, string>();
    let puts = 0;
    await using aws = await scriptedAws(
      s3(objects, ({ method }) => {
        puts += method === 'PUT' ? 1 : 0;
        return method === 'PUT' && puts === 1 ? 'cut' : undefined;
      }),
    );
    const bucket = bucketAt(aws);
    const own = { ...journal, writer: 'own' };

    const version = await bucket.writeJournal('id', own, undefined);

    await expect(bucket.readJournal('id')).resolves.toEqual({ journal: own, version });
  });
});
