import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import type { TerraformInstallation } from './installation.ts';

/** Time for Terraform to stop its providers and write its state when it is stopped. */
const graceMilliseconds = 10_000;

export interface TerraformOptions {
  readonly directory: string;
  /** Added to the installation's own. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Receives each line of the output and of the errors at once. */
  readonly onLine?: (line: string) => void;
  /** Stops Terraform and its providers when aborted. */
  readonly signal?: AbortSignal | undefined;
}

export interface TerraformResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

const running = new Set<ChildProcess>();

function kill(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, signal);
  } catch {
    // No process of the group is left.
  }
}

process.on('exit', () => {
  for (const child of running) kill(child, 'SIGKILL');
});

/**
 * Runs Terraform to its end, in a separate process group with its providers, which ends with this
 * process.
 * @throws the signal's reason if it was aborted
 */
export async function runTerraform(
  installation: TerraformInstallation,
  terraformArguments: readonly string[],
  options: TerraformOptions,
): Promise<TerraformResult> {
  return run(installation.binary, terraformArguments, installation, options);
}

/**
 * Runs a script that calls `terraform`, as `runTerraform` runs Terraform itself, and as GitHub's runners run a step with
 * `shell: bash`: it ends at the first command that fails, also in a pipe.
 * @throws the signal's reason if it was aborted
 */
export async function runTerraformScript(
  installation: TerraformInstallation,
  script: string,
  options: TerraformOptions,
): Promise<TerraformResult> {
  return run('bash', ['--noprofile', '--norc', '-eo', 'pipefail', '-c', script], installation, options);
}

async function run(
  program: string,
  programArguments: readonly string[],
  installation: TerraformInstallation,
  { directory, environment, onLine, signal }: TerraformOptions,
): Promise<TerraformResult> {
  signal?.throwIfAborted();
  const child = spawn(program, programArguments, {
    cwd: directory,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...installation.environment, ...environment },
  });
  running.add(child);
  const closed = once(child, 'close');
  const abort = async () => {
    kill(child, 'SIGTERM');
    await Promise.race([closed, sleep(graceMilliseconds, undefined, { ref: false })]);
    kill(child, 'SIGKILL');
  };
  signal?.addEventListener('abort', abort);
  const collect = (stream: NodeJS.ReadableStream) => {
    const lines: string[] = [];
    createInterface({ input: stream }).on('line', (line) => {
      lines.push(line);
      onLine?.(line);
    });
    return lines;
  };
  const stdout = collect(child.stdout);
  const stderr = collect(child.stderr);
  try {
    const [code] = await closed;
    signal?.throwIfAborted();
    return {
      exitCode: typeof code === 'number' ? code : 1,
      stdout: stdout.join('\n'),
      stderr: stderr.join('\n'),
    };
  } finally {
    signal?.removeEventListener('abort', abort);
    running.delete(child);
    kill(child, 'SIGKILL'); // A provider that outlived Terraform.
  }
}
