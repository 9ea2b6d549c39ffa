import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from 'vitest';
import { type Alarms, countAlarms } from '../../../scripts/cost/alarm-counts.ts';
import { costText, fixCosts, idleCosts } from '../../../scripts/cost/cost-text.ts';
import { type MeasuredCalls, readMeasuredCalls } from '../../../scripts/cost/measured-calls.ts';

const root = path.resolve(import.meta.dirname, '../../..');
const read = (file: string): Promise<string> => readFile(path.join(root, file), 'utf8');

const alarms: Alarms = {
  central: { metric: 10, composite: 1 },
  perRule: { metric: 2, composite: 0 },
  perRegion: { metric: 18, composite: 1 },
};
const job = { rule: 's3-bucket-public', rounds: 20, operations: { 's3:PutObject': 4, 's3:GetObject': 2 } };
const jobs = (findings: number) => ({ findings, unchanged: job, fixed: { s3: job } });
const measured: MeasuredCalls = {
  version: 1,
  measuredOn: '2026-01-31',
  secondsOfRound: 0.05,
  full: jobs(100),
  small: jobs(3),
};

const amountOf = (costs: ReturnType<typeof idleCosts>, what: string) =>
  costs.find((cost) => cost.what.startsWith(what))?.amounts.map((amount) => Number(amount.toFixed(4)));

test('alarms cost as much as their metrics, per region and rule', () => {
  // 10 + 2 × 10 + 18 metrics, and 2 composite alarms; with three more regions, 54 and 3 more.
  expect(amountOf(idleCosts(alarms), 'alarms')).toEqual([5.8, 12.7]);
});

test('a deployment has the alarms that the modules create', async () => {
  const counted = await countAlarms();

  const named = async (file: string) => [...(await read(file)).matchAll(/^ {6,8}description += /gm)].length;
  expect(counted.central.metric + counted.central.composite).toBe(await named('modules/central/alarms.tf'));
  expect(counted.perRegion.metric + counted.perRegion.composite).toBe(
    await named('modules/per-region/alarms.tf'),
  );
  expect(counted.perRule).toEqual({ metric: 2, composite: 0 });
});

test('the cost of objects is that of the measured writes and reads', () => {
  // 110 and 4,000 jobs with 4 writes of 0.005 / 1,000 and 2 reads of 0.0004 / 1,000.
  expect(amountOf(fixCosts(measured), 'journal')).toEqual([0.0023, 0.0832]);
});

test('the text has the dates of measurements and prices', () => {
  const text = costText(measured, alarms);

  expect(text).toContain('measured on 2026-01-31');
  expect(text).toMatch(/list prices of us-east-1 in \d{4}/);
});

test('README.md says what an idle deployment costs', async () => {
  const total = idleCosts(await countAlarms()).reduce((sum, { amounts }) => sum + amounts[0], 0);

  expect(await read('README.md')).toContain(`costs about ${Math.round(total)} USD per month`);
});

test('docs/cost.md has the latest measurements', async () => {
  const text = costText(await readMeasuredCalls(), await countAlarms());

  expect(await read('docs/cost.md')).toContain(text);
});
