import { readdir, readFile } from 'node:fs/promises';

const INTERVAL_MILLISECONDS = 200;

/**
 * Runs a function, and measures the peak memory of all Terraform processes below this one in the meantime, in bytes. Needs
 * Linux's `/proc`; 0 elsewhere.
 */
export async function peakMemoryDuring<T>(work: () => Promise<T>): Promise<{ result: T; peakBytes: number }> {
  let peakBytes = 0;
  const look = async () => {
    peakBytes = Math.max(peakBytes, await terraformBytes());
  };
  const timer = setInterval(() => void look(), INTERVAL_MILLISECONDS);
  try {
    const result = await work();
    return { result, peakBytes };
  } finally {
    clearInterval(timer);
  }
}

interface Process {
  readonly id: number;
  readonly parent: number;
  readonly name: string;
  readonly bytes: number;
}

async function terraformBytes(): Promise<number> {
  const ids = (await readdir('/proc').catch(() => [])).filter((name) => /^\d+$/.test(name));
  const processes = (await Promise.all(ids.map(readProcess))).flatMap((each) => each ?? []);
  const parents = new Map(processes.map(({ id, parent }) => [id, parent]));
  const isOurs = (id: number): boolean => {
    for (let each: number | undefined = id; each !== undefined && each > 1; each = parents.get(each)) {
      if (each === process.pid) return true;
    }
    return false;
  };
  return processes
    .filter(({ id, name }) => name.startsWith('terraform') && isOurs(id))
    .reduce((sum, { bytes }) => sum + bytes, 0);
}

/** Undefined if the process has ended in the meantime. */
async function readProcess(id: string): Promise<Process | undefined> {
  const text = await readFile(`/proc/${id}/status`, 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  const field = (name: string): string => new RegExp(`^${name}:\\s+(\\S+)`, 'm').exec(text)?.[1] ?? '';
  return {
    id: Number(id),
    parent: Number(field('PPid')),
    name: field('Name'),
    bytes: Number(field('VmRSS')) * 1024,
  };
}
