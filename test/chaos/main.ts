import { parseArgs } from 'node:util';
import { z } from 'zod';
import { defaultBreaker } from '../../lambdas/model/breaker-settings.ts';
import { accountLines } from './accounting/account.ts';
import { runAccounting } from './accounting/run.ts';
import { KINDS } from './case.ts';
import { dayLines } from './day/report.ts';
import { type Bounds, runDay } from './day/run.ts';
import { findAllFaults, findFault } from './property.ts';
import { printReports } from './report.ts';
import { printSweep } from './writes/sweep.ts';

/**
 * Searches for a case in which something changes beyond the plan because someone else acts, reads lag, answers are
 * lost or the function is killed:
 *
 *     npm run test:chaos -- --seed 7 --cases 10000 [--kind security-group] [--path 12:3] [--all-faults]
 *
 *     npm run test:chaos -- --writes
 *
 * applies every fault to every write of every rule, and prints the table of what is recorded.
 *
 *     npm run test:chaos -- --findings 10000 [--seed 7] [--trace acl-00000e6c]
 *
 * runs both functions on this many findings while calls fail, functions are killed, messages arrive twice and polls are
 * repeated, and checks the numbers of findings, outcomes and changes. With `--trace`, it prints each call of the functions
 * about a resource.
 *
 *     npm run test:chaos -- --hours 30 [--findings 1000] [--seed 7]
 *
 * runs hourly polls of this many findings, in accounts most of which fail, and counts the attempts at each: first with the
 * back-off alone, so that the hours of all attempts are known (0, 1, 5 and 29), then with low limits and the breaker.
 *
 * If there is a fault, it exits with 1 and prints the seed and the smallest trace.
 */
const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    cases: { type: 'string', default: '1000' },
    kind: { type: 'string' },
    path: { type: 'string' },
    'all-faults': { type: 'boolean', default: false },
    writes: { type: 'boolean', default: false },
    findings: { type: 'string' },
    trace: { type: 'string' },
    hours: { type: 'string' },
  },
});
if (values.writes) {
  const isTrue = await printSweep((line) => process.stdout.write(`${line}\n`));
  process.exit(isTrue ? 0 : 1);
}

const options = z
  .object({
    seed: z.coerce
      .number()
      .int()
      .default(() => Math.floor(Math.random() * 2 ** 31)),
    cases: z.coerce.number().int().positive(),
    kind: z.enum(KINDS).optional(),
    path: z.string().optional(),
    findings: z.coerce.number().int().positive().optional(),
    hours: z.coerce.number().int().positive().optional(),
  })
  .parse(values);

if (options.hours !== undefined) {
  // Not all of them can be remediated: about 1,040 can.
  const { seed, hours, findings = 1_100 } = options;
  const onProgress = (words: string) => process.stderr.write(`${words}\n`);
  const bounds: Bounds = {
    limits: { per_account_per_hour: 2, per_rule_per_hour: 10 },
    breaker: defaultBreaker,
  };
  let problems = 0;
  for (const bounded of [undefined, bounds]) {
    const report = await runDay({ seed, hours, findings, onProgress, ...(bounded && { bounds: bounded }) });
    const words = bounded === undefined ? 'back-off alone' : `with ${JSON.stringify(bounded)}`;
    process.stdout.write(`${words}\n${dayLines(report).join('\n')}\n`);
    problems += report.problems.length;
  }
  process.exit(problems === 0 ? 0 : 1);
}

if (options.findings !== undefined) {
  const { seed, findings } = options;
  const begun = performance.now();
  const onProgress = (words: string) => process.stderr.write(`${words}\n`);
  const onTrace = (words: string) => process.stdout.write(`${words}\n`);
  const account = await runAccounting({ seed, findings, onProgress, trace: values.trace, onTrace });
  const lines = accountLines(account, seed, (performance.now() - begun) / 1000);
  process.stdout.write(`${lines.join('\n')}\n`);
  process.exit(account.problems.length === 0 ? 0 : 1);
}

const started = performance.now();
let reportedAt = started;
const chosen = {
  seed: options.seed,
  cases: options.cases,
  ...(options.kind !== undefined && { kind: options.kind }),
  ...(options.path !== undefined && { path: options.path }),
  onCase: (done: number) => {
    const now = performance.now();
    if (now - reportedAt < 30_000) return;
    reportedAt = now;
    process.stderr.write(`${done} of ${options.cases} cases\n`);
  },
};
const reports = values['all-faults'] ? await findAllFaults(chosen) : [await findFault(chosen)];
const seconds = (performance.now() - started) / 1000;
process.exitCode = printReports(reports, chosen, seconds, (text) => process.stdout.write(text));
