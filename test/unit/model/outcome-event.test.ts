import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Outcome, outcomeSchema, type Unprocessable } from '../../../lambdas/model/outcome.ts';
import {
  linesOf,
  outcomeEvent,
  outcomeEventSchema,
  unprocessableEvent,
} from '../../../lambdas/model/outcome-event.ts';

const change = {
  change: { kind: 'k', resource: 'sg-1', rules: [] },
  line: '- ingress tcp 22',
};
const outcome: Outcome = {
  version: 1,
  poll: { source: 'netskope', rule: 'security-group-ssh-open', asOf: '2026-06-30T11:00:00Z' },
  finding: {
    rule: 'security-group-ssh-open',
    account: '111122223333',
    region: 'eu-central-1',
    resource: 'sg-1',
    policies: ['CIS'],
  },
  outcome: 'failed',
  reason: 'denied',
  willRetry: true,
  mode: 'enforce',
  seen: { rules: [] },
  plan: [change, { ...change, line: '- ingress tcp 3389' }],
  applied: [{ ...change, appliedAt: '2026-06-30T12:00:00.000Z', requestIds: ['r-1'] }],
  earlierPlan: [change],
  endedExemptions: ['bastion (team-a), ended on 2026-01-01'],
  startedAt: '2026-06-30T12:00:00.000Z',
  finishedAt: '2026-06-30T12:00:01.000Z',
};
const EVIDENCE = 's3://cspm-evidence/outcomes/key.json';

test('an outcome matches its schema', () => {
  expect(outcomeSchema.parse(outcome)).toEqual(outcome);
});

describe('the event of an outcome', () => {
  test('has changes as lines, and does not contain the state of the resource', () => {
    const { seen: _, ...published } = outcome;

    expect(outcomeEvent(outcome, EVIDENCE)).toEqual({
      ...published,
      id: expect.stringMatching(/^[0-9a-f]{32}$/),
      plan: ['- ingress tcp 22', '- ingress tcp 3389'],
      applied: ['- ingress tcp 22'],
      earlierPlan: ['- ingress tcp 22'],
      evidence: EVIDENCE,
    });
  });

  test('matches its schema, as does the event of an item that could not become part of a job', () => {
    const unprocessable: Unprocessable = {
      version: 1,
      poll: { ...outcome.poll, source: 'netskope' },
      outcome: 'unprocessable',
      reason: 'malformed item',
      item: { account_id: 7 },
      at: '2026-06-30T12:00:00.000Z',
    };
    const events = [outcomeEvent(outcome, EVIDENCE), unprocessableEvent(unprocessable, EVIDENCE)];

    for (const event of events) {
      expect(outcomeEventSchema.parse(JSON.parse(JSON.stringify(event)))).toEqual(event);
    }
    expect(events[1]).toEqual({ ...unprocessable, id: expect.any(String), evidence: EVIDENCE });
  });

  test('has the same id each time it is created, and no other event has this id', () => {
    const other = { ...outcome, finding: { ...outcome.finding, resource: 'sg-2' } };
    const ids = [outcome, outcome, other].map((each) => outcomeEvent(each, EVIDENCE).id);

    expect(ids[0]).toBe(ids[1]);
    expect(new Set([...ids, outcomeEvent(outcome, `${EVIDENCE}2`).id]).size).toBe(3);
  });

  test('has no fields that the outcome does not have', () => {
    const { reason: _, earlierPlan: __, endedExemptions: ___, ...plain } = outcome;
    const event = outcomeEvent(plain, EVIDENCE);

    for (const field of ['reason', 'earlierPlan', 'endedExemptions', 'seen']) {
      expect(event).not.toHaveProperty(field);
    }
  });

  test('fits on the bus, whatever an outcome contains', () => {
    const text = fc
      .tuple(fc.constantFrom('a', 'é', '漢', '😀', '\u0000', '"', '\ud800'), fc.nat({ max: 60_000 }))
      .map(([unit, length]) => unit.repeat(length));
    const changes = fc.tuple(text, fc.nat({ max: 2_000 })).map(([line, count]) =>
      Array.from({ length: Math.min(count, Math.ceil(2_000_000 / (line.length + 1))) }, () => ({
        ...change,
        line,
      })),
    );
    fc.assert(
      fc.property(
        fc.record({ text, plan: changes, other: changes, resource: text, count: fc.nat({ max: 500 }) }),
        ({ text: words, plan, other, resource, count }) => {
          const large: Outcome = {
            ...outcome,
            finding: {
              ...outcome.finding,
              resource: `r${resource.slice(0, 2_047)}`,
              policies: [words],
            },
            reason: words,
            plan,
            applied: other.map((each) => ({ ...each, appliedAt: outcome.startedAt, requestIds: [] })),
            earlierPlan: other,
            endedExemptions: Array.from({ length: count }, () => words.slice(0, 2_000)),
          };

          const event = outcomeEvent(large, EVIDENCE);

          expect(Buffer.byteLength(JSON.stringify(event))).toBeLessThan(255 * 1024);
          expect(outcomeEventSchema.safeParse(event).error).toBeUndefined();
          expect(event.finding).toMatchObject({ account: '111122223333', resource: large.finding.resource });
        },
      ),
      { numRuns: 100 },
    );
  });
});

test('a long list of lines is truncated, with the number of lines left out', () => {
  const many = Array.from({ length: 1_000 }, (_, index) => ({
    ...change,
    line: `${index} ${'x'.repeat(200)}`,
  }));

  const lines = linesOf(many);

  expect(lines.length).toBeGreaterThan(100);
  expect(lines.length).toBeLessThan(1_000);
  expect(lines.slice(0, -1)).toEqual(many.slice(0, lines.length - 1).map(({ line }) => line));
  expect(lines.at(-1)).toBe(`… and ${1_000 - (lines.length - 1)} more`);
});
