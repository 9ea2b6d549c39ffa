/**
 * Shows that the demo's first apply succeeds even on a busy machine: runs it repeatedly, several in parallel, each against its
 * own local AWS.
 *
 *     node scripts/bootstrap.mjs demo/first-applies.ts [COUNT [AT A TIME]]     default: 20, 4 at a time
 *
 * Prints one line for each, with the number of requests that Terraform repeated because their answers were lost, then the number
 * of failures with their errors. The exit code is 1 if one failed.
 */
import { readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import pLimit from 'p-limit';
import { prepareLocalAws } from '../test/lab/local-aws/index.ts';
import { startProcessRun } from '../test/lab/processes/run.ts';
import { prepareTerraform } from '../test/lab/terraform/index.ts';
import { deployDemo, startDemo } from './deploy.ts';

const [count = 20, atATime = 4] = process.argv.slice(2).map(Number);
const say = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

const interrupted = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => interrupted.abort(new Error(`stopped by ${signal}`)));
}
const run = startProcessRun();
try {
  const [localAws, terraform] = await Promise.all([prepareLocalAws(say), prepareTerraform(say)]);
  const limit = pLimit(atATime);
  const failures = await limit.map(Array.from({ length: count }).keys(), async (number) => {
    const folder = path.resolve(import.meta.dirname, `../.work/first-apply-${process.pid}-${number + 1}`);
    const options = {
      localAws,
      terraform,
      folder,
      say: () => undefined,
      signal: interrupted.signal,
      environment: run.environment,
    };
    const began = Date.now();
    const lab = await startDemo(options);
    try {
      await deployDemo(lab, options);
      const seconds = Math.round((Date.now() - began) / 1000);
      const lostAnswers = (await readFile(lab.aws.logFile, 'utf8')).split('was answered before').length - 1;
      say(`${number + 1}: applied in ${seconds} s; ${lostAnswers} answers were lost`);
      return [];
    } catch (error) {
      if (interrupted.signal.aborted) throw error;
      say(`${number + 1}: FAILED, the local AWS's log is ${lab.aws.logFile}\n${error}`);
      return [error];
    } finally {
      await lab.stop();
      await rm(folder, { recursive: true, force: true, maxRetries: 5 });
    }
  });
  say(`${count - failures.flat().length} applied, ${failures.flat().length} failed`);
  if (failures.flat().length > 0) process.exitCode = 1;
} catch (error) {
  if (!interrupted.signal.aborted) throw error;
  say(String(interrupted.signal.reason));
  process.exitCode = 1;
} finally {
  await run.end();
}
