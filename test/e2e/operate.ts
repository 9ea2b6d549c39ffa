import { execFile } from 'node:child_process';
import path from 'node:path';
import type { Lab } from '../lab/index.ts';

const program = path.resolve(import.meta.dirname, '../../dist/cspm-remediation.cjs');

/** Puts a process's clock ahead, as the lab's is for functions. */
const clockAhead = `
const Machine = Date;
const now = () => Machine.now() + Number(process.env.AHEAD_MILLISECONDS);
globalThis.Date = class extends Machine {
  constructor(...given) {
    super(...(given.length === 0 ? [now()] : given));
  }
  static now() {
    return now();
  }
};`;

/** The end of an operator's command. */
export interface Operated {
  readonly code: number;
  readonly out: string;
  readonly error: string;
}

/** Runs commands of `cspm-remediation` by the lab's clock, in a shell, as the root of an account. */
export function operate(
  lab: Lab,
  { account, region }: { readonly account: string; readonly region: string },
  commands: string,
): Promise<Operated> {
  // In place of the alias, which only a shell that a person uses has.
  const called = `cspm-remediation() { "${process.execPath}" --import 'data:text/javascript,${encodeURIComponent(clockAhead)}' "${program}" "$@"; }`;
  const env = {
    PATH: process.env['PATH'] ?? '',
    AHEAD_MILLISECONDS: String(lab.now().getTime() - Date.now()),
    AWS_ENDPOINT_URL: lab.aws.endpoint,
    AWS_REGION: region,
    AWS_ACCESS_KEY_ID: account,
    AWS_SECRET_ACCESS_KEY: 'test',
  };
  return new Promise((resolve) => {
    const child = execFile('bash', ['-c', `${called}\n${commands}`], { env }, (_error, out, error) =>
      resolve({ code: child.exitCode ?? -1, out, error }),
    );
    child.stdin?.end();
  });
}

/** The command that a reason ends with. */
export function commandIn(reason: string | undefined): string {
  const [, command] = /: (cspm-remediation \S.*)$/.exec(reason ?? '') ?? [];
  if (command === undefined) throw new Error(`expected a command at the end of "${reason}"`);
  return command;
}
