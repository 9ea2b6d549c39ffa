import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { localAwsEnvironment } from '../test/lab/terraform/index.ts';
import { WIDTH } from './print.ts';

const INDENT = '  ';

/** The built command line. */
export const program = path.resolve(import.meta.dirname, '../dist/cspm-remediation.cjs');

/** Sections of `explain` that the demo leaves out, so that the rest fits on a screen. */
const LEFT_OUT = /^(NETSKOPE SAYS|SETTINGS)\n(?:.+\n)+\n?/gm;

/** Removes long sections from the output of a command, but keeps their names. */
function shortened(answer: string): string {
  return answer.replaceAll(LEFT_OUT, '$1 …\n\n');
}

export interface OperatorOptions {
  readonly endpoint: string;
  /** The security account. */
  readonly account: string;
  readonly region: string;
  readonly say: (line: string) => void;
  readonly signal: AbortSignal;
}

/** Runs the command line in `dist/` as an operator does, and prints the command and its output. */
export function startOperator({ endpoint, account, region, say, signal }: OperatorOptions) {
  const env = {
    PATH: process.env['PATH'] ?? '',
    ...localAwsEnvironment(endpoint, account),
    AWS_REGION: region,
    COLUMNS: String(WIDTH - INDENT.length),
  };
  return async (...argv: readonly string[]): Promise<string> => {
    say('');
    say(`$ cspm-remediation ${argv.map((word) => (word.includes(' ') ? `"${word}"` : word)).join(' ')}`);
    const { stdout, stderr } = await promisify(execFile)(process.execPath, [program, ...argv], {
      env,
      signal,
    });
    const answer = `${stderr}${stdout}`;
    for (const line of shortened(answer).trimEnd().split('\n')) say(`${INDENT}${line}`.trimEnd());
    return answer;
  };
}
