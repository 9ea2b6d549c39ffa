import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const bootstrap = path.resolve(import.meta.dirname, '../../../scripts/bootstrap.mjs');
const lockfile = (version: string) =>
  JSON.stringify({
    packages: {
      '': { name: 'project' },
      'node_modules/node': { version, integrity: `sha512-${version}` },
      'node_modules/other-platform': { version, integrity: 'sha512-other', optional: true },
    },
  });

let project: string;

beforeEach(async () => {
  project = await mkdtemp(path.join(tmpdir(), 'bootstrap-'));
  await mkdir(path.join(project, 'scripts'));
  await copyFile(bootstrap, path.join(project, 'scripts', 'bootstrap.mjs'));
  await writeFile(path.join(project, 'package-lock.json'), lockfile('22.1.0'));
  // An npm that installs this Node and leaves its record, as the real one does; it counts its calls.
  await fakeNpm(`
echo "$@" >> "${project}/npm-calls"
mkdir -p node_modules/node/bin
ln -sf "${process.execPath}" node_modules/node/bin/node
grep -v other-platform package-lock.json > /dev/null
node -e 'const fs = require("fs"), l = JSON.parse(fs.readFileSync("package-lock.json")); delete l.packages[""]; delete l.packages["node_modules/other-platform"]; fs.writeFileSync("node_modules/.package-lock.json", JSON.stringify(l))'
`);
});

afterEach(async () => {
  await rm(project, { recursive: true, force: true });
});

async function fakeNpm(script: string): Promise<void> {
  const file = path.join(project, 'bin', 'npm');
  await mkdir(path.dirname(file), { recursive: true });
  await writeFile(file, `#!/bin/sh\n${script}`);
  await chmod(file, 0o755);
}

async function npmCalls(): Promise<string[]> {
  const text = await readFile(path.join(project, 'npm-calls'), 'utf8').catch(() => '');
  return text.split('\n').filter((line) => line !== '');
}

/** Starts the project's bootstrap with this script. @returns its output so far, and its end */
async function start(script: string, ...scriptArguments: string[]) {
  await writeFile(path.join(project, 'scripts', 'script.ts'), script);
  const bin = [path.join(project, 'bin'), path.dirname(process.execPath), process.env['PATH'] ?? ''];
  const child = spawn(
    process.execPath,
    [path.join(project, 'scripts', 'bootstrap.mjs'), 'scripts/script.ts', ...scriptArguments],
    { env: { PATH: bin.join(path.delimiter) }, stdio: ['ignore', 'pipe', 'pipe'] },
  );
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  }
  const ended = once(child, 'close').then(([code]) => ({ code, output }));
  return { child, ended };
}

const printArguments = 'const words: string[] = process.argv.slice(2); console.log(words.join("+"));';

describe('the bootstrap', () => {
  it('installs what the lockfile contains, then runs the TypeScript file with its arguments', async () => {
    const { ended } = await start(printArguments, 'one', 'two words');

    const { code, output } = await ended;
    expect(output).toContain('Installing dependencies: npm ci');
    expect(output).toContain('one+two words\n');
    expect(code).toBe(0);
    expect(await npmCalls()).toHaveLength(1);
  });

  it('installs once, and again when the lockfile has changed', async () => {
    await (await start(printArguments)).ended;
    await (await start(printArguments)).ended;
    const before = await npmCalls();
    await writeFile(path.join(project, 'package-lock.json'), lockfile('22.2.0'));

    await (await start(printArguments)).ended;

    expect(before).toHaveLength(1);
    expect(await npmCalls()).toHaveLength(2);
  });

  it('lets one of two simultaneous runs install', async () => {
    const runs = [await start(printArguments, 'a'), await start(printArguments, 'a')];

    const results = await Promise.all(runs.map(({ ended }) => ended));

    expect(results.map(({ code }) => code)).toEqual([0, 0]);
    expect(await npmCalls()).toHaveLength(1);
  });

  it('fails with the command that failed', async () => {
    await fakeNpm('echo "no network" >&2; exit 7\n');

    const { code, output } = await (await start(printArguments)).ended;

    expect(code).toBe(1);
    expect(output).toMatch(/no network[\s\S]*`npm ci .*` failed \(exit code 7\)/);
  });

  it('installs again after a run that was killed during the installation', async () => {
    await mkdir(path.join(project, '.work'));
    const dead = spawn(process.execPath, ['-e', '']);
    await once(dead, 'exit');
    await writeFile(path.join(project, '.work', 'install.lock'), String(dead.pid));

    const { code } = await (await start(printArguments)).ended;

    expect(code).toBe(0);
    expect(await npmCalls()).toHaveLength(1);
  });

  it("exits with the file's exit code", async () => {
    const { code } = await (await start('process.exit(41);')).ended;

    expect(code).toBe(41);
  });

  it.each(['SIGINT', 'SIGTERM'] as const)(
    'passes %s on, and waits for the file to clean up',
    async (signal) => {
      const { child, ended } = await start(`
      process.on('${signal}', () => setTimeout(() => { console.log('tidied up'); process.exit(3); }, 50));
      setInterval(() => {}, 1000);
      console.log('ready');
    `);
      await waitFor(child.stdout, 'ready');

      child.kill(signal);

      expect(await ended).toEqual({ code: 3, output: expect.stringContaining('tidied up') });
    },
  );

  it('lets the file notice when the bootstrap is killed', async () => {
    const { child, ended } = await start(`
      process.on('disconnect', () => { console.log('alone'); process.exit(); });
      console.log('ready');
    `);
    await waitFor(child.stdout, 'ready');

    child.kill('SIGKILL');

    expect((await ended).output).toContain('alone');
  });
});

async function waitFor(stream: NodeJS.ReadableStream, text: string): Promise<void> {
  let seen = '';
  for await (const [chunk] of onData(stream)) {
    seen += chunk;
    if (seen.includes(text)) return;
  }
  throw new Error(`ended without '${text}': ${seen}`);
}

async function* onData(stream: NodeJS.ReadableStream): AsyncGenerator<[string]> {
  for (;;) {
    const [chunk] = await once(stream, 'data');
    yield [String(chunk)];
  }
}
