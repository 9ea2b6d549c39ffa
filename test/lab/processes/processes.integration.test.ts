import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { runCommand } from '../../../scripts/testing/run-step.ts';
import { startProcessRun } from './run.ts';

const sleeper = 'setInterval(() => {}, 1000)';

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

describe('a run of processes', () => {
  it('kills the processes with its mark at its end, in any group, and reports them', async () => {
    const run = startProcessRun();
    const child = spawn(process.execPath, ['-e', sleeper, 'left-behind'], {
      detached: true,
      env: { ...process.env, ...run.environment },
    });
    await once(child, 'spawn');
    const ended = once(child, 'exit');

    const left = await run.end();

    expect(left).toEqual([expect.stringMatching(new RegExp(`^${child.pid} .*left-behind$`))]);
    expect(await ended).toEqual([null, 'SIGKILL']);
  });

  it('reports nothing if all have ended', async () => {
    const run = startProcessRun();
    const child = spawn(process.execPath, ['-e', ''], { env: { ...process.env, ...run.environment } });
    await once(child, 'exit');

    expect(await run.end()).toEqual([]);
  });

  it('ends with the process that started it, also when that and its group are killed', async () => {
    const source = `
      import { spawn } from 'node:child_process';
      import { startProcessRun } from '${path.resolve(import.meta.dirname, 'run.ts')}';
      const run = startProcessRun();
      const child = spawn(process.execPath, ['-e', ${JSON.stringify(sleeper)}], {
        detached: true, stdio: 'ignore', env: { ...process.env, ...run.environment },
      });
      console.log(child.pid);
    `;
    const starter = spawn(process.execPath, ['--input-type=module', '-e', source], {
      detached: true,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [output] = await once(starter.stdout, 'data');
    const pid = Number(String(output));
    expect(isRunning(pid)).toBe(true);

    process.kill(-(starter.pid ?? 0), 'SIGKILL');

    await vi.waitFor(() => expect(isRunning(pid)).toBe(false), { timeout: 10_000 });
  });
});

describe('the command of a step', () => {
  const options = async (overrides: object = {}) => {
    const folder = await mkdtemp(path.join(tmpdir(), 'step-'));
    return {
      folder,
      directory: folder,
      environment: process.env,
      logFile: path.join(folder, 'step.log'),
      minutes: 1,
      signal: new AbortController().signal,
      ...overrides,
      [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
    };
  };

  it('returns its exit code and keeps its output', async () => {
    await using settings = await options();

    const end = await runCommand(
      ['-e', 'console.log("out"); console.error("err"); process.exitCode = 5'],
      settings,
    );

    expect(end).toBe(5);
    expect(await readFile(settings.logFile, 'utf8')).toBe('out\nerr\n');
  });

  it('is stopped when it takes too long', async () => {
    await using settings = await options({ minutes: 0.2 / 60 });

    expect(await runCommand(['-e', sleeper], settings)).toBe('took too long');
  });

  it('is stopped with all its children when the run is interrupted', async () => {
    const interruption = new AbortController();
    await using settings = await options({ signal: interruption.signal });
    const source = `
      const { spawn } = require('node:child_process');
      console.log(spawn(process.execPath, ['-e', ${JSON.stringify(sleeper)}], { stdio: 'ignore' }).pid);
      ${sleeper};
    `;
    const ending = runCommand(['-e', source], settings);
    const grandchild = await vi.waitFor(
      async () => {
        const pid = Number(await readFile(settings.logFile, 'utf8'));
        expect(pid).toBeGreaterThan(0);
        return pid;
      },
      { timeout: 10_000 },
    );

    interruption.abort();

    expect(await ending).toBe('interrupted');
    await vi.waitFor(() => expect(isRunning(grandchild)).toBe(false), { timeout: 10_000 });
  });

  it('is not started when the run has been interrupted', async () => {
    await using settings = await options({ signal: AbortSignal.abort() });

    expect(await runCommand(['-e', 'console.log("started")'], settings)).toBe('interrupted');
    await expect(readFile(settings.logFile, 'utf8')).rejects.toThrow('ENOENT');
  });
});
