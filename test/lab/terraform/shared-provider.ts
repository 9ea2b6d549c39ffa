import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, mkdir, readdir } from 'node:fs/promises';
import path from 'node:path';
import { createInterface } from 'node:readline';
import type { TerraformInstallation } from './installation.ts';
import { runTerraform } from './process.ts';

const repository = path.resolve(import.meta.dirname, '../../..');
const START_TIMEOUT_MILLISECONDS = 60_000;

/** A running AWS provider that every Terraform with this environment uses, instead of starting its own. */
export interface SharedProvider extends AsyncDisposable {
  readonly environment: Readonly<Record<string, string>>;
}

/**
 * Starts the AWS provider alone, as its developers do to debug it. Terraform otherwise starts one for each configuration and
 * each walk, and these starts are most of a test run's work. One process has one configuration, the last one. It can
 * serve roots without provider configuration (validation, tests with mocks), and roots with one provider block
 * that run one after another.
 * @param folder created, for the files of `terraform init`
 * @param options.environment added to the provider's environment, which does not include Terraform's
 * @param options.directory the root's folder, to which file paths are relative. Default: `folder`
 * @throws Error if the provider does not start
 */
export async function startSharedProvider(
  installation: TerraformInstallation,
  folder: string,
  options: {
    readonly signal: AbortSignal;
    readonly environment?: Readonly<Record<string, string>>;
    readonly directory?: string;
  },
): Promise<SharedProvider> {
  const { signal, environment, directory = folder } = options;
  await mkdir(folder, { recursive: true });
  await copyFile(path.join(repository, 'versions.tf'), path.join(folder, 'versions.tf'));
  const { exitCode, stderr } = await runTerraform(
    installation,
    ['init', '-backend=false', '-input=false', '-no-color'],
    { directory: folder, signal },
  );
  if (exitCode !== 0) throw new Error(`terraform init for the provider alone failed:\n${stderr}`);
  const child = spawn(await providerBinary(folder), ['-debug'], {
    cwd: directory,
    env: { ...installation.environment, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
    signal,
  });
  const ended = once(child, 'exit').catch(() => undefined);
  const stop = async () => {
    child.kill('SIGKILL');
    await ended;
  };
  try {
    const lines: string[] = [];
    child.stderr.resume();
    const output = createInterface({ input: child.stdout });
    const timeout = AbortSignal.timeout(START_TIMEOUT_MILLISECONDS);
    timeout.addEventListener('abort', () => output.close());
    for await (const line of output) {
      lines.push(line);
      const [, address] = /TF_REATTACH_PROVIDERS='(.*)'/.exec(line) ?? [];
      if (address === undefined) continue;
      child.stdout.resume();
      return { environment: { TF_REATTACH_PROVIDERS: address }, [Symbol.asyncDispose]: stop };
    }
    throw new Error(`the AWS provider printed no address:\n${lines.join('\n')}`);
  } catch (error) {
    await stop();
    throw error;
  }
}

/** The provider that `terraform init` has put, or linked, into a folder. */
async function providerBinary(folder: string): Promise<string> {
  const versions = path.join(folder, '.terraform/providers/registry.terraform.io/hashicorp/aws');
  for (const version of await readdir(versions)) {
    for (const platform of await readdir(path.join(versions, version))) {
      const place = path.join(versions, version, platform);
      const name = (await readdir(place)).find((file) => file.startsWith('terraform-provider-aws'));
      if (name !== undefined) return path.join(place, name);
    }
  }
  throw new Error(`terraform init left no AWS provider in ${versions}`);
}
