import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from 'vitest';

const repository = path.resolve(import.meta.dirname, '../../..');
const read = (file: string): Promise<string> => readFile(path.join(repository, file), 'utf8');

/** Counts the alarms of a module by the beginnings of their definitions. */
async function alarmsOf(module: string): Promise<{ readonly metric: number; readonly composite: number }> {
  const text = await read(`modules/${module}/alarms.tf`);
  const [metric = '', composite = ''] = text.split('combined_alarms = {');
  const begins = /^ {4,6}(?:[a-z-]+ = \{|\{ for .+ => \{)$/gm;
  return {
    metric: [...metric.matchAll(begins)].length,
    composite: [...composite.matchAll(begins)].length,
  };
}

test('docs/cost.md counts as many alarms as the modules create', async () => {
  const [central, perRegion, cost, byRule] = await Promise.all([
    alarmsOf('central'),
    alarmsOf('per-region'),
    read('docs/cost.md'),
    read('modules/central/alarms-by-rule.tf'),
  ]);
  // An alarm on an expression is charged per metric.
  const perRule = (/dynamic "metric_query" \{\n\s+for_each = \{([^}]+)\}/.exec(byRule)?.[1] ?? '').split(
    ',',
  ).length;

  expect(cost).toContain(
    `(${central.metric} + ${perRule} per rule + ${perRegion.metric} per region) × 0.10, because an alarm on two metrics counts twice; (${central.composite} + ${perRegion.composite} per region) composite alarms × 0.50`,
  );
});
