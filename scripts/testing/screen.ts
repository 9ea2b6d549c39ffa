import { stripVTControlCharacters } from 'node:util';
import type { Check } from './checks.ts';

/** The result of a step. */
export interface StepResult {
  readonly name: string;
  /** The tests, or one check for the step; none for a preparation that succeeded. */
  readonly checks: readonly Check[];
  readonly seconds: number;
  /** The CPU time of its processes, if known. On a busy machine, it is more meaningful than the duration. */
  readonly cpuSeconds?: number | undefined;
  readonly logFile: string;
  /** The end of its log. */
  readonly tail: readonly string[];
}

export function isFailed({ checks }: Pick<StepResult, 'checks'>): boolean {
  return checks.some(({ passed }) => !passed);
}

/** Formats the counts: `412 passed, 1 failed`. */
export function counts(checks: readonly Check[]): string {
  const failed = checks.filter(({ passed }) => !passed).length;
  return `${checks.length - failed} passed, ${failed} failed`;
}

export function duration(seconds: number): string {
  const whole = Math.round(seconds);
  return whole < 60 ? `${whole} s` : `${Math.floor(whole / 60)} min ${whole % 60} s`;
}

/** Formats the line of a finished step. */
export function stepLine({ name, checks, seconds, cpuSeconds }: StepResult): string {
  const mark = isFailed({ checks }) ? '✗' : '✓';
  const what = checks.length === 0 ? 'ready' : counts(checks);
  const work = cpuSeconds === undefined ? '' : `, ${Math.round(cpuSeconds)} s of CPU time`;
  return `${mark} ${name.padEnd(18)} ${what.padEnd(24)} ${duration(seconds)}${work}`;
}

/** Reports whether a failure is only the consequence of another. */
function didNotRun({ message }: Check): boolean {
  return message.startsWith('did not run');
}

const namesAStep = 5;
const linesAMessage = 3;

/**
 * Lists the failures, within a number of lines: for each failed step, the names of its failed tests with their messages, or the
 * end of its log if that says more, and the path of the log.
 */
export function failureLines(
  results: readonly StepResult[],
  lines: number,
  width: number,
): readonly string[] {
  const failed = results.filter(isFailed);
  const share = Math.max(6, Math.floor(lines / Math.max(1, failed.length)));
  return failed.flatMap((step) => {
    const failures = step.checks
      .filter(({ passed }) => !passed)
      .sort((a, b) => Number(didNotRun(a)) - Number(didNotRun(b)));
    const named = failures.slice(0, namesAStep).flatMap(({ name, message }) => [
      `  ${name}`,
      ...stripVTControlCharacters(message)
        .split('\n')
        .filter((line) => line.trim() !== '')
        .slice(0, linesAMessage)
        .map((line) => `      ${line.trim()}`),
    ]);
    const hidden = failures.length > namesAStep ? [`  and ${failures.length - namesAStep} more`] : [];
    const silent = failures.every(({ message }) => message === '');
    const tail = silent ? step.tail.map((line) => `  | ${line}`).slice(-(share - named.length - 2)) : [];
    return [
      '',
      `${step.name}: ${failures.length} failed; the complete log is ${step.logFile}`,
      ...[...named, ...tail].slice(0, share - 2),
      ...hidden,
    ].map((line) => (line.length > width ? `${line.slice(0, width - 1)}…` : line));
  });
}
