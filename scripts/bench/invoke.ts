/** Invokes a built function once with the event in EVENT; the last line of the output says how it went, as JSON. */
import { registerHooks } from 'node:module';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { lambdaContext } from '../../test/integration/harness/lambda-context.ts';

const folder = process.env['FUNCTION'] ?? '';
const loaded: string[] = [];
registerHooks({
  load(url, context, next) {
    if (url.startsWith('file:')) loaded.push(path.relative(folder, fileURLToPath(url)));
    return next(url, context);
  },
});
const cpu = process.cpuUsage();
const start = performance.now();
const { handler } = await import(pathToFileURL(path.join(folder, 'index.mjs')).href);
const result: unknown = await handler(JSON.parse(process.env['EVENT'] ?? 'null'), lambdaContext());
const milliseconds = performance.now() - start;
const { user, system } = process.cpuUsage(cpu);
const cpuMilliseconds = (user + system) / 1000;
// Kilobytes, on every platform.
const maxRss = process.resourceUsage().maxRSS * 1024;
process.stdout.write(`\n${JSON.stringify({ milliseconds, cpuMilliseconds, maxRss, loaded, result })}\n`, () =>
  process.exit(),
);
