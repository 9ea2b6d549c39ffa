import { setImmediate } from 'node:timers/promises';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type ChangeResult, judge, withResults } from '../../../../lambdas/model/breaker.ts';
import { Breaker } from '../../../../lambdas/remediator/record/breaker.ts';
import type { FindingsStore } from '../../../../lambdas/remediator/record/findings-store.ts';
import { MemoryTable } from '../support/memory-table.ts';
import { ACCOUNT, findingOf, jobOf, RULE } from '../support/remediator-in-memory.ts';

const MINUTE = 60_000;
const NOW = Date.parse('2026-06-30T12:00:00Z');
const settings = { changes: 5, failed_percent: 50 };

const result = fc.record({
  id: fc.nat(40).map(String),
  minutesAgo: fc.nat(120),
  isBad: fc.boolean(),
});
const results = fc.array(result, { maxLength: 60 });

const asResult = ({
  id,
  minutesAgo,
  isBad,
}: {
  id: string;
  minutesAgo: number;
  isBad: boolean;
}): ChangeResult => ({
  id,
  at: NOW - minutesAgo * MINUTE,
  ...(isBad && { reason: `because of ${id}` }),
});

describe('the decision', () => {
  test('opens exactly if a large enough part of enough changes within an hour failed or was undone by hand, and some of that is new', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(result, { maxLength: 60, selector: ({ id }) => id }),
        fc.integer({ min: 1, max: 20 }),
        fc.integer({ min: 1, max: 100 }),
        (given, changes, failed_percent) => {
          const hours = given
            .map(({ minutesAgo: from }) =>
              given.filter(({ minutesAgo }) => minutesAgo <= from && from - minutesAgo < 60),
            )
            .filter((hour) => hour.some(({ minutesAgo }) => minutesAgo < 60));
          const badIn = (hour: typeof given) => hour.filter(({ isBad }) => isBad);

          const opened = judge(given.map(asResult), { changes, failed_percent }, NOW);

          const due = hours.filter(
            (hour) => hour.length >= changes && badIn(hour).length / hour.length >= failed_percent / 100,
          );
          expect(opened !== undefined).toBe(due.length > 0);
          if (opened === undefined) return;
          const newestOf = (hour: typeof given) => {
            const newest = Math.min(...badIn(hour).map(({ minutesAgo }) => minutesAgo));
            return badIn(hour).flatMap(({ minutesAgo, id }) =>
              minutesAgo === newest ? `because of ${id}` : [],
            );
          };
          const asked = due.filter(
            (hour) => hour.length === opened.changes && badIn(hour).length === opened.failed,
          );
          expect(asked.flatMap(newestOf)).toContain(opened.reasons[0]);
          expect(opened.reasons).toHaveLength(Math.min(3, opened.failed));
        },
      ),
    );
  });

  test('an undone change counts among the changes of the hour in which it was made, when it is noticed', () => {
    const made = NOW - 20 * 60 * MINUTE;
    const good = Array.from({ length: 6 }, (_, number) => ({ id: `good ${number}`, at: made }));
    const undone = (count: number) =>
      Array.from({ length: count }, (_, number) => ({
        id: `bad ${number}`,
        at: made,
        seenAt: NOW - 10 * MINUTE,
        reason: 'undone by hand',
      }));

    expect(judge([...good, ...undone(5)], settings, NOW)).toBeUndefined();
    expect(judge([...good, ...undone(6)], settings, NOW)).toMatchObject({ changes: 12, failed: 6 });
    // An hour after it was noticed, it is no longer new.
    expect(judge([...good, ...undone(6)], settings, NOW + 60 * MINUTE)).toBeUndefined();
  });

  test('a change counts once, and a failure remains a failure, in whatever order the results arrive', () => {
    fc.assert(
      fc.property(results, results, (one, other) => {
        const [first, second] = [one.map(asResult), other.map(asResult)];

        const merged = withResults(withResults([], first, NOW), second, NOW);

        const all = [...one, ...other];
        expect(new Set(merged.map(({ id }) => id)).size).toBe(merged.length);
        for (const { id, reason } of merged) {
          const isWrong = all.some((each) => each.id === id && each.isBad && each.minutesAgo < 60);
          if (isWrong) expect(reason).toBe(`because of ${id}`);
        }
      }),
    );
  });
});

test('no result of jobs that write at the same time is lost', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(fc.boolean(), { minLength: 1, maxLength: 5 }), { minLength: 1, maxLength: 6 }),
      fc.array(fc.nat(3), { minLength: 40, maxLength: 40 }),
      async (jobs, waits) => {
        const memory = new MemoryTable();
        let turns = 0;
        const turn = async (): Promise<void> => {
          turns += 1;
          for (let wait = waits[turns % waits.length] ?? 0; wait > 0; wait -= 1) await setImmediate();
        };
        const table: Pick<FindingsStore, 'readOperatorItems' | 'writeBreaker'> = {
          readOperatorItems: async (names) => {
            await turn();
            return memory.readOperatorItems(names);
          },
          writeBreaker: async (...written) => {
            await turn();
            return memory.writeBreaker(...written);
          },
        };
        const clock = { now: () => NOW, sleep: async () => {} };
        await Promise.all(
          jobs.map(async (good, index) => {
            const job = jobOf('deploy');
            const ports = { clock, table: Object.assign(new MemoryTable(), table) };
            const breaker = new Breaker(job, ports);
            const known = await ports.table.readOperatorItems({ breaker: breaker.name });
            breaker.keep(known.breaker);
            breaker.judgeBy(settings);
            for (const [number, isGood] of good.entries()) {
              breaker.note(findingOf(`${index}-${number}`), job.poll, isGood ? undefined : 'denied');
            }
            await breaker.write();
          }),
        );

        const item = memory.breakers.get(`${RULE} ${ACCOUNT}`);
        const [all, bad] = [jobs.flat(), jobs.flat().filter((isGood) => !isGood)];
        expect(item?.results).toHaveLength(all.length);
        expect(item?.results.filter(({ reason }) => reason !== undefined)).toHaveLength(bad.length);
        if (all.length >= 5 && bad.length * 2 >= all.length) expect(item?.opened).toBeDefined();
      },
    ),
    { numRuns: 60 },
  );
});
