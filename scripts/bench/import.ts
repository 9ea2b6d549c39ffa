/** Imports files of a built function; the last line of the output says how long that took, as JSON. */
import path from 'node:path';
import { pathToFileURL } from 'node:url';

const folder = process.env['FUNCTION'] ?? '';
const files: readonly string[] = JSON.parse(process.env['FILES'] ?? '[]');
const urls = files.map((file) => pathToFileURL(path.join(folder, file)).href);
const cpu = process.cpuUsage();
const start = performance.now();
for (const url of urls) await import(url);
const milliseconds = performance.now() - start;
const { user, system } = process.cpuUsage(cpu);
const times = { milliseconds, cpuMilliseconds: (user + system) / 1000 };
process.stdout.write(`${JSON.stringify(times)}\n`, () => process.exit());
