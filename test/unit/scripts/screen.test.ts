import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { counts, failureLines, type StepResult, stepLine } from '../../../scripts/testing/screen.ts';

const step = (overrides: Partial<StepResult>): StepResult => ({
  name: 'unit',
  checks: [],
  seconds: 71.4,
  logFile: 'reports/unit.log',
  tail: [],
  ...overrides,
});
const passed = { name: 'a.test.ts: works', passed: true, message: '' };
const failed = {
  name: 'a.test.ts: breaks',
  passed: false,
  message: 'expected 1 to be 2\n\n  at a.test.ts:3',
};

describe('the output of a test run', () => {
  it('counts passed and failed checks', () => {
    expect(counts([passed, failed, passed])).toBe('2 passed, 1 failed');
    expect(counts([])).toBe('0 passed, 0 failed');
  });

  it('has a line per step', () => {
    expect(stepLine(step({ checks: [passed, failed] }))).toMatch(/^✗ unit +1 passed, 1 failed +1 min 11 s$/);
    expect(stepLine(step({ name: 'prepare' }))).toMatch(/^✓ prepare +ready /);
    expect(stepLine(step({ cpuSeconds: 12.4 }))).toMatch(/1 min 11 s, 12 s of CPU time$/);
  });

  it('names the failed tests, their messages, and the log', () => {
    const lines = failureLines([step({ checks: [passed, failed], tail: ['the end'] })], 30, 100);

    expect(lines).toEqual([
      '',
      'unit: 1 failed; the complete log is reports/unit.log',
      '  a.test.ts: breaks',
      '      expected 1 to be 2',
      '      at a.test.ts:3',
    ]);
  });

  it('shows the end of the log if no test says why', () => {
    const lines = failureLines(
      [step({ checks: [{ name: 'lint', passed: false, message: '' }], tail: ['one', 'two'] })],
      30,
      100,
    );

    expect(lines.slice(2)).toEqual(['  lint', '  | one', '  | two']);
  });

  it('shows causes first, and only counts consequences', () => {
    const consequences = Array.from({ length: 9 }, (_, index) => ({
      name: `after ${index}`,
      passed: false,
      message: 'did not run (skipped)',
    }));

    const lines = failureLines([step({ checks: [...consequences, failed] })], 30, 100);

    expect(lines[2]).toBe('  a.test.ts: breaks');
    expect(lines.at(-1)).toBe('  and 5 more');
  });

  it('fits on one screen, regardless of the failures', () => {
    const check = fc.record({
      name: fc.string(),
      passed: fc.boolean(),
      message: fc.string({ maxLength: 300 }),
    });
    fc.assert(
      fc.property(
        fc.array(fc.record({ checks: fc.array(check, { maxLength: 20 }), tail: fc.array(fc.string()) }), {
          maxLength: 5,
        }),
        (results) => {
          const lines = failureLines(results.map(step), 36, 80);

          expect(lines.length).toBeLessThanOrEqual(36 + 2 * results.length);
          for (const line of lines) expect(line.length).toBeLessThanOrEqual(80);
        },
      ),
    );
  });
});
