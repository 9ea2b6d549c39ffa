import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { schedule } from '../../../scripts/testing/schedule.ts';
import { chooseSteps, steps } from '../../../scripts/testing/steps.ts';

interface Part {
  readonly name: string;
  readonly needs: readonly string[];
  readonly preparation?: boolean;
}

/** Runs parts that end in the order in which they began. The named ones fail. */
async function play(parts: readonly Part[], slots: number, failing: ReadonlySet<string>) {
  const events: string[] = [];
  let atOnce = 0;
  let most = 0;
  await schedule({
    steps: parts,
    slots,
    run: async ({ name, preparation }) => {
      events.push(`start ${name}`);
      if (preparation !== true) atOnce += 1;
      most = Math.max(most, atOnce);
      await new Promise((resolve) => setImmediate(resolve));
      if (preparation !== true) atOnce -= 1;
      events.push(`end ${name}`);
      return !failing.has(name);
    },
    skip: ({ name }, failed) => events.push(`skip ${name} for ${failed}`),
  });
  return { events, most };
}

describe('the schedule of steps', () => {
  it('starts a step when the steps that it needs have succeeded', async () => {
    const parts = [
      { name: 'e2e', needs: ['setup'] },
      { name: 'setup', needs: [], preparation: true },
      { name: 'unit', needs: [] },
    ];

    const { events } = await play(parts, 2, new Set());

    expect(events.indexOf('start e2e')).toBeGreaterThan(events.indexOf('end setup'));
    expect(events.indexOf('start unit')).toBeLessThan(events.indexOf('end setup'));
  });

  it('runs no step that directly or indirectly needs a failed one; all others run', async () => {
    const parts = [
      { name: 'setup', needs: [] },
      { name: 'integration', needs: ['setup'] },
      { name: 'e2e', needs: ['integration'] },
      { name: 'unit', needs: [] },
    ];

    const { events } = await play(parts, 1, new Set(['setup']));

    expect(events).toEqual([
      'start setup',
      'end setup',
      'skip integration for setup',
      'skip e2e for integration',
      'start unit',
      'end unit',
    ]);
  });

  it('names steps that need each other', async () => {
    const parts = [
      { name: 'a', needs: ['b'] },
      { name: 'b', needs: ['a'] },
    ];

    await expect(play(parts, 2, new Set())).rejects.toThrow('these steps need each other: a, b');
  });

  it('runs or skips each step once, and never more in parallel than there are slots', async () => {
    const partsOf = (needs: readonly (readonly number[])[]): Part[] =>
      needs.map((earlier, index) => ({
        name: `s${index}`,
        needs: [...new Set(earlier.filter((need) => need < index).map((need) => `s${need}`))],
        preparation: index % 4 === 3,
      }));
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(fc.nat(7), { maxLength: 3 }), { minLength: 1, maxLength: 8 }),
        fc.integer({ min: 1, max: 3 }),
        fc.uniqueArray(fc.nat(7)),
        async (needs, slots, failing) => {
          const parts = partsOf(needs);

          const { events, most } = await play(parts, slots, new Set(failing.map((index) => `s${index}`)));

          const settled = events.flatMap((event) => /^(?:end|skip) (s\d)/.exec(event)?.[1] ?? []);
          expect([...settled].sort()).toEqual(parts.map(({ name }) => name).sort());
          expect(most).toBeLessThanOrEqual(slots);
        },
      ),
      { numRuns: 100 },
    );
  });
});

describe('the table of steps', () => {
  it('has no cycles', async () => {
    const { events } = await play(steps, 2, new Set());

    expect(events.filter((event) => event.startsWith('end '))).toHaveLength(steps.length);
  });

  it('selects the named parts with those that they need', () => {
    expect(chooseSteps(steps, ['terraform']).map(({ name }) => name)).toEqual([
      'prepare-terraform',
      'terraform',
    ]);
  });

  it('selects long-running parts only with --full, or by name', () => {
    const long = [
      'resource-types',
      'tflint',
      'coverage',
      'long',
      'organization',
      'upgrade',
      'customer-keys',
      'chaos',
      'chaos-day',
      'first-applies',
      'bench-plan',
    ];

    const usual = chooseSteps(steps, []).map(({ name }) => name);
    const full = chooseSteps(steps, ['--full']).map(({ name }) => name);
    const named = chooseSteps(steps, ['chaos']).map(({ name }) => name);

    expect(full).toEqual([...usual, ...long]);
    expect(named).toEqual(['chaos']);
  });

  it('selects a part with other requirements only by its name', () => {
    const named = chooseSteps(steps, ['opentofu']).map(({ name }) => name);

    expect(named).toEqual(['opentofu']);
    expect(chooseSteps(steps, ['--full'])).not.toContainEqual(expect.objectContaining({ name: 'opentofu' }));
  });

  it('names an unknown part, and the valid ones', () => {
    expect(() => chooseSteps(steps, ['units'])).toThrow(/unknown part 'units': expected one of .*unit/);
  });
});
