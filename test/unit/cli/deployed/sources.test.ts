import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { z } from 'zod';
import type { Partitions } from '../../../../cli/deployed/done-jobs.ts';

const RULE = 's3-bucket-public';
const NOW = new Date('2026-11-20T12:00:00Z');
const PLACE = { account: '111122223333', region: 'eu-central-1' };

// Tests share loaded modules: these are reloaded for a second, invented source, which the rest of the model does not know.
beforeAll(() => {
  vi.resetModules();
  vi.doMock('../../../../lambdas/model/job.ts', async (importOriginal) => {
    const original = await importOriginal<typeof import('../../../../lambdas/model/job.ts')>();
    const sourceSchema = z.enum(['netskope', 'hub']);
    const withSource = <Shape extends z.ZodObject>(schema: Shape) => schema.extend({ source: sourceSchema });
    return {
      ...original,
      sourceSchema,
      pollSchema: withSource(original.pollSchema),
      occasionSchema: withSource(original.occasionSchema),
    };
  });
});

afterAll(() => {
  vi.doUnmock('../../../../lambdas/model/job.ts');
  vi.resetModules();
});

/** The item of a poll's jobs that were done a number of hours ago. */
function doneOf(source: string, hoursAgo: number) {
  const asOf = new Date(NOW.getTime() - hoursAgo * 3_600_000);
  return {
    pk: `done#${RULE}#${PLACE.account}#${PLACE.region}`,
    sk: `${source}.${RULE}@${asOf.getTime() / 1000}`,
    version: 1,
    expiresAt: NOW.getTime() / 1000 + 86_400,
    rule: RULE,
    ...PLACE,
    poll: { source, rule: RULE, asOf: asOf.toISOString() },
    jobs: [{ job: `${source}-job`, number: 1 }],
  };
}

const items = [doneOf('hub', 2), doneOf('hub', 200), doneOf('netskope', 1), doneOf('netskope', 300)];

const table: Partitions = {
  partition: async (partition, { from, to } = { from: '', to: '~' }) =>
    items.filter(({ pk, sk }) => pk === partition && sk >= from && sk <= to),
};

test('explain names the sessions of each source', async () => {
  const { sessionsOf } = await import('../../../../cli/commands/explain/sessions.ts');
  const deployment = { rules: [RULE], target_role: 'cspm-remediation-target' };

  const { names, pattern } = await sessionsOf({ deployment, table }, [PLACE], [], NOW);

  expect(names).toEqual([items[0]?.sk, items[2]?.sk]);
  expect(pattern).toBe('netskope.<rule>@<poll in epoch seconds> or hub.<rule>@<poll in epoch seconds>');
});

test("outcomes reads the evidence of each source's polls", async () => {
  const { linesSince } = await import('../../../../cli/deployed/history.ts');
  const read: string[] = [];
  const evidence = {
    outcomes: async (key: string) => {
      read.push(key);
      return [];
    },
  };
  const since = new Date(NOW.getTime() - 86_400_000);

  await linesSince({ table, evidence }, RULE, { since, now: NOW }, [PLACE]);

  expect(read).toHaveLength(2);
  expect(read).toEqual(
    expect.arrayContaining([expect.stringContaining('hub-job'), expect.stringContaining('netskope-job')]),
  );
});
