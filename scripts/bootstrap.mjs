/**
 * Runs a TypeScript file of this project on Node 20 or later: first installs the dependencies, if they are missing or differ from
 * the lockfile, then runs the file with the project's own Node 22.
 *
 *     node scripts/bootstrap.mjs scripts/test.ts [arguments]
 *
 * Plain JavaScript without dependencies, because it runs before any are installed. `wireit` and `turbo` cannot replace it,
 * because both are dependencies. `test.ts` says why they do not run the tests, either.
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { delimiter, join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const oldestNode = 20;
const root = fileURLToPath(new URL('../', import.meta.url));
const modules = join(root, 'node_modules');
const lock = join(root, '.work', 'install.lock');
const ownNode = join(modules, 'node', 'bin', 'node');

/** @type {import('node:child_process').ChildProcess | undefined} */
let child;
/** @type {NodeJS.Signals | undefined} */
let interruption;

function say(line) {
  process.stderr.write(`${line}\n`);
}

function fail(line) {
  say(line);
  process.exit(1);
}

/** Signals the child to stop. This process ends after the child, so that the child can clean up. */
function interrupt(signal) {
  interruption = signal;
  child?.kill(signal);
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => interrupt(signal));

// Under npm, an interruption may kill only npm.
if (process.env.npm_lifecycle_event !== undefined) {
  const parent = process.ppid;
  setInterval(() => {
    if (process.ppid !== parent && interruption === undefined) interrupt('SIGTERM');
  }, 1000).unref();
}

/** Runs a program until it ends. Returns its exit code, as a shell does if a signal ended it. */
function run(program, programArguments, options) {
  return new Promise((resolve, reject) => {
    child = spawn(program, programArguments, { stdio: 'inherit', cwd: root, ...options });
    child.on('error', reject);
    child.on('exit', (code, signal) => resolve(code ?? 128 + constants.signals[signal]));
  });
}

async function runOrFail(program, programArguments, options) {
  const code = await run(program, programArguments, options);
  if (code === 0) return;
  if (interruption !== undefined) process.exit(128 + constants.signals[interruption]);
  fail(`\`${[program, ...programArguments].join(' ')}\` failed (exit code ${code}).`);
}

function packagesOf(lockfile) {
  return JSON.parse(readFileSync(lockfile, 'utf8')).packages;
}

/**
 * Reports whether node_modules contains the packages of the lockfile, according to the record that npm writes there at the end.
 * Optional packages (binaries of other platforms) may be missing.
 */
function installed() {
  const record = join(modules, '.package-lock.json');
  if (!existsSync(ownNode) || !existsSync(record)) return false;
  const found = packagesOf(record);
  return Object.entries(packagesOf(join(root, 'package-lock.json'))).every(
    ([path, { version, integrity, optional }]) =>
      path === '' ||
      (found[path] === undefined
        ? optional === true
        : found[path].version === version && found[path].integrity === integrity),
  );
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

/** One install at a time in this folder: a second run waits for the first. */
async function takeLock() {
  mkdirSync(join(root, '.work'), { recursive: true });
  let said = false;
  for (;;) {
    try {
      writeFileSync(lock, String(process.pid), { flag: 'wx' });
      process.on('exit', () => rmSync(lock, { force: true }));
      return;
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
    }
    const holder = existsSync(lock) ? Number(readFileSync(lock, 'utf8')) : 0;
    if (holder > 0 && !isAlive(holder)) rmSync(lock, { force: true });
    else if (!said) say(`Waiting for another run to install dependencies (process ${holder}) …`);
    said = true;
    await delay(500);
    if (interruption !== undefined) process.exit(128 + constants.signals[interruption]);
  }
}

async function install() {
  await takeLock();
  if (!installed()) {
    say('Installing dependencies: npm ci (about 20 s) …');
    await runOrFail('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error']);
    // An install script downloads its binary, and npm does not run it with ignore-scripts.
    if (!existsSync(ownNode)) {
      await runOrFail(process.execPath, ['installArchSpecificPackage.js'], { cwd: join(modules, 'node') });
    }
    if (!existsSync(ownNode))
      fail(`npm ci did not install ${ownNode}: check whether Node 22 supports this machine`);
    say('Dependencies are installed.');
  }
  rmSync(lock, { force: true });
}

const version = process.versions.node;
if (Number.parseInt(version, 10) < oldestNode) {
  fail(`Node ${oldestNode} or later is required; ${process.execPath} is ${version}. See https://nodejs.org.`);
}
const [script, ...scriptArguments] = process.argv.slice(2);
if (script === undefined) fail('usage: node scripts/bootstrap.mjs FILE [ARGUMENT …]');
if (!installed()) await install();
if (interruption !== undefined) process.exit(128 + constants.signals[interruption]);

const path = [join(modules, 'node', 'bin'), join(modules, '.bin'), process.env.PATH ?? ''];
process.exitCode = await run(ownNode, [resolve(root, script), ...scriptArguments], {
  // Through the fourth, the child gets the event `disconnect` if this process is killed.
  stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
  env: { ...process.env, PATH: path.join(delimiter) },
});
