import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { open, readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { stripVTControlCharacters } from 'node:util';

/** Time that a step may take to tidy up when it must stop. */
const graceMilliseconds = 8000;
/** Linux's, wherever it tells times in files. */
const ticksPerSecond = 100;

export interface CommandOptions {
  readonly directory: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Takes all that the command writes. */
  readonly logFile: string;
  readonly minutes: number;
  readonly signal: AbortSignal;
}

/** The end of a command: `0` is success; a text says what else happened. */
export type CommandEnd = number | 'interrupted' | 'took too long' | 'could not be started';

/**
 * Runs Node with these arguments, in its own process group, with no input. It gets a signal to stop, and after a while
 * made to, when the signal is aborted or its time is over; what is left of its group at its end is killed.
 */
export async function runCommand(
  nodeArguments: readonly string[],
  { directory, environment, logFile, minutes, signal }: CommandOptions,
): Promise<CommandEnd> {
  if (signal.aborted) return 'interrupted';
  const log = await open(logFile, 'w');
  const child = spawn(process.execPath, nodeArguments, {
    cwd: directory,
    env: environment,
    detached: true,
    stdio: ['ignore', log.fd, log.fd],
  });
  const kill = (name: NodeJS.Signals) => {
    if (child.pid === undefined) return;
    try {
      process.kill(-child.pid, name);
    } catch {
      // Nothing of the group is left.
    }
  };
  const timeOver = AbortSignal.timeout(minutes * 60_000);
  const stop = AbortSignal.any([signal, timeOver]);
  const exited = once(child, 'exit');
  stop.addEventListener(
    'abort',
    async () => {
      kill('SIGTERM');
      await Promise.race([
        exited.catch(() => undefined),
        sleep(graceMilliseconds, undefined, { ref: false }),
      ]);
      kill('SIGKILL');
    },
    { once: true },
  );
  try {
    const [code] = await exited;
    if (signal.aborted) return 'interrupted';
    if (timeOver.aborted) return 'took too long';
    return typeof code === 'number' ? code : 1;
  } catch {
    return 'could not be started';
  } finally {
    kill('SIGKILL');
    await log.close();
  }
}

/**
 * The CPU time of all processes so far that this one has started and that have ended, with those that they started in
 * turn, in seconds. What a step worked is by how much it grows when the step ends. Undefined if there is no Linux to say
 * it.
 */
export function cpuSecondsOfChildren(): number | undefined {
  const file = '/proc/self/stat';
  if (!existsSync(file)) return undefined;
  const status = readFileSync(file, 'utf8');
  // Behind the name, which may hold anything, the 14th and 15th are the children's time as users and in the system.
  const fields = status.slice(status.lastIndexOf(')') + 2).split(' ');
  const [user, system] = fields.slice(13, 15).map(Number);
  return user === undefined || system === undefined ? undefined : (user + system) / ticksPerSecond;
}

/** The last lines of a log, without colors and empty lines. */
export async function lastLines(logFile: string, count: number): Promise<readonly string[]> {
  const text = await readFile(logFile, 'utf8').catch(() => '');
  return stripVTControlCharacters(text)
    .split('\n')
    .filter((line) => line.trim() !== '')
    .slice(-count);
}
