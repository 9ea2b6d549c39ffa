import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import type { Finding } from '../../../../lambdas/model/finding.ts';
import type { Job } from '../../../../lambdas/model/job.ts';
import { awaitingScan } from '../../../../lambdas/remediator/gates/awaiting-scan.ts';
import { gateContext } from '../support/gate-context.ts';
import { ACCOUNT, findingOf, jobOf, RemediatorInMemory } from '../support/remediator-in-memory.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const timeOf = (moment: number): string => new Date(moment).toISOString();

let remediator: RemediatorInMemory;
beforeEach(() => {
  remediator = new RemediatorInMemory({ deploy: ['AKIA-1'] });
});

/** Runs a poll that reports the finding with this scan time. @returns its outcome, and whether anything was called */
async function poll(scannedAt: number | undefined, more: Partial<Finding> = {}) {
  const finding: Finding = {
    ...findingOf('deploy'),
    ...(scannedAt !== undefined && { lastScanTime: timeOf(scannedAt) }),
    ...more,
  };
  const asOf = timeOf(remediator.now);
  const job: Job = { ...jobOf(), poll: { ...jobOf().poll, asOf }, findings: [finding] };
  const [sessions, calls] = [remediator.account.sessions.length, remediator.account.calls.length];
  await remediator.attempt(job);
  const isCalled = remediator.account.sessions.length > sessions || remediator.account.calls.length > calls;
  return { outcome: [...remediator.outcomes.values()].at(-1), isCalled };
}

/** Runs the first poll, which fixes the finding. @returns the time of the fix */
async function fix(): Promise<number> {
  const { outcome } = await poll(remediator.now - HOUR);
  expect(outcome).toMatchObject({ outcome: 'remediated' });
  return Date.parse(outcome?.finishedAt ?? '');
}

describe('a finding that was fixed', () => {
  test('is not processed until it has been scanned, and is then checked', async () => {
    const fixedAt = await fix();
    remediator.now = fixedAt + HOUR;

    const before = await poll(fixedAt - HOUR);
    remediator.now += HOUR;
    const after = await poll(fixedAt + MINUTE);

    expect(before).toMatchObject({
      isCalled: false,
      outcome: {
        outcome: 'awaiting_scan',
        gate: 'awaiting_scan',
        applied: [],
        reason: `fixed at ${timeOf(fixedAt)}, after the last scan at ${timeOf(fixedAt - HOUR)}: it is checked again after the next scan, or after ${timeOf(fixedAt + DAY)} if there is none; to check it sooner: cspm-remediation retry deploy --account ${ACCOUNT} --region global`,
      },
    });
    expect(after).toMatchObject({ isCalled: true, outcome: { outcome: 'compliant' } });
  });

  test('is fixed again at once if the next scan still reports it', async () => {
    const fixedAt = await fix();
    remediator.account.users.get('deploy')?.set('AKIA-1', 'Active');
    remediator.now = fixedAt + HOUR;

    const { outcome } = await poll(fixedAt + MINUTE);

    expect(outcome).toMatchObject({ outcome: 'remediated', applied: [{}] });
  });

  test('is checked after 24 hours without a scan', async () => {
    const fixedAt = await fix();
    remediator.now = fixedAt + DAY - MINUTE;
    const before = await poll(fixedAt - HOUR);
    remediator.now = fixedAt + DAY;
    const after = await poll(fixedAt - HOUR);

    expect(before.outcome).toMatchObject({ outcome: 'awaiting_scan' });
    expect(after).toMatchObject({ isCalled: true, outcome: { outcome: 'compliant' } });
  });

  test.each<[string, number | undefined, Partial<Finding>]>([
    ['whose scan has no time', undefined, {}],
    ['that has been failing since a later time, regardless of its scan', -HOUR, { failingSince: 'later' }],
  ])('%s is checked at once', async (_, scan, { failingSince }) => {
    const fixedAt = await fix();
    remediator.now = fixedAt + HOUR;

    const { isCalled } = await poll(
      scan === undefined ? undefined : fixedAt + scan,
      failingSince === undefined ? {} : { failingSince: timeOf(fixedAt + MINUTE) },
    );

    expect(isCalled).toBe(true);
  });

  test('is checked at once if an operator requests it', async () => {
    const fixedAt = await fix();
    remediator.now = fixedAt + HOUR;
    const name = { account: ACCOUNT, region: 'global', resource: 'deploy' };
    remediator.table.retries.push({ name, at: timeOf(fixedAt + MINUTE), by: 'Ada', reason: 'look' });

    const { isCalled } = await poll(fixedAt - HOUR);

    expect(isCalled).toBe(true);
  });

  test('remains remediated in notices and counts', async () => {
    const fixedAt = await fix();
    for (let hour = 1; hour < 24; hour += 1) {
      remediator.now = fixedAt + hour * HOUR;
      await poll(fixedAt - HOUR);
    }

    expect(remediator.published.map(({ outcome }) => outcome)).toEqual(['remediated']);
    expect([...remediator.table.findings.values()]).toMatchObject([{ outcome: 'remediated' }]);
  });

  test('waits only if the fix is later than the scan and the failure, and for a day at most, for all times', async () => {
    const moment = fc.integer({ min: -3 * DAY, max: 3 * DAY });
    await fc.assert(
      fc.asyncProperty(moment, fc.option(moment), fc.option(moment), async (age, scan, since) => {
        const context = gateContext({}, remediator);
        const fixedAt = remediator.now - age;
        context.memory.keep([
          {
            ...findingOf('deploy'),
            outcome: 'remediated',
            since: timeOf(fixedAt),
            firstSeen: timeOf(fixedAt),
            lastSeen: timeOf(fixedAt),
            attempts: 1,
            changes: [{ outcome: 'remediated', at: timeOf(fixedAt), poll: jobOf().poll, evidence: 'key' }],
          },
        ]);
        const finding: Finding = {
          ...findingOf('deploy'),
          ...(scan !== null && { lastScanTime: timeOf(fixedAt + scan) }),
          ...(since !== null && { failingSince: timeOf(fixedAt + since) }),
        };

        const verdict = await awaitingScan(finding, context);

        const waits = age < DAY && scan !== null && scan <= 0 && (since === null || since <= 0);
        expect(verdict !== undefined).toBe(waits);
      }),
    );
  });
});

test('a finding that was never fixed is checked', async () => {
  const { isCalled, outcome } = await poll(remediator.now - HOUR);

  expect(isCalled).toBe(true);
  expect(outcome).toMatchObject({ outcome: 'remediated' });
});
