import { resourcesOf } from './case.ts';
import type { ChaosOptions, ChaosReport } from './property.ts';
import { contentOf } from './resources.ts';

/** Writes reports for a person. @returns the exit code of the run: 1 if there is a fault */
export function printReports(
  reports: readonly ChaosReport[],
  options: Pick<ChaosOptions, 'seed' | 'kind'>,
  seconds: number,
  write: (text: string) => void,
): 0 | 1 {
  for (const report of reports) write(`${reportLines(report, options, seconds).join('\n')}\n\n`);
  return reports.every(({ failure }) => failure === undefined) ? 0 : 1;
}

/** A run as lines for a person. */
export function reportLines(
  { cases, counts, failure }: ChaosReport,
  { seed, kind }: Pick<ChaosOptions, 'seed' | 'kind'>,
  seconds: number,
): string[] {
  const interleavings = counts.get('acts') + counts.get('lagging reads');
  const figures = [
    `seed ${seed}: ${cases} cases, ${interleavings} interleavings, ${seconds.toFixed(1)} s`,
    ...counts.entries.map(([name, number]) => `  ${String(number).padStart(8)} ${name}`),
  ];
  if (failure === undefined) return [...figures, 'no fault'];
  const { smallest, faults, trace, path } = failure;
  return [
    ...figures,
    '',
    `FAULT in a case of kind ${smallest.kind}. Again: npm run test:chaos -- --seed ${seed} --cases ${cases}${kind === undefined ? '' : ` --kind ${kind}`} --path ${path}`,
    ...faults.map(({ kind, words }) => `  ${kind}: ${words}`),
    '',
    'Resources:',
    ...resourcesOf(smallest).map((id) => `  ${id}: ${JSON.stringify(contentOf(smallest.initial, id))}`),
    'What happened:',
    ...trace.map((line) => `  ${line}`),
  ];
}
