import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { runVariable } from './marked.ts';

/** The processes that one run of the tests or of the demo starts, and their end. */
export interface ProcessRun {
  /** Give this to every process that the run starts, beside what else it needs. */
  readonly environment: Readonly<Record<string, string>>;
  /**
   * Kills what is left of the run's processes.
   * @returns a line `PID COMMAND` for each: none in a run whose parts tidied up
   */
  end(): Promise<readonly string[]>;
}

/**
 * Starts a run: processes that carry its mark end with it, even if this process is killed and cannot end them itself.
 * Until `end` was called, this process does not end by itself.
 */
export function startProcessRun(): ProcessRun {
  const id = randomUUID();
  const { [runVariable]: _, ...environment } = process.env;
  const reaper = spawn(process.execPath, [fileURLToPath(new URL('reaper.ts', import.meta.url)), id], {
    detached: true, // Not killed with this process's group.
    stdio: ['pipe', 'pipe', 'inherit'],
    env: environment,
  });
  let output = '';
  reaper.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  return {
    environment: { [runVariable]: id },
    end: async () => {
      if (reaper.exitCode === null && reaper.signalCode === null) {
        const closed = once(reaper, 'close');
        reaper.stdin.end();
        await closed;
      }
      return output.split('\n').filter((line) => line !== '');
    },
  };
}
