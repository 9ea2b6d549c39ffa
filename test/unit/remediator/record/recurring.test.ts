import fc from 'fast-check';
import { beforeEach, expect, test } from 'vitest';
import { findingNoticeSchema } from '../../../../lambdas/model/finding-notice.ts';
import type { Job } from '../../../../lambdas/model/job.ts';
import { recurrenceOf } from '../../../../lambdas/remediator/record/recurring.ts';
import { findingOf, jobOf, RemediatorInMemory } from '../support/remediator-in-memory.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

let remediator: RemediatorInMemory;
beforeEach(() => {
  remediator = new RemediatorInMemory({ deploy: ['AKIA-1'] });
});

const timeOf = (moment: number): string => new Date(moment).toISOString();

/** Undoes the fix by hand, and runs a poll that finds it. @returns the outcome */
async function undoneAndPolled(hours: number) {
  remediator.now += hours * HOUR;
  remediator.account.users.get('deploy')?.set('AKIA-1', 'Active');
  const job: Job = { ...jobOf('deploy'), poll: { ...jobOf().poll, asOf: timeOf(remediator.now) } };
  await remediator.attempt(job);
  return [...remediator.outcomes.values()].at(-1);
}

test('a finding that was fixed three times in seven days is fixed, and is in a notice once per week', async () => {
  const outcomes = [];
  for (let day = 0; day < 12; day += 1) outcomes.push(await undoneAndPolled(24));

  expect(outcomes.every((each) => each?.outcome === 'remediated' && each.applied.length === 1)).toBe(true);
  expect(outcomes.slice(0, 3).map((each) => each?.recurring?.times)).toEqual([undefined, undefined, 3]);
  expect(outcomes[2]?.reason).toMatch(
    /^deploy has been fixed 3 times since 2026-07-01T12:00:00.*, and keeps violating the rule: find out in CloudTrail in account 111122223333 who changes it; if Terraform or CloudFormation does, fix the code, or exempt it$/,
  );
  expect(remediator.notices.map((notice) => findingNoticeSchema.parse(notice))).toMatchObject([
    { kind: 'recurring', findings: [{ resource: 'deploy', since: outcomes[0]?.finishedAt }] },
    { kind: 'recurring' },
  ]);
  expect(remediator.notices[0]?.words).toContain('deploy has been fixed 3 times');
});

test('a finding that is fixed every fourth day is not recurring', async () => {
  const outcomes = [];
  for (let time = 0; time < 5; time += 1) outcomes.push(await undoneAndPolled(4 * 24));

  expect(outcomes.map((each) => each?.recurring)).toEqual(Array.from({ length: 5 }, () => undefined));
  expect(remediator.notices).toEqual([]);
});

test('for a resource of a CloudFormation stack, the reason names the template that causes the violation', async () => {
  remediator.account.tags.set('deploy', { 'aws:cloudformation:stack-name': 'payroll' });
  for (let day = 0; day < 2; day += 1) await undoneAndPolled(24);

  const outcome = await undoneAndPolled(24);

  expect(outcome?.reason).toContain('it belongs to the CloudFormation stack payroll, whose template');
});

test('while the event bus accepts nothing, the notice is not lost', async () => {
  for (let day = 0; day < 2; day += 1) await undoneAndPolled(24);
  remediator.fault = (port) => (port === 'publish' ? new Error('unavailable') : undefined);
  await undoneAndPolled(24);
  const lost = remediator.notices.length;
  remediator.fault = () => undefined;
  const asOf = [...remediator.outcomes.values()].at(-1)?.poll.asOf ?? '';
  await remediator.attempt({ ...jobOf('deploy'), poll: { ...jobOf().poll, asOf } }, { number: 2 });

  expect(lost).toBe(0);
  expect(remediator.notices).toMatchObject([{ kind: 'recurring' }]);
});

test('fixes count once per poll, and for seven days', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 20 * 24 }), { maxLength: 20 }), (ages) => {
      const now = remediator.now;
      const sorted = ages.toSorted((one, other) => other - one);
      const changes = sorted.map((age) => ({
        outcome: 'remediated' as const,
        at: timeOf(now - age * HOUR),
        poll: { ...jobOf().poll, asOf: timeOf(now - age * HOUR) },
        evidence: String(age),
      }));
      const asOf = timeOf(now);
      const known = {
        ...findingOf('deploy'),
        outcome: 'remediated' as const,
        since: asOf,
        firstSeen: asOf,
        lastSeen: asOf,
        attempts: 1,
        changes,
      };

      const found = recurrenceOf(known, { ...jobOf().poll, asOf }, now);

      const counting = sorted.filter((age) => age > 0 && age * HOUR < 7 * DAY);
      expect(found?.times).toBe(counting.length >= 2 ? counting.length + 1 : undefined);
    }),
  );
});
