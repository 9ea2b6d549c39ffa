import { expect, test } from 'vitest';
import { Pacer } from '../../../../lambdas/aws/pace.ts';
import type { AwsSession } from '../../../../lambdas/aws/session.ts';
import { type AwsState, EMPTY_STATE, type NetworkAcl } from '../../../lab/aws-model/state.ts';
import { ModelAccount } from '../support/model-account.ts';
import { ACCOUNT } from '../support/remediator-in-memory.ts';

const RULE = 'network-acl-subnet-allows-all';
/** Duration of a call, so that the calls of one change take longer than a pause may. */
const CALL_MILLISECONDS = 150;
/** Time for which the remediator caches that there is no pause. */
const REMEMBERED_MILLISECONDS = 2_000;
const MOST_MILLISECONDS_AFTER_PAUSE = 5_000;

/** Entries, as many as a network ACL can have with the highest quota that AWS grants, 40. Each needs one call. */
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

interface Run {
  readonly of: ModelAccount;
  /** Times between the pause and each write. */
  readonly sent: readonly number[];
}

/** An account whose changes are made at EC2's rate. */
function paced(state: AwsState): ModelAccount {
  const of = new ModelAccount(RULE, state, { replacement_cidrs });
  const { remediator } = of;
  const pass = (milliseconds: number): void => {
    remediator.now += milliseconds;
  };
  const pacer = new Pacer({ now: () => remediator.now, sleep: async (milliseconds) => pass(milliseconds) });
  of.onCall = () => pass(CALL_MILLISECONDS);
  const { openSession } = remediator;
  remediator.openSession = (...asked): AwsSession => {
    const session = openSession?.(...asked);
    if (session === undefined) throw new Error('expected a session of the model');
    return { ...session, turn: (pace, calls) => pacer.turn(session.account, pace, calls) };
  };
  return of;
}

/** Fixes the network ACLs, with a pause a given time after the start. */
async function pausedRun(pausedAfter: number): Promise<Run> {
  const of = paced(initial);
  const { remediator } = of;
  const pausedAt = remediator.now + pausedAfter;
  let lookedAt = Number.NEGATIVE_INFINITY;
  remediator.fault = (port) => {
    if (port !== 'pause' || remediator.now - lookedAt < REMEMBERED_MILLISECONDS) return undefined;
    lookedAt = remediator.now;
    remediator.pause = remediator.now >= pausedAt ? 'all' : 'none';
    return undefined;
  };
  const sent: number[] = [];
  of.onWrite = () => sent.push(remediator.now - pausedAt);

  await remediator.attempt(of.job(...acls));

  return { of, sent };
}

/** A time during the calls of the first network ACL's change. */
const AMID_A_CHANGE = 3_000;

test('no matter how long changes with many calls wait or take, no call is sent 5 s after a pause', async () => {
  const moments = Array.from({ length: 24 }, (_, index) => index * 750);

  const sent: number[] = [];
  for (const moment of moments) sent.push(...(await pausedRun(moment)).sent);

  expect(sent.filter((milliseconds) => milliseconds > MOST_MILLISECONDS_AFTER_PAUSE)).toEqual([]);
  // Pauses occurred during changes and while changes waited for the rate. Otherwise, this would prove nothing.
  expect(sent.filter((milliseconds) => milliseconds > 0).length).toBeGreaterThan(moments.length);
  expect(Math.min(...sent)).toBeLessThan(-MOST_MILLISECONDS_AFTER_PAUSE);
});

test('a change that a pause stops between its calls is pending, and is continued when the pause ends', async () => {
  const { of, sent } = await pausedRun(AMID_A_CHANGE);
  const [acl = ''] = acls;
  const amid = of.state.acls[acl]?.entries ?? [];
  const outcomesAmid = [...of.remediator.outcomes.values()].map(({ finding }) => finding.resource);
  of.remediator.fault = () => undefined;
  of.remediator.pause = 'none';
  while (of.remediator.later.length > 0) {
    const [next] = of.remediator.later.splice(0, 1);
    if (next === undefined) break;
    of.remediator.now += next.delaySeconds * 1_000;
    await of.remediator.attempt(next.job);
  }

  expect(sent.filter((milliseconds) => milliseconds > 0).length).toBeGreaterThan(0);
  expect(amid.length).toBeGreaterThan(2);
  expect(amid.length).toBeLessThan(replacement_cidrs.length);
  expect(amid).toContainEqual(open.entries[0]);
  expect(outcomesAmid).not.toContain(acl);
  const outcome = [...of.remediator.outcomes.values()].find(({ finding }) => finding.resource === acl);
  expect(outcome).toMatchObject({ outcome: 'remediated' });
  expect(outcome).not.toHaveProperty('unconfirmed');
  expect(of.state.acls[acl]?.entries.map(({ cidr }) => cidr).sort()).toEqual([...replacement_cidrs].sort());
});

test('a change with 36 calls takes as many tokens: the third one begins when 72 are available again', async () => {
  const { sent } = await pausedRun(3_600_000);

  expect(sent).toHaveLength(acls.length * 36);
  expect((sent.at(-1) ?? 0) - (sent[0] ?? 0)).toBeGreaterThan((72 / 5) * 1_000);
});

test('a long job ends after half a minute; later ones fix the rest, and each finding has one outcome', async () => {
  const names = Array.from({ length: 12 }, (_, index) => `acl-000000${index + 10}`);
  const of = paced({ ...initial, acls: Object.fromEntries(names.map((id) => [id, open])) });
  const { remediator } = of;
  const begun = remediator.now;

  await remediator.attempt(of.job(...names));
  const seconds = (remediator.now - begun) / 1_000;
  const first = remediator.outcomes.size;
  const [next] = remediator.later;
  await remediator.workOffLater();

  expect(seconds).toBeGreaterThan(30);
  expect(seconds).toBeLessThan(45);
  expect(first).toBeGreaterThan(0);
  expect(next?.job.findings).toHaveLength(names.length - first);
  expect([...remediator.outcomes.values()].map(({ outcome }) => outcome)).toEqual(
    names.map(() => 'remediated'),
  );
  for (const name of names) expect(of.state.acls[name]?.entries).toHaveLength(replacement_cidrs.length);
});
