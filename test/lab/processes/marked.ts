import { readdir, readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * The variable that marks all processes of one run: everything that they start inherits it, regardless of process group and
 * session.
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
    return ''; // It has ended since, or belongs to another user.
  }
}

/**
 * The processes with a run's mark in their initial environment. Only found on Linux (`/proc`); none elsewhere.
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
 * Kills all processes with a run's mark, including those that start in the meantime.
 * @returns the killed processes
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
