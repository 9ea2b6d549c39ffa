import fc from 'fast-check';
import { expect } from 'vitest';
import type { FindingsTable } from '../../../../lambdas/aws/findings-table.ts';
import type { Clock } from '../../../../lambdas/model/clock.ts';
import { LimitCounts } from '../../../../lambdas/remediator/record/limit-counts.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/** A job that reserves room, makes its changes some time before it ends, and releases the room that it did not use. */
interface Job {
  readonly wanted: number;
  readonly unchanged: number;
  /** Maximum lifetime, and time of its changes, in minutes. */
  readonly lives: number;
  readonly changesAfter: number;
}

const job = fc
  .record({
    wanted: fc.oneof(fc.integer({ min: 1, max: 2 }), fc.integer({ min: 1, max: 25 })),
    unchanged: fc.oneof(fc.constant(0), fc.constant(0), fc.nat(25)),
    lives: fc.integer({ min: 1, max: 15 }),
    changesAfter: fc.nat(15),
  })
  .map((made): Job => ({ ...made, changesAfter: Math.min(made.changesAfter, made.lives) }));
const steps = fc.array(
  fc.record({ after: fc.nat(40), jobs: fc.array(job, { minLength: 1, maxLength: 5 }) }),
  { minLength: 1, maxLength: 12 },
);

const limits = fc.oneof(fc.integer({ min: 1, max: 6 }), fc.integer({ min: 1, max: 60 }));

interface Made {
  readonly at: number;
  readonly changes: number;
}

/** Maximum number of changes within any hour. */
function mostWithinAnHour(made: readonly Made[]): number {
  const within = (from: number): number =>
    made.filter(({ at }) => at >= from && at < from + HOUR).reduce((sum, { changes }) => sum + changes, 0);
  return Math.max(0, ...made.map(({ at }) => within(at)));
}

/**
 * Lets jobs compete for room, at times over some hours, and checks that no hour contains more changes than the limit, and
 * that all room is available again when nothing has been reserved for a long time.
 * @param table a table that makes updates one after another, even if they are sent in parallel
 * @param turns resolves when a worker may continue, so that others can run in between
 */
export function neverMoreThanTheLimit(
  table: () => Pick<FindingsTable, 'read' | 'updateIf'>,
  settings: { readonly runs: number; readonly turns?: (seed: number) => () => Promise<void> },
): Promise<void> {
  let rules = 0;
  return fc.assert(
    fc.asyncProperty(steps, limits, fc.nat(), async (taken, limit, seed) => {
      rules += 1;
      const counter = { rule: `rule-${rules}`, scope: '111122223333' };
      let now = Date.parse('2026-06-30T12:00:00Z');
      const clock: Clock = { now: () => now, sleep: async () => {} };
      const turn = settings.turns?.(seed) ?? (async () => {});
      const real = table();
      const yielding = {
        read: async (...keys: Parameters<FindingsTable['read']>) => {
          await turn();
          return real.read(...keys);
        },
        updateIf: async (...update: Parameters<FindingsTable['updateIf']>) => {
          await turn();
          return real.updateIf(...update);
        },
      };
      const made: Made[] = [];
      const work = async ({ wanted, unchanged, lives, changesAfter }: Job): Promise<void> => {
        const counts = new LimitCounts(yielding, clock);
        const started = now;
        const until = started + lives * MINUTE;
        const choose = (left: number) => ({ changes: Math.min(left, wanted), findings: [] });
        const deferred = new Set<string>();
        const { reservation } = await counts.reserve({ counter, limit, until, choose, deferred });
        if (reservation === undefined) return;
        const back = Math.min(unchanged, reservation.changes);
        made.push({ at: started + changesAfter * MINUTE, changes: reservation.changes - back });
        if (back > 0) {
          await counts.release(reservation, back);
          // The SDK may send it twice.
          await counts.release(reservation, back);
        }
      };
      for (const { after, jobs } of taken) {
        now += after * MINUTE;
        await Promise.all(jobs.map(work));
      }

      expect(mostWithinAnHour(made)).toBeLessThanOrEqual(limit);
      now += HOUR + 20 * MINUTE;
      const { room } = await new LimitCounts(real, clock).reserve({
        counter,
        limit,
        until: now,
        choose: () => ({ changes: 0, findings: [] }),
        deferred: new Set(),
      });
      expect(room.left).toBe(limit);
    }),
    { numRuns: settings.runs },
  );
}
