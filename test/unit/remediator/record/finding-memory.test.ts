import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Outcome } from '../../../../lambdas/model/outcome.ts';
import { type OutcomeName, outcomeNames } from '../../../../lambdas/model/outcome-names.ts';
import { FindingMemory } from '../../../../lambdas/remediator/record/finding-memory.ts';
import type { FindingRecord } from '../../../../lambdas/remediator/record/findings-store.ts';
import { findingOf, RULE } from '../support/remediator-in-memory.ts';

const HOUR = 3_600_000;
const START = Date.parse('2026-06-01T00:00:00Z');
const at = (hours: number): string => new Date(START + hours * HOUR).toISOString();

/** An outcome of the poll a number of hours after the first one. */
function lineOf(hours: number, outcome: OutcomeName, given: Partial<Outcome> = {}): Outcome {
  return {
    version: 1,
    poll: { source: 'netskope', rule: RULE, asOf: at(hours) },
    finding: findingOf('deploy'),
    outcome,
    plan: [],
    applied: [],
    startedAt: at(hours),
    finishedAt: at(hours),
    ...given,
  };
}

const applied = [{ change: { kind: 'k', resource: 'deploy' }, line: '~', appliedAt: at(0), requestIds: [] }];

/** Adds outcomes one after another. @returns the final record, and what was written and published */
function live(lines: readonly Outcome[], known?: FindingRecord) {
  let record = known;
  const written: FindingRecord[] = [];
  const published: Outcome[] = [];
  for (const outcome of lines) {
    const memory = new FindingMemory();
    memory.keep(record === undefined ? [] : [record]);
    const { toWrite, changed } = memory.learn([{ outcome, evidence: `key-${outcome.poll.asOf}` }]);
    written.push(...toWrite);
    published.push(...changed.map((each) => each.outcome));
    record = toWrite[0] ?? record;
  }
  return { record, written, published };
}

describe('the record of a finding after a later poll', () => {
  const fixed = { applied, reason: 'an interrupted job' };

  test('keeps the outcome of that poll if an interrupted job of an earlier poll is recorded afterwards', () => {
    const { record, published } = live([
      lineOf(0, 'planned'),
      lineOf(2, 'compliant'),
      lineOf(3, 'failed', { reason: 'denied' }),
      lineOf(1, 'remediated', fixed),
    ]);

    expect(record).toMatchObject({ outcome: 'failed', reason: 'denied', since: at(3), lastSeen: at(3) });
    expect(record?.changes.map(({ outcome }) => outcome)).toEqual([
      'planned',
      'remediated',
      'compliant',
      'failed',
    ]);
    expect(published.at(-1)).toMatchObject({ outcome: 'remediated' });
  });

  test('is set by a job of an earlier poll that found its outcome later', () => {
    const { record } = live([
      lineOf(0, 'planned'),
      lineOf(2, 'failed', { reason: 'denied' }),
      lineOf(1, 'remediated', { ...fixed, finishedAt: at(3) }),
    ]);

    expect(record).toMatchObject({ outcome: 'remediated' });
    expect(record?.changes.map(({ outcome }) => outcome)).toEqual(['planned', 'failed', 'remediated']);
  });
});

describe('the record of a finding', () => {
  test('begins with the first outcome', () => {
    const { record, published } = live([lineOf(0, 'failed', { reason: 'denied' })]);

    expect(record).toEqual({
      ...findingOf('deploy'),
      outcome: 'failed',
      reason: 'denied',
      since: at(0),
      firstSeen: at(0),
      lastSeen: at(0),
      attempts: 1,
      changes: [{ outcome: 'failed', at: at(0), poll: lineOf(0, 'failed').poll, evidence: `key-${at(0)}` }],
    });
    expect(published).toHaveLength(1);
  });

  test('is written once per week if nothing changes, and nothing is published', () => {
    const month = Array.from({ length: 24 * 30 }, (_, hour) => lineOf(hour, 'exempt'));

    const { record, written, published } = live(month);

    expect(written).toHaveLength(1 + 4);
    expect(published).toHaveLength(1);
    expect(record).toMatchObject({ since: at(0), firstSeen: at(0), lastSeen: at(24 * 28), attempts: 0 });
    expect(record?.changes).toHaveLength(1);
  });

  test('contains every change of the outcome, and every fix even if the outcome is the same', () => {
    const { record, published } = live([
      lineOf(0, 'planned'),
      lineOf(1, 'remediated', { applied }),
      lineOf(2, 'compliant'),
      lineOf(3, 'remediated', { applied }),
      lineOf(4, 'remediated', { applied }),
    ]);

    expect(published.map(({ outcome }) => outcome)).toEqual([
      'planned',
      'remediated',
      'compliant',
      'remediated',
      'remediated',
    ]);
    expect(record).toMatchObject({ outcome: 'remediated', since: at(3), firstSeen: at(0), attempts: 3 });
  });

  test.each(['role', 'back_off', 'awaiting_scan'] as const)(
    'contains what was changed before gate %s stopped it',
    (gate) => {
      const reason = 'stopped';

      const { published, record } = live([
        lineOf(0, 'failed', { reason: 'denied' }),
        lineOf(1, 'failed', { gate, reason, applied }),
      ]);

      expect(published).toMatchObject([{ reason: 'denied' }, { reason, applied }]);
      expect(record?.changes).toHaveLength(2);
    },
  );

  test.each<OutcomeName>(['failed', 'deferred'])(
    'records and publishes once that it is %s for another reason',
    (outcome) => {
      const { record, published } = live([
        lineOf(0, outcome, { reason: 'AccessDenied: no (request 1f2e-a)' }),
        lineOf(1, outcome, { reason: 'AccessDenied: no (request 9d8c-b)' }),
        lineOf(2, outcome, { reason: 'DependencyViolation: in use (request 7a6b-c)' }),
        lineOf(3, outcome, { reason: 'DependencyViolation: in use (request 5f4e-d)' }),
      ]);

      expect(published.map(({ poll }) => poll.asOf)).toEqual([at(0), at(2)]);
      expect(record).toMatchObject({
        reason: 'DependencyViolation: in use (request 7a6b-c)',
        since: at(0),
        attempts: outcome === 'failed' ? 1 : 0,
      });
      expect(record?.changes.map((change) => change.evidence)).toEqual([`key-${at(0)}`, `key-${at(2)}`]);
    },
  );

  test.each([
    [
      'times',
      'not finished since 2026-06-01T00:00:00Z, 15 minutes later',
      'not finished since 2026-06-01T01:00:00Z, 75 minutes later',
    ],
    [
      'sessions',
      'User: arn:aws:sts::111122223333:assumed-role/r/job-1f is not authorized',
      'User: arn:aws:sts::111122223333:assumed-role/r/job-2e is not authorized',
    ],
    [
      'encoded words',
      `Encoded authorization failure message: ${'aB'.repeat(90)}`,
      `Encoded authorization failure message: ${'Ba'.repeat(80)}`,
    ],
    [
      'ids of executions',
      'AWS-DisablePublic 0a1b2c3d-0000-4000-8000-abcdefabcdef is running',
      'AWS-DisablePublic ffeeddcc-0000-4000-8000-abcdefabcdef is running',
    ],
  ])('a reason in which only %s differ has no event', (_, one, other) => {
    const { published } = live([
      lineOf(0, 'failed', { reason: one }),
      lineOf(1, 'failed', { reason: other }),
    ]);

    expect(published).toHaveLength(1);
  });

  test.each<OutcomeName>(['exempt', 'not_applicable', 'gone'])(
    'another reason for the outcome %s has no event',
    (outcome) => {
      const { published } = live([
        lineOf(0, outcome, { reason: 'ours' }),
        lineOf(1, outcome, { reason: 'theirs' }),
      ]);

      expect(published).toHaveLength(1);
    },
  );

  test('remains closed if the finding was closed in the meantime, with the late outcome in its history', () => {
    const { record, published } = live([
      lineOf(0, 'planned'),
      lineOf(2, 'closed'),
      lineOf(1, 'remediated', { applied }),
    ]);

    expect(record).toMatchObject({ outcome: 'closed', since: at(2), attempts: 1 });
    expect(record?.changes.map(({ outcome }) => outcome)).toEqual(['planned', 'remediated', 'closed']);
    expect(published.map(({ outcome }) => outcome)).toEqual(['planned', 'closed', 'remediated']);
  });

  test('finds the evidence of a poll even if a later poll changed the outcome', () => {
    const lines = [lineOf(0, 'remediated', { applied }), lineOf(1, 'compliant')];
    const memory = new FindingMemory();
    memory.keep([live(lines).record].flatMap((record) => record ?? []));

    const evidence = lines.map(({ poll }) => memory.evidenceAt(poll, 'deploy'));

    expect(evidence).toEqual([`key-${at(0)}`, `key-${at(1)}`]);
  });

  test('what is already written is not written again, but counts as a change again', () => {
    const line = lineOf(0, 'failed');
    const { record } = live([line]);

    expect(live([line], record)).toMatchObject({ written: [], published: [line] });
  });

  test('an outcome that was not a change is not one when it is repeated', () => {
    const lines = [lineOf(0, 'planned'), lineOf(1, 'planned')];
    const { record, published } = live(lines);

    expect(published).toEqual(lines.slice(0, 1));
    expect(live(lines.slice(1), record)).toMatchObject({ written: [], published: [] });
  });

  test('publishes everything and writes nothing while the content of the table is unknown', () => {
    const recorded = { outcome: lineOf(0, 'failed'), evidence: 'key' };

    expect(new FindingMemory().learn([recorded])).toEqual({ toWrite: [], changed: [recorded] });
  });

  test('in all cases, the record contains the last twenty published changes', () => {
    const life = fc.array(fc.constantFrom(...outcomeNames), { minLength: 1, maxLength: 60 });
    fc.assert(
      fc.property(life, (names) => {
        const { record, published } = live(names.map((name, hour) => lineOf(hour, name)));

        // Closing an unknown finding changes nothing.
        const begin = names.findIndex((name) => name !== 'closed');
        const lived = begin < 0 ? [] : names.slice(begin);
        const changes = lived.filter((name, index) => index === 0 || lived[index - 1] !== name);
        expect(published.map(({ outcome }) => outcome)).toEqual(changes);
        expect((record?.changes ?? []).map(({ outcome }) => outcome)).toEqual(changes.slice(-20));
        expect(record?.outcome).toBe(lived.at(-1));
      }),
    );
  });
});
