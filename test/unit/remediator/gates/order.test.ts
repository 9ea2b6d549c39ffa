import { expect, test } from 'vitest';
import { withFailure } from '../../../../lambdas/model/back-off.ts';
import { findingKey } from '../../../../lambdas/model/finding.ts';
import type { Job } from '../../../../lambdas/model/job.ts';
import type { Outcome } from '../../../../lambdas/model/outcome.ts';
import { Breaker } from '../../../../lambdas/remediator/record/breaker.ts';
import type { FindingRecord } from '../../../../lambdas/remediator/record/findings-store.ts';
import {
  ACCOUNT,
  findingOf,
  jobOf,
  RemediatorInMemory,
  RULE,
  settingsOf,
} from '../support/remediator-in-memory.ts';

const USER = 'deploy';
const hold = { reason: 'incident', by: 'Ada' };
const place = { account: ACCOUNT, region: 'global', rule: '*' };

const at = (moment: number): string => new Date(moment).toISOString();

/** The finding as a poll gives it whose scan was an hour ago. */
function jobOfUser({ now }: RemediatorInMemory): Job {
  const job = jobOf(USER);
  return { ...job, findings: [{ ...findingOf(USER), lastScanTime: at(now - 3_600_000) }] };
}

/** Lets the table know of the finding's last outcome, a minute ago. What it knows already stays. */
function remember(remediator: RemediatorInMemory, record: Partial<FindingRecord>): void {
  const moment = at(remediator.now - 60_000);
  const known = remediator.table.findings.get(findingKey(findingOf(USER)));
  const poll = { ...jobOf(USER).poll, asOf: at(remediator.now - 120_000) };
  const outcome = record.outcome ?? 'failed';
  const change = { outcome, at: moment, poll, evidence: `outcomes/${outcome}` };
  remediator.table.findings.set(findingKey(findingOf(USER)), {
    ...{ rule: RULE, account: ACCOUNT, region: 'global', resource: USER },
    ...{ outcome, since: moment, firstSeen: moment, lastSeen: moment, attempts: 1 },
    ...known,
    ...record,
    changes: [...(known?.changes ?? []), change],
  });
}

/** Each reason to leave a finding alone, in the order in which the gates are asked, and what the outcome says of it. */
const gates: readonly {
  readonly name: string;
  readonly set: (remediator: RemediatorInMemory) => void | Promise<void>;
  readonly says: Partial<Record<keyof Outcome, unknown>>;
}[] = [
  {
    name: 'off',
    set: (remediator) => {
      remediator.settings = { ...remediator.settings, mode: 'off' };
    },
    says: { outcome: 'not_applicable' },
  },
  {
    name: 'exempt by the settings',
    set: (remediator) => {
      const exemption = {
        account: '*' as const,
        region: '*',
        resource: USER,
        owner: 'Ada',
        expires: '2099-12-31',
      };
      remediator.settings = {
        ...remediator.settings,
        exemptions: [{ ...exemption, reason: 'a robot' }],
      };
    },
    says: { outcome: 'exempt', reason: expect.stringContaining('a robot') },
  },
  {
    name: 'held account',
    set: (remediator) => {
      remediator.table.holds.push({ name: { ...place, region: '*', resource: '*' }, ...hold });
    },
    says: { outcome: 'deferred', gate: 'hold', reason: expect.stringMatching(/^account /), plan: [] },
  },
  {
    name: 'back-off',
    set: (remediator) => {
      const backOff = withFailure(undefined, at(remediator.now - 60_000), remediator.settings.versions);
      remember(remediator, { outcome: 'failed', reason: 'denied', backOff });
    },
    says: { outcome: 'failed', gate: 'back_off' },
  },
  {
    name: 'awaiting a scan',
    set: (remediator) => {
      remember(remediator, { outcome: 'remediated' });
    },
    says: { outcome: 'awaiting_scan', gate: 'awaiting_scan' },
  },
  {
    name: 'exempt by its tag',
    set: (remediator) => {
      remediator.account.tags.set(USER, { 'cspm-auto-remediation:exempt': 'tagged until 2099-12-31' });
    },
    says: { outcome: 'exempt', reason: expect.stringContaining('tagged') },
  },
  {
    name: 'held resource',
    set: (remediator) => {
      remediator.table.holds.push({ name: { ...place, resource: USER }, ...hold });
    },
    says: { outcome: 'deferred', gate: 'hold', reason: expect.stringMatching(/^deploy is held/) },
  },
  {
    name: 'paused',
    set: (remediator) => {
      remediator.pause = 'all';
    },
    says: { outcome: 'deferred', gate: 'pause' },
  },
  {
    name: 'outside the maintenance window',
    set: (remediator) => {
      const maintenance_window = { days: ['TUE' as const], start: '13:00', end: '14:00', time_zone: 'UTC' };
      remediator.settings = { ...remediator.settings, maintenance_window };
    },
    says: { outcome: 'deferred', gate: 'maintenance_window' },
  },
  {
    name: 'open breaker',
    set: async (remediator) => {
      const breaker = new Breaker(jobOf('other'), remediator.ports());
      await breaker.load({ changes: 1, failed_percent: 1 });
      breaker.note(findingOf('other'), jobOf('other').poll, 'denied');
      await breaker.write();
    },
    says: { outcome: 'planned', gate: 'breaker' },
  },
  {
    name: 'limit',
    set: async (remediator) => {
      const choose = () => ({ changes: 50, findings: [] });
      const counter = { rule: RULE, account: ACCOUNT };
      await remediator.counts.reserve({
        counter,
        limit: 50,
        until: remediator.now,
        choose,
        deferred: new Set(),
      });
    },
    says: { outcome: 'deferred', gate: 'limit' },
  },
];

const pairs = gates.flatMap((first, index) => gates.slice(index + 1).map((second) => ({ first, second })));

test.each(gates)('$name', async ({ set, says }) => {
  const remediator = new RemediatorInMemory({ [USER]: ['AKIA-1'] });
  remediator.settings = settingsOf();
  await set(remediator);

  await remediator.attempt(jobOfUser(remediator));

  expect(remediator.outcome(USER)).toMatchObject({ ...says, applied: [] });
});

test.each(pairs)('$first.name comes before $second.name', async ({ first, second }) => {
  const remediator = new RemediatorInMemory({ [USER]: ['AKIA-1'] });
  // Whichever is set first.
  await second.set(remediator);
  await first.set(remediator);

  await remediator.attempt(jobOfUser(remediator));

  expect(remediator.outcome(USER)).toMatchObject({ ...first.says, applied: [] });
});
