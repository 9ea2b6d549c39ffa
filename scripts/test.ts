/**
 * Runs all tests, or the named parts, and summarizes the results on one screen.
 *
 *     node scripts/bootstrap.mjs scripts/test.ts [PART … | --full]
 *
 * `--full` adds the long-running parts. The logs and reports of the parts are in `reports/`, or with `--full` in `reports/full/`.
 * The last line is `N passed, N failed`, counted from the parts' reports; types, lint, catalogue and build count as one check
 * each. The exit code is 1 if something failed, and 130 if the run was interrupted. No process is left running in any case.
 *
 * `wireit` or `turbo` could only replace the 50 lines of `testing/schedule.ts`. Counting checks in reports, the screen, time
 * limits, and ending every process would remain, and both need node_modules, which `bootstrap.mjs` installs first.
 */
import { mkdir, mkdtemp, readFile, rename, rm } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { startProcessRun } from '../test/lab/processes/run.ts';
import type { Check } from './testing/checks.ts';
import { type CommandEnd, cpuSecondsOfChildren, lastLines, runCommand } from './testing/run-step.ts';
import { schedule } from './testing/schedule.ts';
import { counts, duration, failureLines, isFailed, type StepResult, stepLine } from './testing/screen.ts';
import { allSteps, chooseSteps, type Step, steps } from './testing/steps.ts';

const root = path.resolve(import.meta.dirname, '..');
const names = process.argv.slice(2);
const reports = path.join(root, 'reports', ...(names.includes(allSteps) ? ['full'] : []));
const secondsBetweenSigns = 30;
const linesForFailures = 36;
const width = process.stdout.columns ?? 160;
const say = (line: string) => process.stdout.write(`${line}\n`);

const chosen = choose(names);
const interruption = new AbortController();
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, () => interruption.abort(name));
// The process that started this run has ended, or was killed.
process.on('disconnect', () => interruption.abort('end of the parent process'));
process.channel?.unref();

await mkdir(path.join(root, '.work'), { recursive: true });
await mkdir(reports, { recursive: true });
// Logs and reports are moved to reports/ when they are complete, so that two runs never write to one file.
const scratch = await mkdtemp(path.join(root, '.work', 'test-'));
const processes = startProcessRun();
const environment = {
  ...process.env,
  ...processes.environment,
  CI: process.env['CI'] ?? 'true',
  NO_COLOR: '1',
};
const results: StepResult[] = [];
const runningSince = new Map<Step, number>();
/** CPU seconds of all steps that have ended. */
let cpuSeconds = cpuSecondsOfChildren();

// Shows people who wait that the run continues, with the progress of preparations.
const signs = setInterval(async () => {
  const running = [...runningSince].map(async ([step, since]) => {
    const [said] =
      step.preparation === true ? await lastLines(path.join(scratch, `${step.name}.log`), 1) : [];
    const sign = `${step.name} ${duration((Date.now() - since) / 1000)}`;
    return said === undefined ? sign : `${sign} (${said.trim()})`;
  });
  say(`  running: ${(await Promise.all(running)).join(', ')}`);
}, secondsBetweenSigns * 1000);

try {
  await schedule({
    steps: chosen,
    slots: Math.min(4, Math.max(2, availableParallelism())),
    run: async (step) => {
      const result = await runStep(step);
      finish(result);
      return !isFailed(result);
    },
    skip: (step, failed) => {
      const message = `did not run: ${failed} failed`;
      finish(resultOf(step, 0, [], [{ name: step.name, passed: false, message }]));
    },
  });
} finally {
  clearInterval(signs);
  const left = await processes.end();
  if (left.length > 0 && !interruption.signal.aborted) {
    const checks = left.map((name) => ({ name, passed: false, message: 'this process was left running' }));
    results.push({ name: 'processes', checks, seconds: 0, logFile: 'no log', tail: [] });
  }
  await rm(scratch, { recursive: true, force: true });
}
for (const line of failureLines(results, linesForFailures, width)) say(line);
say('');
if (interruption.signal.aborted) say(`interrupted: ${interruption.signal.reason}`);
const checks = results.flatMap((result) => result.checks);
say(counts(checks));
process.exitCode = interruption.signal.aborted ? 130 : checks.every(({ passed }) => passed) ? 0 : 1;

function choose(names: readonly string[]): readonly Step[] {
  try {
    return chooseSteps(steps, names);
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : error}\n`);
    process.exit(2);
  }
}

function finish(result: StepResult): void {
  results.push(result);
  say(stepLine(result));
}

function resultOf(
  step: Step,
  seconds: number,
  tail: readonly string[],
  stepChecks: readonly Check[],
): StepResult {
  return {
    name: step.name,
    checks: stepChecks,
    seconds,
    logFile: `${path.relative(root, reports)}/${step.name}.log`,
    tail,
  };
}

async function runStep(step: Step): Promise<StepResult> {
  const log = path.join(scratch, `${step.name}.log`);
  const report = path.join(scratch, `${step.name}.json`);
  const folder = path.join(scratch, step.name);
  const start = Date.now();
  runningSince.set(step, start);
  const end = await runCommand(step.command(report, folder), {
    directory: root,
    environment: { ...environment, ...step.environment },
    logFile: log,
    minutes: step.minutes,
    signal: interruption.signal,
  });
  runningSince.delete(step);
  const cpuSecondsBefore = cpuSeconds;
  cpuSeconds = cpuSecondsOfChildren();
  const stepChecks = await checksOf(step, end, report);
  const tail = await lastLines(log, linesForFailures);
  for (const file of [log, report, folder]) {
    const kept = path.join(reports, path.basename(file));
    if (file === folder) await rm(kept, { recursive: true, force: true });
    await rename(file, kept).catch(() => undefined); // Not every step writes all of them.
  }
  return {
    ...resultOf(step, (Date.now() - start) / 1000, tail, stepChecks),
    ...(cpuSeconds !== undefined &&
      cpuSecondsBefore !== undefined && { cpuSeconds: cpuSeconds - cpuSecondsBefore }),
  };
}

/** The checks of a step, with another failed one if the step failed and no check says why. */
async function checksOf(step: Step, end: CommandEnd, report: string): Promise<readonly Check[]> {
  const failure = (message: string): Check => ({ name: step.name, passed: false, message });
  const read = step.read === undefined ? undefined : await readReport(step.read, report);
  const ended = end === 0 ? [] : [failure(typeof end === 'number' ? '' : end)];
  if (step.read === undefined) {
    if (ended.length > 0) return ended;
    return step.preparation === true ? [] : [{ name: step.name, passed: true, message: '' }];
  }
  if (read === undefined) return ended.length > 0 ? ended : [failure('wrote no readable report')];
  const known = typeof end === 'number' && read.some(({ passed }) => !passed);
  return known ? read : [...read, ...ended];
}

async function readReport(
  read: NonNullable<Step['read']>,
  report: string,
): Promise<readonly Check[] | undefined> {
  try {
    return read(await readFile(report, 'utf8'), root);
  } catch {
    return undefined;
  }
}
