import { expect, test } from 'vitest';
import { Pacer } from '../../../../lambdas/aws/pace.ts';
import type { AwsSession } from '../../../../lambdas/aws/session.ts';
import { type AwsState, EMPTY_STATE, type NetworkAcl } from '../../../lab/aws-model/state.ts';
import { ModelAccount } from '../support/model-account.ts';
import { ACCOUNT } from '../support/world.ts';

const RULE = 'network-acl-subnet-allows-all';
const CALL_MILLISECONDS = 40;
const MOST_MILLISECONDS_AFTER_PAUSE = 5_000;

/** As many as a network ACL takes with the highest quota that AWS grants, 40: a call for each. */
const replacement_cidrs = Array.from({ length: 36 }, (_, index) => `10.${index * 2}.0.0/16`);

const open: NetworkAcl = {
  owner: ACCOUNT,
  vpc: 'vpc-0123abcd',
  isDefault: false,
  subnets: ['subnet-0a'],
  tags: {},
  quota: 40,
  entries: [{ number: 100, action: 'allow', protocol: '-1', cidr: '0.0.0.0/0', ports: null, icmp: null }],
};
const acls = ['acl-00000001', 'acl-00000002', 'acl-00000003'];
const initial: AwsState = {
  ...EMPTY_STATE,
  vpcs: { 'vpc-0123abcd': { cidrs: ['10.0.0.0/16'], ipv6Cidrs: [] } },
  acls: Object.fromEntries(acls.map((id) => [id, open])),
};

/** Fixes the network ACLs at EC2's pace, paused so long after it began. @returns how long after the pause each write left */
async function writesAfterPause(pausedAfter: number): Promise<number[]> {
  const of = new ModelAccount(RULE, initial, { replacement_cidrs });
  const { world } = of;
  const pausedAt = world.now + pausedAfter;
  const pass = (milliseconds: number): void => {
    world.now += milliseconds;
    if (world.now >= pausedAt) world.pause = 'all';
  };
  const pacer = new Pacer({ now: () => world.now, sleep: async (milliseconds) => pass(milliseconds) });
  const sent: number[] = [];
  of.onCall = () => pass(CALL_MILLISECONDS);
  of.onWrite = () => sent.push(world.now - pausedAt);
  const { openSession } = world;
  world.openSession = (...asked): AwsSession => {
    const session = openSession?.(...asked);
    if (session === undefined) throw new Error('expected a session of the model');
    return { ...session, turn: (pace, calls) => pacer.turn(session.account, pace, calls) };
  };

  await world.attempt(of.job(...acls));

  return sent;
}

test('however long changes of many calls wait for their turn, none leaves 5 s after a pause', async () => {
  const moments = Array.from({ length: 60 }, (_, index) => index * 300);

  const sent: number[] = [];
  for (const moment of moments) sent.push(...(await writesAfterPause(moment)));

  expect(sent.filter((milliseconds) => milliseconds > MOST_MILLISECONDS_AFTER_PAUSE)).toEqual([]);
  // Pauses met changes under way, and turns that were waited for: else this would show nothing.
  expect(sent.filter((milliseconds) => milliseconds > 0).length).toBeGreaterThan(moments.length);
  expect(Math.min(...sent)).toBeLessThan(-MOST_MILLISECONDS_AFTER_PAUSE);
});

test('a change of 36 calls takes as many tokens: the third one begins when 72 have come back', async () => {
  const sent = await writesAfterPause(3_600_000);

  expect(sent).toHaveLength(acls.length * 36);
  expect((sent.at(-1) ?? 0) - (sent[0] ?? 0)).toBeGreaterThan((72 / 5) * 1_000);
});
