import { describe, expect, test } from 'vitest';
import { UnreadableItemError } from '../../../../lambdas/model/errors.ts';
import { requestKey, resultKey } from '../../../../lambdas/model/requests.ts';
import { RequestsRecord } from '../../../../lambdas/remediator/record/requests-record.ts';

const name = { principal: 'AROAOPERATOR:ada', id: '7f0c3a52-5b0e-4f7e-9d53-0a4b8a3b8f10' };
const other = { ...name, id: '8f0c3a52-5b0e-4f7e-9d53-0a4b8a3b8f11' };
const place = { account: '111122223333', region: 'eu-central-1' };

/** Creates the record of a table with these items. */
function recordOf(...items: readonly object[]): RequestsRecord {
  const table = {
    read: async () => [...items],
    writeAll: async () => ({ isWritten: true as const }),
  };
  return new RequestsRecord(table, { now: () => 0, sleep: async () => {} });
}

describe('a request of a newer version', () => {
  test('is read with its account, region, and kind', async () => {
    const record = recordOf({ ...requestKey(name), ...place, kind: 'undo', version: 2, scope: 'all' });

    expect(await record.read(name)).toEqual({
      problem: expect.stringMatching(/version/),
      addressed: { ...place, kind: 'undo' },
    });
  });

  test('without these is read as a problem only', async () => {
    const record = recordOf({ ...requestKey(name), version: 2, where: place });

    expect(await record.read(name)).toEqual({ problem: expect.stringMatching(/kind/) });
  });
});

test('a result of a newer version does not hide other results', async () => {
  const result = { version: 1, kind: 'undo', ...place, state: 'done', beganAt: '2026-11-24T12:00:00Z' };
  const record = recordOf(
    { ...resultKey(place, name), version: 2 },
    { ...resultKey(place, other), ...result, results: [], expiresAt: 1 },
  );

  expect(await record.readResults(place, [name, other, { ...name, principal: 'AROAOTHER:bob' }])).toEqual([
    { unreadable: expect.any(UnreadableItemError) },
    expect.objectContaining({ state: 'done' }),
    undefined,
  ]);
});
