import fc from 'fast-check';
import { ACT_KINDS } from './acts.ts';
import {
  type Case,
  type Disturbance,
  LASTING_OUTAGES,
  LOSSES,
  REFUSALS,
  SHORT_OUTAGES,
  SLOW,
} from './case.ts';

/** The calls at which something may happen: a job makes 3 to 15 of them, and most cases have one or two jobs. */
const calls = fc.oneof(
  { weight: 4, arbitrary: fc.integer({ min: 1, max: 12 }) },
  { weight: 1, arbitrary: fc.integer({ min: 1, max: 40 }) },
);

/** Generates the events of a case. The first kinds are those to which a failing case is reduced. */
export function disturbances(kind: Case['kind']): fc.Arbitrary<Disturbance[]> {
  const at = calls;
  const anyAct = fc.record({
    kind: fc.constantFrom(...ACT_KINDS[kind]),
    which: fc.nat(7),
    how: fc.nat(11),
  });
  const act = fc.record({ at, act: anyAct });
  const lag = fc.record({
    at,
    lag: fc.record({ versions: fc.integer({ min: 1, max: 4 }), reads: fc.integer({ min: 1, max: 12 }) }),
  });
  const loss = fc.record({ at, loss: fc.constantFrom(...LOSSES) });
  const refusal = fc.record({ at, refusal: fc.constantFrom(...REFUSALS), meanwhile: fc.option(anyAct) });
  const outage = fc.oneof(
    fc.record({ port: fc.constantFrom(...LASTING_OUTAGES), times: fc.integer({ min: 1, max: 30 }) }),
    fc.record({ port: fc.constantFrom(...SHORT_OUTAGES), times: fc.integer({ min: 1, max: 2 }) }),
  );
  const slow = fc.record({
    what: fc.constantFrom(...SLOW),
    milliseconds: fc.constantFrom(1_000, 3_000, 7_000),
  });
  return fc.array(
    fc.oneof(
      { weight: 8, arbitrary: act },
      { weight: 4, arbitrary: lag },
      { weight: 1, arbitrary: loss },
      { weight: 1, arbitrary: refusal },
      { weight: 1, arbitrary: fc.record({ at, outage }) },
      { weight: 1, arbitrary: fc.record({ at, slow }) },
    ),
    { minLength: 1, maxLength: 6, size: 'max' },
  );
}

/** Numbers of steps after which attempts are killed. */
export const kills = fc.oneof(
  { weight: 6, arbitrary: fc.constant<number[]>([]) },
  { weight: 1, arbitrary: fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 2 }) },
);
