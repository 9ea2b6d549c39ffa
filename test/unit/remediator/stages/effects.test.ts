import { expect, test } from 'vitest';
import type { Outcome } from '../../../../lambdas/model/outcome.ts';
import { withFlowLogs } from '../../../lab/aws-model/flow-logs.ts';
import { sdkError } from '../../../lab/aws-model/session.ts';
import { EMPTY_STATE, type FlowLog } from '../../../lab/aws-model/state.ts';
import { ModelAccount } from '../support/model-account.ts';

const RULE = 'vpc-flow-logs-disabled';
const VPC = 'vpc-0123abcd';
const BUCKET = 'arn:aws:s3:::logs';
const MINUTE = 60_000;

const withoutFlowLogs = {
  ...EMPTY_STATE,
  vpcs: { [VPC]: { cidrs: ['10.0.0.0/16'], ipv6Cidrs: [] } },
};

function account(): ModelAccount {
  return new ModelAccount(RULE, withoutFlowLogs, { destination: BUCKET });
}

/** Changes what AWS reports about the VPC's flow logs. */
function learn(of: ModelAccount, known: Partial<FlowLog>): void {
  const flowLogs = of.state.vpcs[VPC]?.flowLogs ?? [];
  of.set(
    withFlowLogs(
      of.state,
      VPC,
      flowLogs.map((flowLog) => ({ ...flowLog, ...known })),
    ),
  );
}

const others: FlowLog = {
  id: 'fl-others',
  bucket: 'arn:aws:s3:::theirs',
  status: 'SUCCESS',
  created: 0,
  tags: {},
};

/** Runs follow-up jobs until one concludes. @returns the outcome, and after how many minutes */
async function follow(
  { remediator }: ModelAccount,
  begun: number,
): Promise<{ outcome: Outcome; minutes: number }> {
  for (let looks = 0; looks < 20; looks += 1) {
    const [outcome] = remediator.outcomes.values();
    if (outcome !== undefined) return { outcome, minutes: (remediator.now - begun) / MINUTE };
    const later = remediator.later.at(-1);
    if (later === undefined) throw new Error('there is no follow-up job');
    remediator.now += later.delaySeconds * 1_000;
    await remediator.attempt(later.job);
  }
  throw new Error('nothing is concluded after 20 looks');
}

const applied = [{ change: { kind: 'flow-log-create', flowLogId: expect.stringMatching(/^fl-/) } }];

test('the delivery for 25 VPCs is read with one call per check, in parallel with the assessment', async () => {
  const ids = Array.from({ length: 25 }, (_, index) => `vpc-${String(index).padStart(8, '0')}`);
  const vpcs = Object.fromEntries(ids.map((id) => [id, { cidrs: ['10.0.0.0/16'], ipv6Cidrs: [] }]));
  const of = new ModelAccount(RULE, { ...EMPTY_STATE, vpcs }, { destination: BUCKET });
  await of.remediator.attempt(of.job(...ids));
  of.remediator.now += 16 * MINUTE;
  let calls = 0;
  of.onCall = () => {
    calls += 1;
  };

  const { inProgress } = await of.remediator.attempt(of.remediator.lastLook);

  expect(inProgress).toHaveLength(25);
  // The VPCs, their flow logs, and the delivery of these.
  expect(calls).toBe(3);
});

test('a VPC is not remediated while AWS cannot know whether our flow log delivers', async () => {
  const of = account();
  const begun = of.remediator.now;

  const { inProgress } = await of.remediator.attempt(of.job(VPC));
  const { outcome, minutes } = await follow(of, begun);

  expect(inProgress).toMatchObject([
    {
      reason: expect.stringMatching(
        /^AWS may take 20 minutes to report whether flow log fl-\w+ of VPC vpc-0123abcd to /,
      ),
    },
  ]);
  expect(minutes).toBeGreaterThanOrEqual(20);
  expect(minutes).toBeLessThan(30);
  expect(outcome).toMatchObject({ outcome: 'remediated', applied });
  expect(outcome.reason).toBeUndefined();
  expect(of.writes).toEqual(['CreateFlowLogs']);
});

test('a flow log of a later attempt is awaited, no matter how long ago the first attempt created its log group', async () => {
  // The destination is CloudWatch Logs.
  const of = new ModelAccount(RULE, withoutFlowLogs);
  of.beforeWrite = (operation) => {
    if (operation === 'CreateFlowLogs') throw sdkError('ServiceUnavailable', 'unavailable', 503, 'r');
  };
  await of.remediator.attempt(of.job(VPC));
  of.remediator.now += 150 * MINUTE;
  of.beforeWrite = () => {};
  const begun = of.remediator.now;

  const { inProgress } = await of.remediator.attempt(of.job(VPC), { number: 2 });
  const { outcome, minutes } = await follow(of, begun);

  expect(inProgress).toHaveLength(1);
  expect(minutes).toBeLessThan(30);
  expect(outcome.outcome).toBe('remediated');
});

test('a finding fails, with AWS’s message, if AWS later reports that our flow log failed', async () => {
  const of = account();
  const begun = of.remediator.now;
  await of.remediator.attempt(of.job(VPC));
  learn(of, { status: 'FAILED', error: 'Access error' });

  const { outcome, minutes } = await follow(of, begun);

  expect(minutes).toBeLessThan(1);
  expect(outcome).toMatchObject({ outcome: 'failed', willRetry: true, applied });
  expect(outcome.reason).toMatch(
    /^flow log fl-\w+ of VPC vpc-0123abcd to arn:aws:s3:::logs was created, but delivers nothing \(AWS: Access error\): fix its /,
  );
  expect(of.writes).toEqual(['CreateFlowLogs']);
});

test('if AWS never reports whether it delivers, this is recorded after the time in which it should have', async () => {
  const of = account();
  const begun = of.remediator.now;
  await of.remediator.attempt(of.job(VPC));
  learn(of, { status: null });

  const { outcome, minutes } = await follow(of, begun);

  expect(minutes).toBeGreaterThanOrEqual(20);
  expect(outcome).toMatchObject({ outcome: 'remediated', applied });
  expect(outcome.reason).toMatch(/^AWS does not report whether flow log fl-\w+ delivers$/);
});

test('what AWS reports when the flow log is read back is recorded at once, with the notes of the rule', async () => {
  const of = account();
  const old = { created: of.remediator.now - 60 * MINUTE, status: null } as const;
  of.onWrite = () => learn(of, old);

  const { outcomes } = await of.remediator.attempt(of.job(VPC));

  expect(outcomes).toMatchObject([
    {
      outcome: 'remediated',
      reason: expect.stringMatching(/^AWS does not report whether flow log fl-/),
      applied,
    },
  ]);
});

test('a finding fails if our flow log cannot deliver, even if someone else’s flow log now logs the VPC', async () => {
  const of = account();
  const begun = of.remediator.now;
  await of.remediator.attempt(of.job(VPC));
  learn(of, { status: 'FAILED', error: 'Access error' });
  of.set(withFlowLogs(of.state, VPC, [...(of.state.vpcs[VPC]?.flowLogs ?? []), others]));

  const { outcome } = await follow(of, begun);

  expect(outcome).toMatchObject({ outcome: 'failed', reason: expect.stringContaining('Access error') });
});

test('a read that does not show our flow log proves nothing about it', async () => {
  const of = account();
  const begun = of.remediator.now;
  await of.remediator.attempt(of.job(VPC));
  of.past = withFlowLogs(withoutFlowLogs, VPC, [others]);
  const first = of.remediator.later.at(-1);
  if (first === undefined) throw new Error('there is no follow-up job');

  of.remediator.now += first.delaySeconds * 1_000;
  const { inProgress } = await of.remediator.attempt(first.job);
  of.past = undefined;
  learn(of, { status: 'FAILED', error: 'Access error' });
  const { outcome } = await follow(of, begun);

  expect(inProgress).toHaveLength(1);
  expect(outcome).toMatchObject({ outcome: 'failed' });
});

test('a VPC with someone else’s new flow log is compliant at once, with the note that AWS cannot know yet', async () => {
  const of = account();
  of.set(withFlowLogs(withoutFlowLogs, VPC, [{ ...others, created: of.remediator.now - MINUTE }]));

  const { outcomes } = await of.remediator.attempt(of.job(VPC));

  expect(outcomes).toMatchObject([
    { outcome: 'compliant', reason: expect.stringContaining('less than 20 minutes old') },
  ]);
  expect(of.remediator.later).toEqual([]);
});

test('a flow log whose creation was not answered, and that reads do not show yet, is searched for again', async () => {
  const of = account();
  const begun = of.remediator.now;
  of.onWrite = () => {
    of.onWrite = () => {};
    throw Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' });
  };
  await of.remediator.attempt(of.job(VPC));
  // The assessment shows it. The next read, which should find it, is older.
  of.past = undefined;
  const { state } = of;
  let reads = 0;
  of.onCall = () => {
    reads += 1;
    of.past = reads === 3 ? withoutFlowLogs : state;
  };

  const { inProgress } = await of.remediator.attempt(of.job(VPC), { number: 2 });
  of.onCall = () => {};
  of.past = undefined;
  learn(of, { status: 'FAILED', error: 'Access error' });
  const { outcome } = await follow(of, begun);

  expect(inProgress).toHaveLength(1);
  expect(outcome).toMatchObject({
    outcome: 'failed',
    reason: expect.stringContaining('Access error'),
    applied,
  });
  expect(outcome.unconfirmed).toBeUndefined();
});
