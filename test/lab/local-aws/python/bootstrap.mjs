// Loads a function's handler, then processes one invocation after another: JSON lines arrive on the descriptor that
// the first argument names, and are sent on the second one's. The handler's output is sent at once, so that it is kept
// even if the process is killed.
import { existsSync, writeSync } from 'node:fs';
import { Socket } from 'node:net';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';
import { format } from 'node:util';
import { s3ControlEndpoint } from '../account-hosts.ts';

const [incoming, outgoing] = process.argv.slice(2).map(Number);
const { env } = process;
const logsAreJson = env.AWS_LAMBDA_LOG_FORMAT === 'JSON';
/** The current invocation. */
let current;

function send(message) {
  let data = Buffer.from(`${JSON.stringify(message)}\n`);
  while (data.length > 0) data = data.subarray(writeSync(outgoing, data));
}

const log = (text) => send({ log: text });

const machineNow = Date.now;
/** Time by which the function's clock is ahead of the machine's, in milliseconds. */
let ahead = 0;

/** Makes everything that the function loads read the lab's clock. Its timers use the machine's. */
function takeOverClock() {
  const now = () => machineNow() + ahead;
  globalThis.Date = new Proxy(Date, {
    apply: (date) => new date(now()).toString(),
    construct: (date, given, as) => Reflect.construct(date, given.length === 0 ? [now()] : given, as),
    get: (date, name) => (name === 'now' ? now : Reflect.get(date, name)),
  });
}

/** Lambda's own lines in the log: text, or JSON if the function's log format says so. */
function logPlatform(text, type, record) {
  log(logsAreJson ? `${JSON.stringify({ time: new Date().toISOString(), type, record })}\n` : `${text}\n`);
}

function describe(error) {
  if (!(error instanceof Error)) return { errorType: typeof error, errorMessage: String(error), trace: [] };
  return {
    errorType: error.name,
    errorMessage: error.message,
    trace: String(error.stack).split('\n'),
  };
}

function takeOverOutput() {
  for (const stream of [process.stdout, process.stderr]) {
    stream.write = (data, encoding, callback) => {
      log(typeof data === 'string' ? data : Buffer.from(data).toString());
      const done = typeof encoding === 'function' ? encoding : callback;
      if (done !== undefined) queueMicrotask(() => done());
      return true;
    };
  }
  for (const level of ['trace', 'debug', 'info', 'warn', 'error', 'log']) {
    const name = level === 'log' ? 'INFO' : level.toUpperCase();
    console[level] = (...values) => {
      const timestamp = new Date().toISOString();
      const message = format(...values);
      const requestId = current?.id;
      // With tabs, and with carriage returns as line ends, so that one message is one line of the log.
      log(
        logsAreJson
          ? `${JSON.stringify({ timestamp, level: name, requestId, message })}\n`
          : `${timestamp}\t${requestId ?? 'undefined'}\t${name}\t${message.replaceAll('\n', '\r')}\n`,
      );
    };
  }
}

async function loadHandler() {
  const handlerName = env._HANDLER;
  const dot = handlerName.indexOf('.', handlerName.lastIndexOf('/') + 1);
  const module = handlerName.slice(0, dot);
  const base = path.resolve(env.LAMBDA_TASK_ROOT, module);
  const file = ['', '.js', '.mjs', '.cjs'].map((ending) => base + ending).find((name) => existsSync(name));
  if (file === undefined) {
    const error = new Error(`Error: Cannot find module '${module}'`);
    error.name = 'Runtime.ImportModuleError';
    throw error;
  }
  const loaded = await import(pathToFileURL(file).href);
  const name = handlerName.slice(dot + 1);
  const handler = loaded[name] ?? loaded.default?.[name];
  if (typeof handler !== 'function') {
    const error = new Error(`${handlerName} is undefined or not exported`);
    error.name = 'Runtime.HandlerNotFound';
    throw error;
  }
  return handler;
}

/**
 * Sends the result of the current invocation, as the JSON text that the handler returned. After the last invocation the
 * process is not used again.
 */
function answer(result, error, last) {
  const { id, started } = current;
  const durationMs = machineNow() - started;
  const maxMemoryUsedMB = Math.round(process.memoryUsage().rss / 2 ** 20);
  const memorySizeMB = Number(env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE);
  if (!logsAreJson) log(`END RequestId: ${id}\n`);
  logPlatform(
    `REPORT RequestId: ${id}\tDuration: ${durationMs}.00 ms\tBilled Duration: ${durationMs} ms\tMemory Size: ${memorySizeMB} MB\tMax Memory Used: ${maxMemoryUsedMB} MB\t`,
    'platform.report',
    {
      requestId: id,
      status: error ? 'error' : 'success',
      metrics: { durationMs, billedDurationMs: durationMs, memorySizeMB, maxMemoryUsedMB },
    },
  );
  current = undefined;
  send({ result, error, last });
}

function answerError(described, last) {
  const result = JSON.stringify(described);
  console.error('Invoke Error', result);
  answer(result, true, last);
}

async function invoke(handler, { id, arn, trace, payload, deadline, ahead: clockIsAhead }) {
  ahead = clockIsAhead;
  current = { id, started: machineNow() };
  env._X_AMZN_TRACE_ID = trace;
  const version = env.AWS_LAMBDA_FUNCTION_VERSION;
  logPlatform(`START RequestId: ${id} Version: ${version}`, 'platform.start', { requestId: id, version });
  const context = {
    awsRequestId: id,
    invokedFunctionArn: arn,
    functionName: env.AWS_LAMBDA_FUNCTION_NAME,
    functionVersion: version,
    memoryLimitInMB: env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
    logGroupName: env.AWS_LAMBDA_LOG_GROUP_NAME,
    logStreamName: env.AWS_LAMBDA_LOG_STREAM_NAME,
    callbackWaitsForEmptyEventLoop: true,
    getRemainingTimeInMillis: () => deadline - machineNow(),
  };
  let result;
  try {
    result = JSON.stringify((await handler(JSON.parse(payload), context)) ?? null);
  } catch (error) {
    answerError(describe(error), false);
    return;
  }
  answer(result, false, false);
}

/** An error that no handler catches ends the process; the current invocation, if any, has it as its result. */
function fail(type, error) {
  const described = { ...describe(error), errorType: type };
  if (current === undefined) log(`${JSON.stringify(described)}\n`);
  else answerError(described, true);
  process.exit(128);
}

if (env.AWS_ENDPOINT_URL !== undefined) {
  env.AWS_ENDPOINT_URL_S3_CONTROL ??= s3ControlEndpoint(env.AWS_ENDPOINT_URL);
}
takeOverClock();
takeOverOutput();
process.on('unhandledRejection', (reason) => fail('Runtime.UnhandledPromiseRejection', reason));
process.on('uncaughtException', (error) => fail(error instanceof Error ? error.name : 'Error', error));
try {
  const handler = await loadHandler();
  send({ ready: true });
  createInterface({ input: new Socket({ fd: incoming, readable: true, writable: false }) })
    .on('line', (line) => invoke(handler, JSON.parse(line)))
    // The invoking process has ended.
    .on('close', () => process.exit(0));
} catch (error) {
  log(`${JSON.stringify(describe(error))}\n`);
  send({ initError: describe(error) });
  process.exit(1);
}
