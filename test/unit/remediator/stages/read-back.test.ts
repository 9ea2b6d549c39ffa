import { describe, expect, test } from 'vitest';
import { EMPTY_STATE } from '../../../lab/aws-model/state.ts';
import { ModelAccount } from '../support/model-account.ts';

const MINUTE = 60_000;
const SNAPSHOTS = 'rds-snapshot-public';

/** A DB instance with a public snapshot. */
const shared = {
  ...EMPTY_STATE,
  databases: {
    orders: {
      isThere: true,
      tags: {},
      snapshots: [{ id: 'orders-1', tags: {}, sharedWith: ['all', '444455556666'] }],
    },
  },
};

/** A job that has applied its plan, and whose reads show what stood there before. */
async function lagging(): Promise<ModelAccount> {
  const of = new ModelAccount(SNAPSHOTS, shared);
  of.past = shared;
  await of.world.attempt(of.job('orders'));
  return of;
}

/** The follow-up job, so many minutes after the change. */
async function lookAfter(of: ModelAccount, minutes: number) {
  const [changed] = [...of.world.journals.values()].flatMap(({ resources }) => resources);
  of.world.now = Date.parse(changed?.completedAt ?? '') + minutes * MINUTE;
  return of.world.attempt(of.world.lastLook);
}

describe('a resource that reads as a violation after all was applied', () => {
  test.each([2, 15, 59])('is waited for after %i minutes, and nothing more is changed', async (minutes) => {
    const of = await lagging();

    const { inProgress, outcomes } = await lookAfter(of, minutes);

    expect(inProgress).toMatchObject([
      { reason: 'AWS accepted the changes, but its reads of orders do not show them yet' },
    ]);
    expect(outcomes).toEqual([]);
    expect(of.writes).toEqual(['ModifyDBSnapshotAttribute']);
  });

  test('is remediated where reads show the change after 59 minutes', async () => {
    const of = await lagging();
    await lookAfter(of, 15);
    of.past = undefined;

    const { outcomes } = await lookAfter(of, 59);

    expect(outcomes).toMatchObject([
      { outcome: 'remediated', applied: [{ change: { resource: 'orders-1' } }] },
    ]);
  });

  test.each([60, 61, 90])('has failed after %i minutes, with what was applied', async (minutes) => {
    const of = await lagging();

    const { outcomes } = await lookAfter(of, minutes);

    expect(outcomes).toMatchObject([
      {
        outcome: 'failed',
        willRetry: true,
        reason: `AWS accepted the changes, but orders still violates the rule when it is read back, ${minutes} minutes later`,
        applied: [{ change: { resource: 'orders-1' } }],
      },
    ]);
    expect(of.writes).toEqual(['ModifyDBSnapshotAttribute']);
  });
});
