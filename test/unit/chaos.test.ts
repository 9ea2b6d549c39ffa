import { describe, expect, test } from 'vitest';
import { KINDS } from '../chaos/case.ts';
import { FOUND } from '../chaos/found.ts';
import { findFault } from '../chaos/property.ts';
import { reportLines } from '../chaos/report.ts';
import { runCase } from '../chaos/run-case.ts';
import { EMPTY_STATE } from '../lab/aws-model/state.ts';

/** The same cases each time, so that a test run does not depend on luck: `npm run test:chaos` chooses a new seed. */
const SEED = 20_261_128;
/** How many cases there are of each kind: `npm run test:chaos` runs more. */
const CASES = 60;

describe('whatever someone else does between two calls, and however old what AWS answers', () => {
  test.each(KINDS)(
    'nothing is changed beyond the plan, and the record is true: %s',
    async (kind) => {
      const options = { seed: SEED, cases: CASES, kind };

      const report = await findFault(options);

      expect(report.failure, reportLines(report, options, 0).join('\n')).toBeUndefined();
      expect(report.counts.get('acts'), 'acts of others').toBeGreaterThan(CASES / 3);
      expect(report.counts.get('lagging reads')).toBeGreaterThan(CASES / 5);
    },
    // They work all the time: on a busy machine, that takes as much longer as it is busy.
    300_000,
  );

  test.each(FOUND)('$what', async ({ case: found }) => {
    const { faults, trace } = await runCase(found, { withTrace: true });

    expect(faults, trace.join('\n')).toEqual([]);
  });

  test('a rule that its owner narrows one round trip before it is shrunk is counted, as AWS has no condition for it', async () => {
    const rule = { protocol: 'tcp', toPort: 443, source: '0.0.0.0/0', description: '', tags: {} };
    const group = { owner: '111122223333', vpc: 'vpc-1', tags: {}, quota: 60 };
    const rules = [{ ...rule, fromPort: 22, id: 'sgr-1' }];

    const { faults, counts, trace } = await runCase(
      {
        kind: 'security-group',
        initial: { ...EMPTY_STATE, groups: { 'sg-00000001': { ...group, rules } } },
        jobs: [{ rule: 'security-group-ssh-open', options: {} }],
        // The fourth call is the one that shrinks the rule.
        disturbances: [{ at: 4, act: { kind: 'narrow ports', which: 0, how: 0 } }],
        kills: [],
      },
      { withTrace: true },
    );

    expect(faults, trace.join('\n')).toEqual([]);
    expect(counts.get('allowed: an act of someone else between the look and the write')).toBe(1);
  });
});
