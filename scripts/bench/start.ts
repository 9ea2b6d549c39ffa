import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';

const RUNS = 5;
const program = path.resolve(import.meta.dirname, '../../dist/cspm-remediation.cjs');

const hook = path.join(import.meta.dirname, 'cpu-at-end.cjs');

/** The CPU time of the start of the command line, in milliseconds: the minimum of several runs. */
export interface Start {
  /** The time of a Node process that does nothing. */
  readonly bare: number;
  /** The time of a process that prints the help of the command line. */
  readonly help: number;
}

/** Measures the start of the command line in `dist/`. */
export async function measureStart(): Promise<Start> {
  return { bare: await least(['--eval', '0']), help: await least([program, '--help']) };
}

async function least(argv: readonly string[]): Promise<number> {
  const times: number[] = [];
  for (let run = 0; run < RUNS; run += 1) {
    const { stderr } = await promisify(execFile)(process.execPath, ['--require', hook, ...argv]);
    times.push(Number(stderr.trim().split('\n').at(-1)));
  }
  return Math.min(...times);
}
