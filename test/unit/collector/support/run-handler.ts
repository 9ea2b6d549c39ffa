/**
 * Runs the collector's handler once, as Lambda would, with the event in the environment variable EVENT.
 * The last line of its output is JSON: `{"result": …}` or `{"thrown": {"name", "message"}}`, with `maxRss` in bytes.
 */
import { handler } from '../../../../lambdas/collector/index.ts';
import { contextOf } from './context.ts';

const context = contextOf(Number(process.env['REMAINING_MILLISECONDS'] ?? 60_000));

let came: object;
try {
  came = { result: await handler(JSON.parse(process.env['EVENT'] ?? 'null'), context) };
} catch (error) {
  came = { thrown: error instanceof Error ? { name: error.name, message: error.message } : {} };
}
// Kilobytes in Node's documentation, on every platform.
const maxRss = process.resourceUsage().maxRSS * 1024;
process.stdout.write(`${JSON.stringify({ ...came, maxRss })}\n`, () => process.exit());
