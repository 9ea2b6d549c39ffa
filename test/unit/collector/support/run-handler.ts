/**
 * Runs the collector's handler once, as Lambda would, with the event in the environment variable EVENT.
 * The last line of its output is JSON: `{"result": …}` or `{"thrown": {"name", "message"}}`, with `maxRss` in bytes.
 */
import { handler } from '../../../../lambdas/collector/index.ts';

const deadline = Date.now() + Number(process.env['REMAINING_MILLISECONDS'] ?? 60_000);
const context = {
  callbackWaitsForEmptyEventLoop: true,
  functionName: 'cspm-collector',
  functionVersion: '$LATEST',
  invokedFunctionArn: 'arn:aws:lambda:eu-central-1:111111111111:function:cspm-collector',
  memoryLimitInMB: '512',
  awsRequestId: '00000000-0000-0000-0000-000000000000',
  logGroupName: '/aws/lambda/cspm-collector',
  logStreamName: 'stream',
  getRemainingTimeInMillis: () => deadline - Date.now(),
  done: () => {},
  fail: () => {},
  succeed: () => {},
};

let came: object;
try {
  came = { result: await handler(JSON.parse(process.env['EVENT'] ?? 'null'), context) };
} catch (error) {
  came = { thrown: error instanceof Error ? { name: error.name, message: error.message } : {} };
}
// Kilobytes in Node's documentation, on every platform.
const maxRss = process.resourceUsage().maxRSS * 1024;
process.stdout.write(`${JSON.stringify({ ...came, maxRss })}\n`, () => process.exit());
