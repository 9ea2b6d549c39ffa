/**
 * Measures what the product costs, prints a table and writes `reports/bench.json`. Nothing is judged: machines differ.
 *
 *     npm run bench
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { availableParallelism, cpus, loadavg } from 'node:os';
import path from 'node:path';
import { startLab } from '../test/lab/index.ts';
import { prepareLocalAws } from '../test/lab/local-aws/index.ts';
import { buildFunctions } from './bench/built.ts';
import {
  type ColdImport,
  callsPerFinding,
  coldImport,
  collectorMemory,
  ruleIds,
  startBench,
  throughput,
} from './bench/figures.ts';

const root = path.resolve(import.meta.dirname, '..');
const say = (line: string) => process.stdout.write(`${line}\n`);
const stopped = new AbortController();
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, () => stopped.abort());

const report = await measure();
await mkdir(path.join(root, 'reports'), { recursive: true });
await writeFile(path.join(root, 'reports/bench.json'), `${JSON.stringify(report, null, 2)}\n`);
print(report);

type Report = Awaited<ReturnType<typeof measure>>;

async function measure() {
  const installation = await prepareLocalAws(say);
  say('build the functions');
  const built = await buildFunctions();
  try {
    const lab = await startLab({ installation, signal: stopped.signal, strict: false });
    try {
      const { aws, proxy, tenant } = lab;
      const bench = await startBench({ endpoint: aws.endpoint, proxy, tenant });
      say('cold import');
      const cold: ColdImport[] = [];
      for (const rule of ruleIds) cold.push(await coldImport(bench, built.remediator, rule));
      const calls = await callsPerFinding(bench, say);
      const speeds = await throughput(bench, say);
      say('memory: 50,000 findings');
      const memory = await collectorMemory(bench, built.collector);
      return {
        machine: {
          node: process.version,
          processor: cpus()[0]?.model ?? 'unknown',
          cores: availableParallelism(),
          loadAverage: loadavg()[0] ?? 0,
        },
        zipBytes: { collector: built.collector.zipBytes, remediator: built.remediator.zipBytes },
        coldImport: cold,
        calls,
        throughput: speeds,
        memory,
      };
    } finally {
      await lab.stop();
    }
  } finally {
    await built.remove();
  }
}

function print({ machine, zipBytes, coldImport: cold, calls, throughput: speeds, memory }: Report): void {
  const one = (value: number) => value.toFixed(1);
  const rows: (readonly [string, string])[] = [
    ['collector.zip', `${Math.ceil(zipBytes.collector / 1000)} kB`],
    ['remediator.zip', `${Math.ceil(zipBytes.remediator / 1000)} kB`],
    ...cold.map((of): [string, string] => [
      `cold import for ${of.rule}`,
      `${one(of.medianMilliseconds)} ms (${one(of.fastestMilliseconds)} to ${one(of.slowestMilliseconds)}), of which the processor ${one(of.medianCpuMilliseconds)} ms; ${of.files} files`,
    ]),
    ...calls.map(({ rule, findings, changes, reads, own, beyondChangesPerFinding }): [string, string] => [
      `calls for ${findings} of ${rule}`,
      `${beyondChangesPerFinding.toFixed(2)} a finding beyond changes (${changes} changes, ${reads} reads, ${own} own)`,
    ]),
    ...speeds.flatMap(
      ({
        latencyMilliseconds,
        collectorFindingsPerSecond,
        remediatorFindingsPerSecond,
      }): [string, string][] => [
        [`collector, ${latencyMilliseconds} ms latency`, `${one(collectorFindingsPerSecond)} findings/s`],
        [`remediator, ${latencyMilliseconds} ms latency`, `${one(remediatorFindingsPerSecond)} findings/s`],
      ],
    ),
    [
      `collector, ${memory.findings} findings`,
      `${Math.ceil(memory.maxRssBytes / 2 ** 20)} MB at most, ${one(memory.seconds)} s`,
    ],
  ];
  const width = Math.max(...rows.map(([name]) => name.length));
  say('');
  for (const [name, value] of rows) say(`${name.padEnd(width)}  ${value}`);
  say('');
  say(`load average ${one(machine.loadAverage)} on ${machine.cores} cores; reports/bench.json`);
}
