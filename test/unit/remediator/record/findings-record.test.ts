import { expect, test } from 'vitest';
import type { ItemKey } from '../../../../lambdas/model/table-items.ts';
import { FindingsRecord } from '../../../../lambdas/remediator/record/findings-record.ts';

test('only items without which a job changes less are read without their last writes', async () => {
  const reads: { readonly keys: readonly string[]; readonly mayLag: boolean }[] = [];
  const table = {
    read: async (keys: readonly ItemKey[], mayLag = false) => {
      reads.push({ keys: keys.map(({ pk, sk }) => `${pk} ${sk}`), mayLag });
      return [];
    },
    putIf: () => Promise.reject(new Error('not expected')),
    writeAll: () => Promise.reject(new Error('not expected')),
  };
  const record = new FindingsRecord(table, { now: () => 0, sleep: async () => {} });
  const place = { account: '111122223333', region: 'eu-central-1', rule: 's3-bucket-public' };
  const bucket = { ...place, resource: 'logs' };
  const poll = { source: 'netskope' as const, rule: place.rule, asOf: '2026-06-30T11:00:00Z' };

  await record.recall([bucket], [bucket], { ...place, poll });

  expect(reads).toEqual([
    {
      keys: [
        'finding#111122223333#eu-central-1#logs s3-bucket-public',
        'finding#111122223333#eu-central-1#logs #changed',
        'done#s3-bucket-public#111122223333#eu-central-1 netskope.s3-bucket-public@1782817200',
        'account#111122223333 role',
        'trip#s3-bucket-public#111122223333 breaker',
      ],
      mayLag: false,
    },
    {
      keys: [
        'pending#111122223333#eu-central-1 requests',
        'sent#s3-bucket-public#111122223333#eu-central-1 last',
        'resume#s3-bucket-public#111122223333 breaker',
      ],
      mayLag: true,
    },
  ]);
});
