import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { logGroupCreations, type Pace, Pacer } from '../../../../lambdas/aws/pace.ts';
import type { AwsSession } from '../../../../lambdas/aws/session.ts';
import { EXEMPTION_TAG } from '../../../../lambdas/model/exemption-tag.ts';
import { EMPTY_STATE, type Vpc } from '../../../lab/aws-model/state.ts';
import { documentedThrottles } from '../../../lab/aws-proxy/index.ts';
import { proxiedCall } from '../../../lab/aws-proxy/proxied-call.ts';
import { ModelAccount } from '../support/model-account.ts';

const VPC = 'vpc-0123abcd';
const unlogged: Vpc = { cidrs: ['10.0.0.0/16'], ipv6Cidrs: [] };
const exempt: Vpc = { ...unlogged, tags: { [EXEMPTION_TAG]: 'migration until 2999-01-01' } };

/** An account with VPCs without flow logs, in which `wait` determines when calls may be made. */
function account(vpcs: readonly string[], wait: (pace: Pace, of: ModelAccount) => Promise<void>) {
  const of = new ModelAccount('vpc-flow-logs-disabled', {
    ...EMPTY_STATE,
    vpcs: Object.fromEntries(vpcs.map((id) => [id, unlogged])),
  });
  const { openSession } = of.remediator;
  of.remediator.openSession = (...asked): AwsSession => {
    const session = openSession?.(...asked);
    if (session === undefined) throw new Error('expected a session of the model');
    return { ...session, turn: (pace) => wait(pace, of) };
  };
  return of;
}

/** An account with a VPC. `during` runs while its log group waits for its turn. */
const whileItWaits = (during: (of: ModelAccount) => void) =>
  account([VPC], async (pace, of) => {
    if (pace === logGroupCreations) during(of);
  });

test('25 log groups and their retentions are not throttled by AWS', async () => {
  const vpcs = Array.from({ length: 25 }, (_, index) => `vpc-000000${index + 10}`);
  let pacer: Pacer | undefined;
  const of = account(vpcs, async (pace, { remediator }) => {
    pacer ??= new Pacer({
      now: () => remediator.now,
      // Sleeps that begin together overlap.
      async sleep(milliseconds) {
        const until = remediator.now + milliseconds;
        await nextTurn();
        remediator.now = Math.max(remediator.now, until);
      },
    });
    await pacer.turn('here', pace);
  });
  const sent: { readonly operation: string; readonly at: number }[] = [];
  of.beforeWrite = (operation) => void sent.push({ operation, at: of.remediator.now });

  await of.remediator.attempt(of.job(...vpcs));

  let now = 0;
  const throttle = documentedThrottles(() => now);
  const throttled: string[] = [];
  for (const { operation, at } of sent) {
    now = at;
    const answer = await throttle(proxiedCall({ service: 'logs', operation }));
    if (answer !== undefined) throttled.push(operation);
  }
  expect(throttled).toEqual([]);
  expect(sent.filter(({ operation }) => operation === 'CreateLogGroup')).toHaveLength(25);
  expect(Object.values(of.state.logGroups).map(({ retention }) => retention)).toEqual(vpcs.map(() => 90));
});

test('no log group is created for a VPC that its owner exempts while it waits for its turn', async () => {
  const of = whileItWaits((each) => each.set({ ...each.state, vpcs: { [VPC]: exempt } }));

  await of.remediator.attempt(of.job(VPC));

  expect(of.writes).toEqual([]);
  expect([...of.remediator.outcomes.values()]).toMatchObject([{ outcome: 'exempt', applied: [] }]);
});

test('no log group is created after a pause that begins while it waits for its turn', async () => {
  const of = whileItWaits(({ remediator }) => {
    remediator.now += 2_100;
    remediator.pause = 'all';
  });

  await of.remediator.attempt(of.job(VPC));

  expect(of.writes).toEqual([]);
  const [outcome] = of.remediator.outcomes.values();
  expect(outcome).toMatchObject({ outcome: 'deferred', applied: [] });
  expect(outcome).not.toHaveProperty('unconfirmed');
});

test('a log group that waits longer than the checks before it are valid is created', async () => {
  const of = whileItWaits(({ remediator }) => {
    remediator.now += 3_000;
  });

  await of.remediator.attempt(of.job(VPC));

  expect(of.writes).toEqual(['CreateLogGroup', 'PutRetentionPolicy', 'CreateFlowLogs']);
});
