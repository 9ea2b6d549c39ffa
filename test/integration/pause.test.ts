import type { IpPermission } from '@aws-sdk/client-ec2';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import type { AwsCall } from '../lab/aws-proxy/index.ts';
import { type Deployed, type Harness, startHarness } from './harness/harness.ts';
import { itemOf, makeSecurityGroup, WORLD } from './harness/violations.ts';

const SSH = 'security-group-ssh-open';

/** Duration of each call by the functions' clock, which a slow machine does not affect. A change takes a few calls. */
const CALL_MILLISECONDS = 150;
const MOST_MILLISECONDS_AFTER_PAUSE = 5_000;

/** Rules each of which takes one change to shrink. */
const openRules = Array.from({ length: 26 }, (_, index): IpPermission => {
  const ports = { IpProtocol: 'tcp', FromPort: 22, ToPort: 23 + index };
  return { ...ports, IpRanges: [{ CidrIp: WORLD }] };
});
/** The pause is set right after the first check of it that follows this many writes: the worst moment. */
const PAUSED_AFTER_WRITES = 2;

let harness: Harness;
let deployed: Deployed;

beforeAll(async () => {
  harness = await startHarness({ time: 'stands still' });
  deployed = await harness.deploy({ rules: { [SSH]: { mode: 'enforce' } } });
});
afterAll(() => harness[Symbol.asyncDispose]());

const isOurs = ({ accessKeyId, principal }: AwsCall): boolean =>
  [accessKeyId, principal.assumedBy?.account].includes(deployed.product.account);

test('a pause during 26 changes of one group stops all writes within 5 seconds', async () => {
  const account = harness.account();
  const group = await makeSecurityGroup(harness.endpoint, account, openRules);
  let pausedAt: number | undefined;
  let hasJustLooked = false;
  harness.fault({
    when: isOurs,
    effect: {
      before: async ({ operation }) => {
        vi.setSystemTime(Date.now() + CALL_MILLISECONDS);
        if (hasJustLooked) {
          await deployed.product.putPause('all');
          pausedAt = Date.now();
        }
        hasJustLooked =
          pausedAt === undefined &&
          operation === 'GetParameter' &&
          deployed.writes().length >= PAUSED_AFTER_WRITES;
      },
    },
  });

  const { outcomes } = await deployed.run(SSH, [itemOf(SSH, { account_id: account, resource_id: group })]);

  const sentAfter = deployed.writes().map(({ startedAt }) => startedAt.getTime() - (pausedAt ?? Number.NaN));
  const late = sentAfter.filter((milliseconds) => milliseconds > MOST_MILLISECONDS_AFTER_PAUSE);
  expect(late).toEqual([]);
  // The function was in the middle of its work and does not check the pause again at once: else this proves nothing.
  expect(sentAfter.filter((milliseconds) => milliseconds < 0).length).toBeGreaterThan(1);
  expect(sentAfter.filter((milliseconds) => milliseconds >= 0).length).toBeGreaterThan(1);
  expect(sentAfter.length).toBeLessThan(openRules.length);
  expect(outcomes).toMatchObject([
    {
      outcome: 'deferred',
      willRetry: true,
      reason: `enforcement of ${SSH} is paused in eu-central-1 until an operator ends the pause: cspm-remediation resume --region eu-central-1`,
    },
  ]);
  expect(outcomes[0]?.plan).toHaveLength(openRules.length);
  expect(outcomes[0]?.applied).toHaveLength(sentAfter.length);
});
