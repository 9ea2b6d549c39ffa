import { Readable, Writable } from 'node:stream';
import { expect } from 'vitest';
import { commands } from '../../../../cli/commands/index.ts';
import { run } from '../../../../cli/main.ts';
import type { SmallAws } from './small-aws.ts';
import { HOME } from './small-aws.ts';

/** The output of a run of the command line, and its exit code. */
export interface Ran {
  readonly code: number;
  readonly out: string;
  readonly error: string;
}

export const NOW = new Date('2026-11-24T12:00:00.000Z');

class Sink extends Writable {
  text = '';
  override _write(chunk: unknown, _encoding: string, done: () => void): void {
    this.text += String(chunk);
    done();
  }
}

export interface CliOptions {
  readonly now?: Date;
  /** Columns of the terminal. Default: results go to a pipe. */
  readonly width?: number;
  /** The text that a person types at the prompt. Default: there is no terminal. */
  readonly typed?: string;
  /** Region of all clients. Default: the home region, if the environment has no variables. */
  readonly region?: string;
  /** Variables of the process. */
  readonly environment?: Readonly<Record<string, string>>;
  /** True if the AWS SDK must find credentials itself. */
  readonly isSignedOut?: boolean;
}

/** Runs the command line in this process against a simulated AWS. */
export async function runCli(
  aws: Pick<SmallAws, 'endpoint'>,
  argv: readonly string[],
  { now = NOW, width, typed, environment, region, isSignedOut = false }: CliOptions = {},
): Promise<Ran> {
  const ownRegion = region ?? (environment === undefined ? HOME : undefined);
  const [stdout, stderr] = [new Sink(), new Sink()];
  const stdin = Readable.from(typed === undefined ? [] : [`${typed}\n`]);
  const code = await run(argv, {
    stdout: Object.assign(stdout, width === undefined ? {} : { isTTY: true, columns: width }),
    stderr,
    stdin: Object.assign(stdin, typed === undefined ? {} : { isTTY: true }),
    environment: { NO_COLOR: '1', ...environment },
    now: () => now,
    clientOptions: {
      endpoint: aws.endpoint,
      ...(ownRegion !== undefined && { region: ownRegion }),
      ...(!isSignedOut && { credentials: { accessKeyId: 'AKIAEXAMPLE', secretAccessKey: 'test' } }),
      maxAttempts: 1,
    },
  });
  if (argv.includes('--json') && stdout.text !== '') await expectDocumented(argv, stdout.text);
  return { code, out: stdout.text, error: stderr.text };
}

/** Expects that a result has exactly the documented attributes. */
async function expectDocumented(argv: readonly string[], out: string): Promise<void> {
  const command = argv
    .map((word) => commands.find(({ name }) => name === word))
    .find((each) => each !== undefined);
  const code = await command?.load();
  const result: unknown = JSON.parse(out);
  expect(code?.result.parse(result)).toEqual(result);
}
