import { describe, expect, test } from 'vitest';
import type { AppliedChange, Outcome } from '../../../../lambdas/model/outcome.ts';
import { takePlace } from '../../../../lambdas/remediator/record/take-place.ts';
import { jobOf } from '../support/remediator-in-memory.ts';

function applied(line: string, minute: number, found?: true): AppliedChange {
  const change = { kind: 'k', resource: 'deploy' };
  const appliedAt = `2026-06-30T12:0${minute}:00Z`;
  return { change, line, appliedAt, requestIds: [], ...(found && { found }) };
}

function outcomeOf(line: Partial<Outcome> = {}): Outcome {
  const { poll, findings } = jobOf('deploy');
  const [finding = { rule: '', account: '', region: '', resource: '' }] = findings;
  const at = '2026-06-30T12:09:00Z';
  return {
    version: 1,
    poll,
    finding,
    outcome: 'compliant',
    plan: [],
    applied: [],
    startedAt: at,
    finishedAt: at,
    ...line,
  };
}

const [one, two] = [applied('~ one', 1), applied('~ two', 2)];
const earlier = '2026-06-30T12:00:00Z';

describe('a line that replaces the line of another job', () => {
  test('contains what that job changed, in order, and says so', () => {
    const other = outcomeOf({ applied: [one], plan: [one, two], seen: 'open', startedAt: earlier });

    const line = takePlace(outcomeOf({ outcome: 'remediated', applied: [two] }), other, []);

    expect(line).toMatchObject({
      outcome: 'remediated',
      reason: 'another job of this poll made some of these changes',
      applied: [one, two],
      earlierPlan: [one, two],
      seen: 'open',
      startedAt: earlier,
    });
  });

  test('is `remediated` if that job made the changes', () => {
    const line = takePlace(outcomeOf(), outcomeOf({ outcome: 'failed', applied: [one] }), []);

    expect(line).toMatchObject({ outcome: 'remediated', applied: [one] });
  });

  test('keeps what that job left unconfirmed, with what to check', () => {
    const other = outcomeOf({ outcome: 'failed', reason: 'check deploy', unconfirmed: [one] });

    const line = takePlace(outcomeOf(), other, []);

    expect(line).toMatchObject({
      outcome: 'compliant',
      unconfirmed: [one],
      reason: 'another job of this poll: check deploy',
    });
  });

  test('contains nothing twice that the other line had from this job’s earlier lines', () => {
    const was = outcomeOf({ applied: [one], unconfirmed: [two] });
    const other = outcomeOf({ applied: [one], unconfirmed: [two] });
    const own = outcomeOf({ outcome: 'remediated', applied: [two] });

    expect(takePlace(own, other, [was])).toEqual(own);
  });

  test.each([
    {
      what: 'this job found by a read',
      own: applied('~ one', 1, true),
      other: applied('~ one', 2),
      kept: 'other',
    },
    {
      what: 'the other one found by a read',
      own: applied('~ one', 2),
      other: applied('~ one', 1, true),
      kept: 'own',
    },
    {
      what: 'both found by a read',
      own: applied('~ one', 1, true),
      other: applied('~ one', 2, true),
      kept: 'other',
    },
  ] as const)('contains a change that $what once, as it was made', ({ own, other, kept }) => {
    const line = takePlace(outcomeOf({ applied: [own] }), outcomeOf({ applied: [other] }), []);

    expect(line.applied).toEqual([{ own, other }[kept]]);
  });

  describe('a log group that an interrupted attempt of this job created', () => {
    const logGroup = (made: string[], minute: number, found?: true): AppliedChange => {
      const group = applied('+ log group', minute, found);
      return { ...group, change: { kind: 'log-group-create', resource: 'logs', made } };
    };

    test.each([
      { what: 'left it unchanged', parts: [], found: ['log group', 'retention'] },
      { what: 'set its retention', parts: ['retention'], found: ['log group'] },
    ])('is also in the line if the other job $what', ({ parts, found }) => {
      const own = logGroup(found, 1, true);
      const other = logGroup(parts, 2);

      const line = takePlace(outcomeOf({ applied: [own] }), outcomeOf({ applied: [other] }), []);

      expect(line.applied).toEqual([own, other]);
    });

    test.each([
      { what: 'stays unconfirmed if this job left it unchanged', made: [], doubts: 1 },
      { what: 'is confirmed if this job created it', made: ['log group', 'retention'], doubts: 0 },
    ])('$what', ({ made, doubts }) => {
      const { change, line } = logGroup(['log group'], 1);
      const other = outcomeOf({ outcome: 'failed', unconfirmed: [{ change, line }] });

      const taking = takePlace(outcomeOf({ applied: [logGroup(made, 2)] }), other, []);

      expect(taking.unconfirmed ?? []).toHaveLength(doubts);
    });
  });

  test('a line contains both flow logs that two calls created, one of which was found by a read', () => {
    const flowLog = (flowLogId: string, minute: number, found?: true): AppliedChange => {
      const made = applied('+ flow log', minute, found);
      return { ...made, change: { kind: 'flow-log-create', resource: 'vpc', flowLogId } };
    };
    const [own, other] = [flowLog('fl-1', 1, true), flowLog('fl-2', 2)];

    const line = takePlace(outcomeOf({ applied: [own] }), outcomeOf({ applied: [other] }), []);

    expect(line.applied).toEqual([own, other]);
  });
});
