import fc from 'fast-check';
import type { Case } from './case.ts';
import { Counts } from './counts.ts';
import { cases } from './generate.ts';
import { type ChaosFault, type RunOptions, runCase } from './run-case.ts';

export interface ChaosOptions {
  readonly seed: number;
  readonly cases: number;
  readonly kind?: Case['kind'];
  /** The place of a case in an earlier run: repeats it alone. */
  readonly path?: string;
  /** Called after each case. */
  readonly onCase?: (done: number) => void;
  /** The option of `runCase`. */
  readonly distort?: RunOptions['distort'];
}

export interface ChaosReport {
  /** Number of cases, without those for the reduction of a failing one. */
  readonly cases: number;
  readonly counts: Counts;
  readonly failure?: {
    readonly seed: number;
    readonly path: string;
    /** The smallest failing case. */
    readonly smallest: Case;
    readonly faults: readonly ChaosFault[];
    readonly trace: readonly string[];
  };
}

/** Runs generated cases until one has a fault, and reduces that case as far as possible. */
export async function findFault(options: ChaosOptions): Promise<ChaosReport> {
  const { seed, cases: numRuns, kind, path, onCase, distort = (call) => call } = options;
  const counts = new Counts();
  let done = 0;
  let isShrinking = false;
  const property = fc.asyncProperty(cases(kind), async (chosen) => {
    const result = await runCase(chosen, { distort });
    if (!isShrinking) {
      done += 1;
      counts.addAll(result.counts);
      onCase?.(done);
    }
    if (result.faults.length > 0) isShrinking = true;
    return result.faults.length === 0;
  });
  const details = await fc.check(property, { seed, numRuns, ...(path !== undefined && { path }) });
  if (!details.failed) return { cases: done, counts };
  const [smallest] = details.counterexample ?? [];
  if (smallest === undefined) {
    throw new Error(`the run ended without a counterexample: ${String(details.errorInstance)}`);
  }
  const { faults, trace } = await runCase(smallest, { withTrace: true, distort });
  return {
    cases: done,
    counts,
    failure: { seed, path: details.counterexamplePath ?? '', smallest, faults, trace },
  };
}

/** The text by which faults are grouped: the kind of fault, without the resource. */
function signatureOf({ kind, words }: ChaosFault): string {
  return `${kind}: ${words.split(' ', 1)[0]}`;
}

/** Runs all cases, and reduces one case of each kind of fault as far as possible. */
export async function findAllFaults(options: ChaosOptions): Promise<readonly ChaosReport[]> {
  const { seed, cases: numRuns, kind, onCase, distort = (call) => call } = options;
  const counts = new Counts();
  const first = new Map<string, number>();
  let done = 0;
  const all = fc.asyncProperty(cases(kind), async (chosen) => {
    const { faults, counts: of } = await runCase(chosen, { distort });
    counts.addAll(of);
    for (const signature of new Set(faults.map(signatureOf))) {
      counts.add(`cases with a fault, ${signature}`);
      if (!first.has(signature)) first.set(signature, done);
    }
    done += 1;
    onCase?.(done);
  });
  await fc.check(all, { seed, numRuns });
  const reports: ChaosReport[] = [];
  for (const [signature, index] of first) {
    const property = fc.asyncProperty(cases(kind), async (chosen) => {
      const { faults } = await runCase(chosen, { distort });
      return !faults.some((fault) => signatureOf(fault) === signature);
    });
    const { counterexample, counterexamplePath } = await fc.check(property, { seed, path: `${index}` });
    const [smallest] = counterexample ?? [];
    if (smallest === undefined) continue;
    const { faults, trace } = await runCase(smallest, { withTrace: true, distort });
    reports.push({
      cases: numRuns,
      counts: reports.length === 0 ? counts : new Counts(),
      failure: { seed, path: counterexamplePath ?? '', smallest, faults, trace },
    });
  }
  return reports.length === 0 ? [{ cases: numRuns, counts }] : reports;
}
