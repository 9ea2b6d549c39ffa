import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from 'vitest';
import { withFailure } from '../../../../lambdas/model/back-off.ts';
import { findingKey } from '../../../../lambdas/model/finding.ts';
import type { Job } from '../../../../lambdas/model/job.ts';
import type { Outcome } from '../../../../lambdas/model/outcome.ts';
import { accountKey } from '../../../../lambdas/model/table-items.ts';
import { askGates } from '../../../../lambdas/remediator/gates/gate.ts';
import { gates, gatesAt } from '../../../../lambdas/remediator/gates/index.ts';
import { Breaker } from '../../../../lambdas/remediator/record/breaker.ts';
import type { FindingRecord } from '../../../../lambdas/remediator/record/findings-store.ts';
import { loadRule } from '../../../../lambdas/rules/index.ts';
import { gateContext } from '../support/gate-context.ts';
import {
  ACCOUNT,
  findingOf,
  jobOf,
  REGION,
  RemediatorInMemory,
  RULE,
  sentAt,
  settingsOf,
} from '../support/remediator-in-memory.ts';

const USER = 'deploy';
const hold = { reason: 'incident', by: 'Ada' };
const place = { account: ACCOUNT, region: 'global', rule: '*' };

const at = (moment: number): string => new Date(moment).toISOString();

/** The finding, with a scan an hour ago. */
function jobOfUser({ now }: RemediatorInMemory, user: string): Job {
  const job = jobOf(user);
  return { ...job, findings: [{ ...findingOf(user), lastScanTime: at(now - 3_600_000) }] };
}

/** Adds the finding's last outcome, from a minute ago, to the table, and keeps what is already there. */
function remember(remediator: RemediatorInMemory, user: string, record: Partial<FindingRecord>): void {
  const moment = at(remediator.now - 60_000);
  const known = remediator.table.findings.get(findingKey(findingOf(user)));
  const poll = { ...jobOf(user).poll, asOf: at(remediator.now - 120_000) };
  const outcome = record.outcome ?? 'failed';
  const change = { outcome, at: moment, poll, evidence: `outcomes/${outcome}` };
  remediator.table.findings.set(findingKey(findingOf(user)), {
    ...{ rule: RULE, account: ACCOUNT, region: 'global', resource: user },
    ...{ outcome, since: moment, firstSeen: moment, lastSeen: moment, attempts: 1 },
    ...known,
    ...record,
    changes: [...(known?.changes ?? []), change],
  });
}

/** A state in which a gate stops a finding. */
interface Case {
  readonly name: string;
  readonly set?: (remediator: RemediatorInMemory, user: string) => void | Promise<void>;
  /** Fields of the job that cause it. */
  readonly job?: (user: string) => Partial<Job>;
  /** Fields of the outcome that show it. */
  readonly says: Partial<Record<keyof Outcome, unknown>>;
  /** The id of the finding's resource, and the remaining time of the function, if these matter. */
  readonly user?: string;
  /** True if the gate only stops runbooks. */
  readonly isByRunbook?: boolean;
  readonly remainingMilliseconds?: number;
}

/** Each gate, in the order of the list. */
const cases: readonly Case[] = [
  {
    name: 'no longer given',
    job: () => ({ closes: true }),
    says: { outcome: 'closed', reason: expect.stringMatching(/^netskope no longer reported it/) },
  },
  {
    name: 'left to the source',
    job: (user) => ({ leaves: { [user]: 'Netskope is fixing it' } }),
    says: { outcome: 'deferred', reason: 'Netskope is fixing it' },
  },
  {
    name: 'superseded',
    set: (remediator) => {
      remediator.table.sent = sentAt(at(remediator.now + 60_000));
    },
    says: { outcome: 'deferred', reason: expect.stringMatching(/^superseded before/) },
  },
  {
    name: 'off',
    set: (remediator) => {
      remediator.settings = { ...remediator.settings, mode: 'off' };
    },
    says: { outcome: 'not_applicable' },
  },
  {
    name: 'malformed id',
    user: 'no/user',
    says: { outcome: 'failed', willRetry: false, reason: expect.stringMatching(/^resource "no.user"/) },
  },
  {
    name: 'exempt by the settings',
    set: (remediator, user) => {
      const exemption = {
        account: '*' as const,
        region: '*',
        resource: user,
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
    name: 'held account or region',
    set: (remediator) => {
      remediator.table.holds.push({ name: { ...place, region: '*', resource: '*' }, ...hold });
    },
    says: { outcome: 'deferred', gate: 'hold', reason: expect.stringMatching(/^account /) },
  },
  {
    name: 'back-off',
    set: (remediator, user) => {
      const backOff = withFailure(undefined, at(remediator.now - 60_000), remediator.settings.versions);
      remember(remediator, user, { outcome: 'failed', reason: 'denied', backOff });
    },
    says: { outcome: 'failed', gate: 'back_off' },
  },
  {
    name: 'awaiting a scan',
    set: (remediator, user) => {
      remember(remediator, user, { outcome: 'remediated' });
    },
    says: { outcome: 'awaiting_scan', gate: 'awaiting_scan' },
  },
  {
    name: 'in progress elsewhere',
    isByRunbook: true,
    set: (remediator, user) => {
      const since = at(remediator.now);
      const mark = { version: 1 as const, job: 'other', poll: jobOf().poll, since };
      remediator.inProgress.set(findingKey({ ...findingOf(user), region: REGION }), mark);
    },
    says: { outcome: 'deferred', reason: expect.stringMatching(/^in progress since/) },
  },
  {
    name: 'role missing',
    set: (remediator) => {
      remediator.mayProbe = false;
      remediator.table.account = {
        ...accountKey(ACCOUNT),
        ...{ version: 1, expiresAt: remediator.now / 1000 + 86_400, account: ACCOUNT },
        ...{ since: at(remediator.now), state: 'noticed', writer: 'w' },
      };
    },
    says: { outcome: 'failed', gate: 'role' },
  },
  {
    name: 'exempt by its tag',
    set: (remediator, user) => {
      remediator.account.tags.set(user, { 'cspm-auto-remediation:exempt': 'tagged until 2099-12-31' });
    },
    says: { outcome: 'exempt', reason: expect.stringContaining('tagged') },
  },
  {
    name: 'held resource',
    set: (remediator, user) => {
      remediator.table.holds.push({ name: { ...place, resource: user }, ...hold });
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
    name: 'breaker',
    set: async (remediator) => {
      const breaker = new Breaker(jobOf('other'), remediator.ports());
      breaker.judgeBy({ changes: 1, failed_percent: 1 });
      breaker.note(findingOf('other'), jobOf('other').poll, 'denied');
      await breaker.write();
    },
    says: { outcome: 'planned', gate: 'breaker' },
  },
  {
    name: 'limit',
    set: async (remediator) => {
      const choose = () => ({ changes: 50, findings: [] });
      const counter = { rule: RULE, scope: ACCOUNT };
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
  {
    name: 'time left',
    remainingMilliseconds: 44_999,
    says: {
      outcome: 'failed',
      deadLetter: true,
      reason: expect.stringContaining('the function had 45 s left'),
    },
  },
];

const pairs = cases.flatMap((first, index) => cases.slice(index + 1).map((second) => ({ first, second })));

/** The outcome of a finding that these gates stop, or the part of it that is known before the resource is read. */
async function outcomeUnder(...holding: readonly Case[]): Promise<Partial<Outcome> | undefined> {
  const user = holding.find((each) => each.user !== undefined)?.user ?? USER;
  const remaining = holding.find((each) => each.remainingMilliseconds !== undefined)?.remainingMilliseconds;
  const remediator = new RemediatorInMemory({ [user]: ['AKIA-1'] });
  remediator.settings = settingsOf();
  // The order in which they are set does not matter.
  for (const { set } of [...holding].reverse()) await set?.(remediator, user);
  const said = holding.map(({ job: of }) => of?.(user));
  const job: Job = Object.assign(jobOfUser(remediator, user), ...said);
  if (holding.every(({ isByRunbook }) => isByRunbook !== true)) {
    const remainingMilliseconds = () => remaining ?? 300_000;
    await remediator.attempt(job, { last: true, remainingMilliseconds });
    return remediator.outcome(user);
  }
  const { runbook } = await loadRule('redshift-cluster-public');
  const context = { ...gateContext(remediator.settings, remediator), job, runbook };
  context.memory.keep([...remediator.table.findings.values()]);
  context.newer.keep(remediator.table.sent, { isFirst: true, hasJournal: false });
  const [finding = findingOf(user)] = job.findings;
  const asked = [...gatesAt('beforeSettings'), ...gatesAt('beforeReading')];
  const verdict = await askGates(asked, finding, context);
  return verdict?.state === 'concluded' ? { outcome: verdict.outcome, ...verdict.details } : undefined;
}

test('the table contains all gates, in the order of the list', () => {
  expect(cases.map(({ name }) => name)).toEqual(gates.map(({ name }) => name));
});

test('docs/architecture.md contains the list, and says when each gate is checked', async () => {
  const text = await readFile(path.join(import.meta.dirname, '../../../../docs/architecture.md'), 'utf8');
  const [, table = ''] = /^\| gate \| checked \| verdict \|\n\| --- .*\n((?:\|.*\n)*)/m.exec(text) ?? [];
  const rows = table
    .trim()
    .split('\n')
    .map((row) => row.split(' | ').map((cell) => cell.replace('| ', '')));

  const words = (moment: string): string => moment.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
  expect(rows.map(([name, asked = '']) => [name, asked.replace(/;.*/, '')])).toEqual(
    gates.map(({ name, asked }) => [name, Object.keys(asked).map(words).join(', ')]),
  );
});

test.each(cases)('$name', async ({ says, ...holding }) => {
  const outcome = await outcomeUnder({ ...holding, says });

  expect(outcome).toMatchObject(says);
  expect(outcome?.applied ?? []).toEqual([]);
});

test.each(pairs)('$first.name comes before $second.name', async ({ first, second }) => {
  const outcome = await outcomeUnder(first, second);

  // A gate says less about a finding that has not been planned.
  expect(outcome).toMatchObject(first.says);
  expect(outcome?.applied ?? []).toEqual([]);
});
