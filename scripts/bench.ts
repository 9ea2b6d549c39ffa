/**
 * Measures calls, rounds of calls, CPU time and memory of the product in the local AWS. Prints a table and writes
 * `reports/bench.json`: see docs/performance.md.
 *
 *     npm run bench                           all figures; takes some minutes
 *     npm run bench -- --only rounds,cold     some of them
 *     npm run bench -- --check                exits with 1 if a figure misses its target, and names it
 *     npm run bench -- --only organization --write    also writes docs/measured-calls.json, from which docs/cost.md is computed
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { availableParallelism, cpus, loadavg } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { compare, type MeasuredFigure, type Part, parts } from './bench/figures.ts';
import { measureAll } from './bench/measure.ts';
import { MEASURED_CALLS_FILE, type MeasuredCalls } from './cost/measured-calls.ts';

const root = path.resolve(import.meta.dirname, '..');
const say = (line: string) => process.stdout.write(`${line}\n`);
const stopped = new AbortController();
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, () => stopped.abort());

const { values: options } = parseArgs({
  options: { only: { type: 'string' }, check: { type: 'boolean' }, write: { type: 'boolean' } },
});
const chosen = options.only === undefined ? parts : options.only.split(',').map(partOf);
const { measured, details, costs } = await measureAll(chosen, options.write === true, say, stopped.signal);
const figures = compare(measured, chosen);
const machine = {
  node: process.version,
  processor: cpus()[0]?.model ?? 'unknown',
  cores: availableParallelism(),
  loadAverage: loadavg()[0] ?? 0,
};
const report = {
  version: 1,
  machine,
  figures: Object.fromEntries(
    figures.map(({ key, measured: value = null, most, unit, isReached }) => [
      key,
      { measured: value, most, unit, isReached },
    ]),
  ),
  details,
};
await mkdir(path.join(root, 'reports'), { recursive: true });
await writeFile(path.join(root, 'reports/bench.json'), `${JSON.stringify(report, null, 2)}\n`);
if (costs !== undefined) {
  const today = new Date().toISOString().slice(0, 10);
  const text = JSON.stringify({ version: 1, measuredOn: today, ...costs } satisfies MeasuredCalls, null, 2);
  await writeFile(path.join(root, MEASURED_CALLS_FILE), `${text}\n`);
}
print(figures);
const short = figures.filter(({ isReached }) => !isReached);
if (options.check === true && short.length > 0) {
  for (const { key, measured: value, most } of short)
    say(`${key} misses its target: ${shown(value)}, expected at most ${most}`);
  process.exitCode = 1;
}

function partOf(word: string): Part {
  const part = parts.find((each) => each === word);
  if (part === undefined) throw new Error(`--only ${word}: expected some of ${parts.join(', ')}`);
  return part;
}

function shown(value: number | undefined): string {
  if (value === undefined) return 'not measured';
  return Number.isInteger(value) ? String(value) : value.toFixed(value < 10 ? 2 : 0);
}

function print(rows: readonly MeasuredFigure[]): void {
  const cells = rows.map(({ what, measured: value, most, unit, isReached }) => [
    what,
    `${shown(value)}${unit === '' ? '' : ` ${unit}`}`,
    `≤ ${most}${unit === '' ? '' : ` ${unit}`}`,
    isReached ? '' : 'falls short',
  ]);
  const table = [['figure', 'measured', 'to reach', ''], ...cells];
  const widths = [0, 1, 2, 3].map((column) => Math.max(...table.map((row) => row[column]?.length ?? 0)));
  say('');
  for (const row of table)
    say(
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    );
  say('');
  say(`${rows.filter(({ isReached }) => isReached).length} of ${rows.length} reached; reports/bench.json`);
}
