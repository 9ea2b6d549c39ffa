import { readdir, readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * The variable that marks all processes of one run: whatever they start inherits it, whichever group or session it
 * puts itself into.
 */
export const runVariable = 'CSPM_RUN';

export interface RunningProcess {
  readonly pid: number;
  /** The program and arguments. */
  readonly command: string;
}

async function readOrEmpty(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch {
    return ''; // It has ended since, or is another user's.
  }
}

/**
 * The processes that carry a run's mark in the environment they were started with.
 * Linux alone shows these (`/proc`); elsewhere none is found.
 */
export async function processesOfRun(run: string): Promise<readonly RunningProcess[]> {
  const names = await readdir('/proc').catch(() => []);
  const found: RunningProcess[] = [];
  for (const name of names) {
    if (!/^\d+$/.test(name) || Number(name) === process.pid) continue;
    const variables = (await readOrEmpty(`/proc/${name}/environ`)).split('\0');
    if (!variables.includes(`${runVariable}=${run}`)) continue;
    const command = (await readOrEmpty(`/proc/${name}/cmdline`)).split('\0').join(' ').trim();
    found.push({ pid: Number(name), command });
  }
  return found;
}

const killTimeoutMilliseconds = 10_000;

/**
 * Kills all processes that carry a run's mark, those too that start while it does.
 * @returns what it killed
 */
export async function killProcessesOfRun(run: string): Promise<readonly RunningProcess[]> {
  const killed = new Map<number, RunningProcess>();
  const deadline = Date.now() + killTimeoutMilliseconds;
  for (;;) {
    const found = await processesOfRun(run);
    if (found.length === 0 || Date.now() > deadline) return [...killed.values()];
    for (const running of found) {
      killed.set(running.pid, running);
      try {
        process.kill(running.pid, 'SIGKILL');
      } catch {
        // It has ended since.
      }
    }
    await sleep(20);
  }
}
