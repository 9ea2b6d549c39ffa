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

/** AWS comes to know something of the VPC's flow logs. */
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

/** Lets follow-up jobs look until one concludes. @returns the outcome and after how many minutes it came */
async function follow(
  { remediator }: ModelAccount,
  begun: number,
): Promise<{ outcome: Outcome; minutes: number }> {
  for (let looks = 0; looks < 20; looks += 1) {
    const [outcome] = remediator.outcomes.values();
    if (outcome !== undefined) return { outcome, minutes: (remediator.now - begun) / MINUTE };
    const later = remediator.later.at(-1);
    if (later === undefined) throw new Error('nothing looks again');
    remediator.now += later.delaySeconds * 1_000;
    await remediator.attempt(later.job);
  }
  throw new Error('nothing is concluded after 20 looks');
}

const applied = [{ change: { kind: 'flow-log-create', flowLogId: expect.stringMatching(/^fl-/) } }];

test('of 25 VPCs, what AWS says of their delivery is read by one call a look, beside the assessment', async () => {
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
  // The VPCs, their flow logs, and how these deliver.
  expect(calls).toBe(3);
});

test('a flow log of ours is not remediated while AWS cannot know whether it delivers', async () => {
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

test('one that a later attempt made is waited for, however long ago the first attempt made its log group', async () => {
  // To CloudWatch Logs.
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

test('a flow log of ours that AWS reports as failed later has failed, with AWS’s message', async () => {
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

test('where AWS never says whether it delivers, that is recorded when it would have by then', async () => {
  const of = account();
  const begun = of.remediator.now;
  await of.remediator.attempt(of.job(VPC));
  learn(of, { status: null });

  const { outcome, minutes } = await follow(of, begun);

  expect(minutes).toBeGreaterThanOrEqual(20);
  expect(outcome).toMatchObject({ outcome: 'remediated', applied });
  expect(outcome.reason).toMatch(/^AWS does not report whether flow log fl-\w+ delivers$/);
});

test('what AWS knows when the flow log is read back is recorded at once, with what the rule notes', async () => {
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

test('a flow log of ours that cannot deliver has failed, though someone else’s logs the VPC by then', async () => {
  const of = account();
  const begun = of.remediator.now;
  await of.remediator.attempt(of.job(VPC));
  learn(of, { status: 'FAILED', error: 'Access error' });
  of.set(withFlowLogs(of.state, VPC, [...(of.state.vpcs[VPC]?.flowLogs ?? []), others]));

  const { outcome } = await follow(of, begun);

  expect(outcome).toMatchObject({ outcome: 'failed', reason: expect.stringContaining('Access error') });
});

test('a read that does not show the flow log of ours says nothing of it', async () => {
  const of = account();
  const begun = of.remediator.now;
  await of.remediator.attempt(of.job(VPC));
  of.past = withFlowLogs(withoutFlowLogs, VPC, [others]);
  const first = of.remediator.later.at(-1);
  if (first === undefined) throw new Error('nothing looks again');

  of.remediator.now += first.delaySeconds * 1_000;
  const { inProgress } = await of.remediator.attempt(first.job);
  of.past = undefined;
  learn(of, { status: 'FAILED', error: 'Access error' });
  const { outcome } = await follow(of, begun);

  expect(inProgress).toHaveLength(1);
  expect(outcome).toMatchObject({ outcome: 'failed' });
});

test('someone else’s new flow log is compliant at once, with the note that AWS cannot know yet', async () => {
  const of = account();
  of.set(withFlowLogs(withoutFlowLogs, VPC, [{ ...others, created: of.remediator.now - MINUTE }]));

  const { outcomes } = await of.remediator.attempt(of.job(VPC));

  expect(outcomes).toMatchObject([
    { outcome: 'compliant', reason: expect.stringContaining('less than 20 minutes old') },
  ]);
  expect(of.remediator.later).toEqual([]);
});

test('a flow log whose answer was lost, and that reads do not show yet, is looked for again', async () => {
  const of = account();
  const begun = of.remediator.now;
  of.onWrite = () => {
    of.onWrite = () => {};
    throw Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' });
  };
  await of.remediator.attempt(of.job(VPC));
  // The assessment shows it; the next read, which is to find it, is older.
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
