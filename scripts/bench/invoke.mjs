/**
 * Invokes a built function once with the event in EVENT. The last line of the output is the result, as JSON. With
 * CLOCK=stands, the function's clock is stopped.
 *
 * Plain JavaScript, because compiling TypeScript would take most of the measured time.
 */
import path from 'node:path';
import { pathToFileURL } from 'node:url';

const { FUNCTION: folder = '', EVENT: event = 'null', CLOCK: clock } = process.env;
const context = {
  callbackWaitsForEmptyEventLoop: true,
  functionName: 'function',
  functionVersion: '$LATEST',
  invokedFunctionArn: 'arn:aws:lambda:eu-central-1:111111111111:function:function',
  memoryLimitInMB: '512',
  awsRequestId: '00000000-0000-0000-0000-000000000000',
  logGroupName: 'group',
  logStreamName: 'stream',
  getRemainingTimeInMillis: () => 300_000,
};
if (clock === 'stands') {
  const now = Date.now();
  Date.now = () => now;
}
const parsed = JSON.parse(event);
const cpu = process.cpuUsage();
const start = performance.now();
const { handler } = await import(pathToFileURL(path.join(folder, 'index.mjs')).href);
const result = await handler(parsed, context);
const milliseconds = performance.now() - start;
const { user, system } = process.cpuUsage(cpu);
const cpuMilliseconds = (user + system) / 1000;
// Kilobytes, on every platform.
const maxRss = process.resourceUsage().maxRSS * 1024;
process.stdout.write(`\n${JSON.stringify({ milliseconds, cpuMilliseconds, maxRss, result })}\n`, () =>
  process.exit(),
);
