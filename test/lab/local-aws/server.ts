import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { renameSync, writeFileSync } from 'node:fs';
import { mkdir, mkdtemp, open, readFile, rm } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { LocalAwsInstallation } from './install.ts';
import { functionsNode, pythonFolder, workFolder } from './paths.ts';

/** The text by which the server recognizes calls that AWS services make for themselves. Not a secret: the server is for tests. */
export const SERVICE_CALL_TOKEN = 'simulated';

/** A running local AWS. */
export interface LocalAws extends AsyncDisposable {
  /** `http://127.0.0.1:PORT`: an address, not a name, so that the SDK addresses buckets by path. */
  readonly endpoint: string;
  readonly port: number;
  /** Log of the server, which is kept after a stop. Empty for a server that runs elsewhere. */
  readonly logFile: string;
  /** Undefined for a server that runs elsewhere. */
  readonly pid: number | undefined;
  /**
   * Passes time for functions, from their next invocations on, and for delayed messages. Schedules use the machine's
   * clock.
   * @throws Error for a server that runs elsewhere
   */
  passTime(milliseconds: number): void;
  /** Ends the server and the functions that it runs, and removes its data. A server elsewhere is unchanged. */
  stop(): Promise<void>;
}

export interface LocalAwsOptions {
  readonly installation: LocalAwsInstallation;
  /**
   * Variables of every function, which override its own: the address of a proxy, for example. A
   * server that runs elsewhere ignores them.
   */
  readonly functionEnvironment?: Readonly<Record<string, string>>;
  /**
   * True if a missing role cannot be assumed, as in AWS. Default: anyone gets a session of any role, which tests
   * need that deploy functions without roles.
   */
  readonly refusesMissingRoles?: boolean;
  /** Default: any free port. */
  readonly port?: number;
  /** Stops the server when aborted, also during its start. */
  readonly signal?: AbortSignal;
}

const START_TIMEOUT_MILLISECONDS = 90_000;
const REQUEST_TIMEOUT_MILLISECONDS = 5000;
const GROUP_END_TIMEOUT_MILLISECONDS = 3000;
/** Interval of checks whether it has started, or ended. */
const LOOK_INTERVAL_MILLISECONDS = 50;
const LOG_LINES_IN_ERROR = 15;

/**
 * Starts an empty local AWS on 127.0.0.1, and waits until it answers. It ends with `stop`, or when this process ends,
 * for whatever reason.
 * @throws Error with the end of the log if it does not start
 */
export async function startLocalAws(options: LocalAwsOptions): Promise<LocalAws> {
  const { installation, signal } = options;
  signal?.throwIfAborted();
  if (installation.kind === 'elsewhere') return await useLocalAws(installation.endpoint);

  const port = await freePort(options.port);
  await mkdir(path.join(workFolder, 'logs'), { recursive: true });
  const folder = await mkdtemp(path.join(workFolder, 'local-aws-state-'));
  const logFile = path.join(workFolder, 'logs', `${path.basename(folder)}.log`);
  const child = await spawnServer({
    python: installation.python,
    folder,
    logFile,
    port,
    functionEnvironment: options.functionEnvironment ?? {},
    refusesMissingRoles: options.refusesMissingRoles ?? false,
  });
  const clock = clockFile(folder);
  let ahead = 0;
  const passTime = (milliseconds: number): void => {
    ahead += milliseconds;
    // Written at once, so that a reader sees a complete number.
    writeFileSync(`${clock}.new`, String(ahead));
    renameSync(`${clock}.new`, clock);
  };
  const stop = async () => {
    signal?.removeEventListener('abort', stop);
    await endGroup(child);
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  };
  signal?.addEventListener('abort', stop);
  const endpoint = `http://127.0.0.1:${port}`;
  try {
    await waitUntilHealthy(child, endpoint, logFile, signal);
  } catch (error) {
    await stop();
    signal?.throwIfAborted();
    throw error;
  }
  return { endpoint, port, logFile, pid: child.pid, passTime, stop, [Symbol.asyncDispose]: stop };
}

/** A server that someone else starts and stops, such as LocalStack. */
async function useLocalAws(endpoint: string): Promise<LocalAws> {
  if (!URL.canParse(endpoint)) {
    throw new Error(`LOCAL_AWS_ENDPOINT is '${endpoint}'; expected an address such as http://127.0.0.1:4566`);
  }
  const url = new URL(endpoint);
  const port = Number(url.port) || (url.protocol === 'https:' ? 443 : 80);
  const socket = connect(port, url.hostname);
  try {
    await once(socket, 'connect');
  } catch (error) {
    throw new Error(`no server answers at LOCAL_AWS_ENDPOINT, ${endpoint}`, { cause: error });
  } finally {
    socket.destroy();
  }
  const nothing = async () => {};
  return {
    endpoint: url.origin,
    port,
    logFile: '',
    pid: undefined,
    passTime: () => {
      throw new Error('the clock of a server that runs elsewhere cannot be changed');
    },
    stop: nothing,
    [Symbol.asyncDispose]: nothing,
  };
}

/** The file that tells the server by how much its clock is ahead, see python/lab_clock.py. */
function clockFile(folder: string): string {
  return path.join(folder, 'clock');
}

interface ServerSettings {
  readonly python: string;
  readonly folder: string;
  readonly logFile: string;
  readonly port: number;
  readonly functionEnvironment: Readonly<Record<string, string>>;
  readonly refusesMissingRoles: boolean;
}

async function spawnServer(settings: ServerSettings): Promise<ChildProcess> {
  const { python, folder, logFile, port, functionEnvironment, refusesMissingRoles } = settings;
  await mkdir(path.join(folder, 'tmp'));
  const log = await open(logFile, 'w');
  try {
    return spawn(python, [path.join(pythonFolder, 'server.py'), folder], {
      cwd: folder,
      // A separate process group, so that its functions' processes can be ended with it.
      detached: true,
      stdio: ['pipe', log.fd, log.fd],
      // Nothing of this process's environment: no AWS profile, no proxy settings.
      env: {
        PATH: process.env['PATH'],
        HOME: folder,
        LANG: 'C.UTF-8',
        // Folder in which functions are unpacked.
        TMPDIR: path.join(folder, 'tmp'),
        PYTHONUNBUFFERED: '1',
        GATEWAY_LISTEN: `127.0.0.1:${port}`,
        // It would write to the system's folders otherwise, as in a container.
        OVERRIDE_IN_DOCKER: '0',
        FILESYSTEM_ROOT: folder,
        // It would request credentials from the cloud's metadata address otherwise.
        AWS_EC2_METADATA_DISABLED: 'true',
        // A queue's URL would have a host otherwise that not every system resolves.
        SQS_ENDPOINT_STRATEGY: 'off',
        LOCALEMU_INTERNAL_AUTH_TOKEN: SERVICE_CALL_TOKEN,
        DISABLE_EVENTS: '1',
        SKIP_SSL_CERT_DOWNLOAD: '1',
        DNS_ADDRESS: '0',
        EAGER_SERVICE_LOADING: '0',
        // Nobody reads a queue's metrics, which take several calls for each message.
        SQS_DISABLE_CLOUDWATCH_METRICS: '1',
        // Event source mappings keep a request open at their queues, as in AWS, and repeat it at once.
        LAMBDA_EVENT_SOURCE_MAPPING_POLL_INTERVAL_SEC: '0.05',
        LAMBDA_EVENT_SOURCE_MAPPING_MAX_BACKOFF_ON_EMPTY_POLL_SEC: '0.05',
        LAMBDA_EVENT_SOURCE_MAPPING_MAX_BACKOFF_ON_ERROR_SEC: '1',
        // For busy machines: Lambda itself gives a function's module ten seconds to load.
        LAMBDA_RUNTIME_ENVIRONMENT_TIMEOUT: '60',
        // A thousand images for each account and region, which nothing uses.
        MOTO_EC2_LOAD_DEFAULT_AMIS: 'false',
        LOCAL_MISSING_ROLES: refusesMissingRoles ? 'refused' : 'assumed',
        LOCAL_CLOCK_FILE: clockFile(folder),
        LOCAL_LAMBDA_NODE: functionsNode,
        LOCAL_LAMBDA_ENV: JSON.stringify(functionEnvironment),
      },
    });
  } finally {
    await log.close();
  }
}

async function waitUntilHealthy(
  child: ChildProcess,
  endpoint: string,
  logFile: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  const failure = async (what: string) => {
    const lines = (await readFile(logFile, 'utf8')).trimEnd().split('\n').slice(-LOG_LINES_IN_ERROR);
    return new Error(`the local AWS ${what}; the end of its log, ${logFile}:\n${lines.join('\n')}`);
  };
  let spawnError: Error | undefined;
  child.once('error', (error) => {
    spawnError = error;
  });
  const deadline = Date.now() + START_TIMEOUT_MILLISECONDS;
  while (Date.now() < deadline) {
    signal?.throwIfAborted();
    if (spawnError !== undefined)
      throw new Error('the local AWS could not be started', { cause: spawnError });
    if (hasEnded(child)) {
      throw await failure(`ended while starting (${child.signalCode ?? `exit status ${child.exitCode}`})`);
    }
    const answer = await fetch(`${endpoint}/_localemu/health`, {
      signal: AbortSignal.timeout(REQUEST_TIMEOUT_MILLISECONDS),
    }).catch(() => undefined);
    if (answer?.ok === true) return;
    await sleep(LOOK_INTERVAL_MILLISECONDS);
  }
  throw await failure(`did not answer within ${START_TIMEOUT_MILLISECONDS / 1000} s`);
}

function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

/** Killed without a request to end: there is nothing to save, and an orderly end takes three seconds. */
async function endGroup(child: ChildProcess): Promise<void> {
  const { pid } = child;
  if (pid === undefined) return;
  const ended = hasEnded(child) ? undefined : once(child, 'exit');
  signalGroup(pid, 'SIGKILL');
  await ended;
  // Functions' processes end a moment later. Without a parent that reaps them, they would seem to be running.
  const deadline = Date.now() + GROUP_END_TIMEOUT_MILLISECONDS;
  while (signalGroup(pid, 0) && Date.now() < deadline) await sleep(LOOK_INTERVAL_MILLISECONDS);
}

/** Signals a process group. @returns whether any process was left */
function signalGroup(group: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(-group, signal);
  } catch {
    return false;
  }
}

/** The wanted port, or any free one. The server would continue without a message if the port were in use. */
async function freePort(wanted = 0): Promise<number> {
  const server = createServer();
  server.listen(wanted, '127.0.0.1');
  try {
    await once(server, 'listening');
  } catch (error) {
    throw new Error(`port ${wanted} of 127.0.0.1 is not available for the local AWS`, { cause: error });
  }
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('expected a TCP address');
  return address.port;
}
