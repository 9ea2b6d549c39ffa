import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import path from 'node:path';
import { createInterface } from 'node:readline';
import {
  CreateFunctionCommand,
  InvokeCommand,
  LambdaClient,
  waitUntilFunctionActiveV2,
} from '@aws-sdk/client-lambda';
import {
  CreateBucketCommand,
  DeleteBucketCommand,
  DeleteObjectCommand,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { strToU8, zipSync } from 'fflate';
import { afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { z } from 'zod';
import { findPython, installPackages, type LocalAwsInstallation, prepareLocalAws } from './install.ts';
import { functionsNode, workFolder } from './paths.ts';
import { type LocalAws, startLocalAws } from './server.ts';

const UNTIL = { timeout: 60_000, interval: 20 };

let folder: string;
let installation: LocalAwsInstallation;

beforeAll(async () => {
  installation = await prepareLocalAws(console.log);
});
beforeEach(async () => {
  await mkdir(workFolder, { recursive: true });
  folder = await mkdtemp(path.join(workFolder, 'local-aws-test-'));
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true });
  await rm(environment(), { recursive: true, force: true });
  await rm(`${environment()}.lock`, { force: true });
});

/** A virtual environment of a test, beside the others: one installer creates them all. */
const environment = () => `${folder}-environment`;

/** Reports whether any process of this group is left. */
function isRunning(group: number): boolean {
  try {
    process.kill(-group, 0);
    return true;
  } catch {
    return false;
  }
}

/** The state folder that belongs to a server's log: `…/local-aws-state-X` for `…/logs/local-aws-state-X.log`. */
const stateFolder = (logFile: string) => path.join(workFolder, path.basename(logFile, '.log'));

/** Makes the server run a function that never ends by itself. @returns the id of the function's process */
async function runEndlessly(endpoint: string): Promise<number> {
  const note = path.join(folder, 'pid');
  const code = `import { writeFileSync } from 'node:fs';
export const handler = () => { writeFileSync(process.env.NOTE, String(process.pid)); for (;;); };`;
  const lambda = new LambdaClient({
    endpoint,
    region: 'eu-central-1',
    credentials: { accessKeyId: '111111111111', secretAccessKey: 'test' },
  });
  await lambda.send(
    new CreateFunctionCommand({
      FunctionName: 'endless',
      Runtime: 'nodejs22.x',
      Role: 'arn:aws:iam::111111111111:role/runs',
      Handler: 'index.handler',
      Code: { ZipFile: zipSync({ 'index.mjs': strToU8(code) }) },
      Timeout: 600,
      Environment: { Variables: { NOTE: note } },
    }),
  );
  await waitUntilFunctionActiveV2(
    { client: lambda, maxWaitTime: 60, minDelay: 1 },
    { FunctionName: 'endless' },
  );
  // It gets no answer.
  lambda.send(new InvokeCommand({ FunctionName: 'endless' })).catch(() => {});
  return await vi.waitFor(
    async () =>
      z.coerce
        .number()
        .int()
        .positive()
        .parse(await readFile(note, 'utf8')),
    UNTIL,
  );
}

/** A port on which nobody listens, and a server may. */
async function anyPort() {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = z.object({ port: z.number() }).parse(server.address());
  server.close();
  await once(server, 'close');
  return { port, server };
}

function expectNothingLeft(group: number, functionPid: number, logFile: string): void {
  expect(isRunning(group)).toBe(false);
  expect(() => process.kill(functionPid, 0)).toThrow('ESRCH');
  expect(existsSync(stateFolder(logFile))).toBe(false);
}

test('a stopped local AWS leaves nothing but its log', async () => {
  const aws = await startLocalAws({ installation });
  const functionPid = await runEndlessly(aws.endpoint);
  const { pid = 0, logFile } = aws;
  expect(isRunning(pid)).toBe(true);
  expect(existsSync(stateFolder(logFile))).toBe(true);

  await aws.stop();
  await aws.stop();

  expectNothingLeft(pid, functionPid, logFile);
  expect(await readFile(logFile, 'utf8')).toContain('Ready.');
});

test.each(['SIGKILL', 'SIGINT'] as const)(
  'a local AWS leaves nothing when its starter ends by %s',
  async (signal) => {
    const script = path.join(folder, 'starter.ts');
    await writeFile(
      script,
      `import { prepareLocalAws, startLocalAws } from ${JSON.stringify(path.join(import.meta.dirname, 'index.ts'))};
       const aws = await startLocalAws({ installation: await prepareLocalAws(() => {}) });
       console.log(JSON.stringify({ pid: aws.pid, endpoint: aws.endpoint, logFile: aws.logFile }));
       setInterval(() => {}, 1000);`,
    );
    const starter = spawn(functionsNode, ['--disable-warning=ExperimentalWarning', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [line] = await once(createInterface({ input: starter.stdout }), 'line');
    const { pid, endpoint, logFile } = z
      .object({ pid: z.number(), endpoint: z.string(), logFile: z.string() })
      .parse(JSON.parse(line));
    const functionPid = await runEndlessly(endpoint);

    starter.kill(signal);

    await vi.waitFor(() => expectNothingLeft(pid, functionPid, logFile), UNTIL);
  },
);

test('a local AWS whose start is aborted is gone', async () => {
  const abort = new AbortController();
  const { port } = await anyPort();
  const starting = startLocalAws({ installation, port, signal: abort.signal });
  abort.abort(new Error('called off'));

  await expect(starting).rejects.toThrow('called off');
  await expect(fetch(`http://127.0.0.1:${port}`)).rejects.toThrow('fetch failed');
});

test('several local AWSs run side by side, each with its own port and its own buckets of the same names', async () => {
  const Bucket = 'one-name';
  const started = await Promise.all([startLocalAws({ installation }), startLocalAws({ installation })]);
  const clients = started.map(
    ({ endpoint }) =>
      new S3Client({
        endpoint,
        region: 'us-east-1',
        credentials: { accessKeyId: '111111111111', secretAccessKey: 'test' },
      }),
  );
  for (const s3 of clients) await s3.send(new CreateBucketCommand({ Bucket }));
  for (const s3 of clients) await s3.send(new PutObjectCommand({ Bucket, Key: 'key', Body: 'body' }));

  const deleted: (number | undefined)[] = [];
  for (const s3 of clients) {
    await s3.send(new DeleteObjectCommand({ Bucket, Key: 'key' }));
    const { $metadata } = await s3.send(new DeleteBucketCommand({ Bucket }));
    deleted.push($metadata.attempts);
  }

  const ports = new Set(started.map(({ port }) => port));
  await Promise.all(started.map((aws) => aws.stop()));
  expect(ports.size).toBe(2);
  expect(deleted).toEqual([1, 1]);
});

test('a local AWS that is aborted while it runs is gone', async () => {
  const abort = new AbortController();
  const { pid = 0, logFile } = await startLocalAws({ installation, signal: abort.signal });

  abort.abort();

  await vi.waitFor(() => {
    expect(isRunning(pid)).toBe(false);
    expect(existsSync(stateFolder(logFile))).toBe(false);
  }, UNTIL);
});

test('a port that is in use is reported', async () => {
  const { port, server } = await anyPort();
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');

  const starting = startLocalAws({ installation, port });

  await expect(starting).rejects.toThrow(`port ${port} of 127.0.0.1 is not available for the local AWS`);
  server.close();
});

test('a server that does not start is reported, with the end of its log', async () => {
  const python = path.join(folder, 'python');
  await writeFile(python, '#!/bin/sh\necho no such module >&2\nexit 4\n');
  await chmod(python, 0o755);

  const starting = startLocalAws({ installation: { kind: 'installed', python } });

  await expect(starting).rejects.toThrow(
    /^the local AWS ended while starting \(exit status 4\); the end of its log, \S+:\nno such module$/,
  );
});

describe('LOCAL_AWS_ENDPOINT', () => {
  test('names a running server: it is used, and left running', async () => {
    await using own = await startLocalAws({ installation });
    vi.stubEnv('LOCAL_AWS_ENDPOINT', own.endpoint);
    const said: string[] = [];

    const other: LocalAws = await startLocalAws({
      installation: await prepareLocalAws((line) => said.push(line)),
    });
    await other.stop();

    expect(other).toMatchObject({ endpoint: own.endpoint, port: own.port, pid: undefined });
    expect((await fetch(`${own.endpoint}/_localemu/health`)).ok).toBe(true);
    expect(said).toEqual([]);
  });

  test.each([
    [
      '127.0.0.1:4566',
      "LOCAL_AWS_ENDPOINT is '127.0.0.1:4566'; expected an address such as http://127.0.0.1:4566",
    ],
    ['http://127.0.0.1:1', 'no server answers at LOCAL_AWS_ENDPOINT, http://127.0.0.1:1'],
  ])('that is %s is refused', async (endpoint, message) => {
    vi.stubEnv('LOCAL_AWS_ENDPOINT', endpoint);
    const elsewhere = await prepareLocalAws(console.log);

    await expect(startLocalAws({ installation: elsewhere })).rejects.toThrow(message);
  });
});

describe('installing', () => {
  async function packages(requirements: string) {
    const file = path.join(folder, 'requirements.txt');
    await writeFile(file, requirements);
    const { command: python } = await findPython();
    const said: string[] = [];
    const say = (line: string) => said.push(line);
    return { what: 'the local AWS', python, environment: environment(), requirements: file, say, said };
  }

  test('happens once for two simultaneous calls', async () => {
    const wanted = await packages('# none\n');

    await Promise.all([installPackages(wanted), installPackages(wanted)]);
    await installPackages(wanted);

    expect(wanted.said.filter((line) => line.startsWith('installing'))).toEqual([
      'installing the local AWS: 0 Python packages, about a minute',
    ]);
    expect(existsSync(path.join(wanted.environment, 'bin', 'python'))).toBe(true);
  });

  test('is repeated after an interruption', async () => {
    const wanted = await packages('# none\n');
    await mkdir(path.join(wanted.environment, 'bin'), { recursive: true });
    await writeFile(path.join(wanted.environment, 'bin', 'python'), 'half written');

    await installPackages(wanted);

    const python = spawn(path.join(wanted.environment, 'bin', 'python'), ['--version'], { stdio: 'inherit' });
    expect(await once(python, 'exit')).toEqual([0, null]);
  });

  test('reports the reason of a failure', async () => {
    const wanted = await packages('./nowhere\n');

    await expect(installPackages(wanted)).rejects.toThrow(/could not be installed.*nowhere/s);
    expect(existsSync(path.join(wanted.environment, 'complete'))).toBe(false);
  });

  test('requires a Python that is new enough, and reports what was searched and found', async () => {
    const old = path.join(folder, 'python3');
    await writeFile(old, '#!/bin/sh\necho 3.11.9\n');
    await chmod(old, 0o755);
    vi.stubEnv('PATH', folder);
    vi.stubEnv('PYENV_ROOT', path.join(folder, 'pyenv'));

    await expect(findPython()).rejects.toThrow(
      `Python 3.12 or later is needed. Looked for python3.14, python3.13, python3.12, python3 on the PATH, and for the versions in ${path.join(folder, 'pyenv', 'versions')}; found python3 is 3.11.9. Install Python; the local AWS can also be a running server, named by LOCAL_AWS_ENDPOINT.`,
    );
  });

  test('finds the newest Python of pyenv if the PATH has none', async () => {
    for (const version of ['3.9.18', '3.12.1', '3.13.0']) {
      const bin = path.join(folder, 'pyenv', 'versions', version, 'bin');
      await mkdir(bin, { recursive: true });
      await writeFile(path.join(bin, 'python3'), `#!/bin/sh\necho ${version}\n`);
      await chmod(path.join(bin, 'python3'), 0o755);
    }
    vi.stubEnv('PATH', folder);
    vi.stubEnv('PYENV_ROOT', path.join(folder, 'pyenv'));

    expect(await findPython()).toEqual({
      command: path.join(folder, 'pyenv', 'versions', '3.13.0', 'bin', 'python3'),
      version: '3.13.0',
    });
  });
});
