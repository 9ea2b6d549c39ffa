import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { open, readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { stripVTControlCharacters } from 'node:util';

/** The time that a step has to clean up after the signal to stop. */
const graceMilliseconds = 8000;
/** The unit of CPU times in `/proc`, on Linux. */
const ticksPerSecond = 100;

export interface CommandOptions {
  readonly directory: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** The file for the output of the command. */
  readonly logFile: string;
  readonly minutes: number;
  readonly signal: AbortSignal;
}

/** The result of a command: its exit code (`0` is success), or what happened instead. */
export type CommandEnd = number | 'interrupted' | 'took too long' | 'could not be started';

/**
 * Runs Node with these arguments, in its own process group, without input. If the signal is aborted or the time is over, it is
 * asked to stop, and killed after a while. The rest of its process group is killed at its end.
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
      // The group has no processes left.
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
 * The CPU time of all ended descendants of this process, in seconds. The CPU time of a step is the increase at its end. Undefined
 * on systems other than Linux.
 */
export function cpuSecondsOfChildren(): number | undefined {
  const file = '/proc/self/stat';
  if (!existsSync(file)) return undefined;
  const status = readFileSync(file, 'utf8');
  // After the name, which may contain any character, the 14th and 15th fields are the user and system time of children.
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
