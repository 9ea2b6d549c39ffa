/**
 * Waits until the run that started it ends, for whatever reason: then its standard input closes. It kills the remaining
 * processes of the run, and prints each as a line `PID COMMAND`.
 *
 *     node reaper.ts RUN
 */
import { once } from 'node:events';
import { killProcessesOfRun } from './marked.ts';

const [run] = process.argv.slice(2);
if (run === undefined) throw new Error('usage: reaper.ts RUN');
process.stdout.on('error', () => {}); // Nobody reads it when the run was killed.
process.stdin.resume();
await once(process.stdin, 'close');
for (const { pid, command } of await killProcessesOfRun(run)) process.stdout.write(`${pid} ${command}\n`);
