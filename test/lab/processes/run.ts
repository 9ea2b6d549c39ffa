import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { runVariable } from './marked.ts';

/** The processes that one run of the tests or of the demo starts, and their end. */
export interface ProcessRun {
  /** Variables for every process that the run starts, in addition to its others. */
  readonly environment: Readonly<Record<string, string>>;
  /**
   * Kills the remaining processes of the run.
   * @returns a line `PID COMMAND` for each: none if all parts of the run have cleaned up
   */
  end(): Promise<readonly string[]>;
}

/**
 * Starts a run: processes with its mark end with it, even if this process is killed and cannot end them itself.
 * Until `end` is called, this process does not end by itself.
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
