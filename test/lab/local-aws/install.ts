import { execFile, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readdir, readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { pythonFolder, workFolder } from './paths.ts';

/**
 * The installation of the local AWS: Python packages of the lab, or a server that is already
 * running.
 */
export type LocalAwsInstallation =
  | { readonly kind: 'installed'; readonly python: string }
  | { readonly kind: 'elsewhere'; readonly endpoint: string };

/** LocalEmu starts with older versions, too, and fails later with a syntax error. */
const OLDEST_PYTHON: readonly [major: number, minor: number] = [3, 12];
const PYTHON_NAMES = ['python3.14', 'python3.13', 'python3.12', 'python3'];
/** Time limit for a Python to print its version. */
const PYTHON_TIMEOUT_MILLISECONDS = 10_000;

/**
 * Installs the local AWS, once: a virtual environment in `.work/`, with the versions pinned in
 * `python/requirements.txt`. Several processes may call it at the same time. With `LOCAL_AWS_ENDPOINT` in the
 * environment, nothing is installed: that server is used.
 * @param say receives a line for each long step
 * @throws Error that lists what was searched if there is no Python, or with pip's output if the installation fails
 */
export async function prepareLocalAws(say: (line: string) => void): Promise<LocalAwsInstallation> {
  const endpoint = process.env['LOCAL_AWS_ENDPOINT'];
  if (endpoint !== undefined && endpoint !== '') return { kind: 'elsewhere', endpoint };
  const requirements = path.join(pythonFolder, 'requirements.txt');
  const environment = await preparePackages({ name: 'local-aws', what: 'the local AWS', requirements, say });
  return { kind: 'installed', python: path.join(environment, 'bin', 'python') };
}

/**
 * Creates a virtual environment in `.work/` from a file that pins packages, once for each version of the file and Python.
 * @param name the name of its folder
 * @returns the folder
 * @throws Error that lists what was searched if there is no Python, or with pip's output if the installation fails
 */
export async function preparePackages({
  name,
  ...packages
}: Pick<Packages, 'what' | 'requirements' | 'say'> & { readonly name: string }): Promise<string> {
  const python = await findPython();
  const digest = createHash('sha256')
    .update(await readFile(packages.requirements))
    .update(python.version)
    .digest('hex')
    .slice(0, 12);
  const environment = path.join(workFolder, `${name}-${digest}`);
  await installPackages({ ...packages, python: python.command, environment });
  return environment;
}

export interface Packages {
  /** Name of the packages in messages. */
  readonly what: string;
  readonly python: string;
  /** The folder of the virtual environment. */
  readonly environment: string;
  /** The file that pins the packages. */
  readonly requirements: string;
  readonly say: (line: string) => void;
}

/** Creates a virtual environment with these packages, unless it exists. */
export async function installPackages(packages: Packages): Promise<void> {
  const { what, python, environment, requirements, say } = packages;
  const child = spawn(python, [path.join(pythonFolder, 'install.py'), environment, requirements, what], {
    detached: true,
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  createInterface({ input: child.stdout }).on('line', say);
  const errors: string[] = [];
  createInterface({ input: child.stderr }).on('line', (line) => errors.push(line));
  const [code] = await once(child, 'close');
  if (code !== 0) {
    throw new Error(`${what} could not be installed by ${python}:\n${errors.slice(-20).join('\n')}`);
  }
}

/**
 * The first Python on this machine that is new enough.
 * @throws Error that lists what was searched and found
 */
export async function findPython(): Promise<{ command: string; version: string }> {
  const found: string[] = [];
  for (const command of await pythonCandidates()) {
    const version = await pythonVersion(command);
    if (version === undefined) continue;
    const [major = 0, minor = 0] = version.split('.').map(Number);
    if (major > OLDEST_PYTHON[0] || (major === OLDEST_PYTHON[0] && minor >= OLDEST_PYTHON[1])) {
      return { command, version };
    }
    found.push(`${command} is ${version}`);
  }
  throw new Error(
    `Python ${OLDEST_PYTHON.join('.')} or later is needed. Looked for ${PYTHON_NAMES.join(', ')} on the PATH, ` +
      `and for the versions in ${path.join(pyenvRoot(), 'versions')}; ` +
      `found ${found.length === 0 ? 'none' : found.join(', ')}. Install Python; the local AWS can also be a running server, named by LOCAL_AWS_ENDPOINT.`,
  );
}

/** pyenv's commands on the PATH only run the versions that are selected for a folder: the others are in its versions. */
async function pythonCandidates(): Promise<string[]> {
  const versions = path.join(pyenvRoot(), 'versions');
  const folders = await readdir(versions).catch(() => []);
  const newestFirst = folders.sort((a, b) => b.localeCompare(a, 'en', { numeric: true }));
  return [...PYTHON_NAMES, ...newestFirst.map((folder) => path.join(versions, folder, 'bin', 'python3'))];
}

function pyenvRoot(): string {
  return process.env['PYENV_ROOT'] ?? path.join(homedir(), '.pyenv');
}

/** The version that it prints, `3.12.1`; undefined if it does not run. */
async function pythonVersion(command: string): Promise<string | undefined> {
  try {
    const program = 'import sys, venv; print(".".join(map(str, sys.version_info[:3])))';
    const { stdout } = await promisify(execFile)(command, ['-c', program], {
      timeout: PYTHON_TIMEOUT_MILLISECONDS,
    });
    return stdout.trim();
  } catch {
    return undefined;
  }
}
