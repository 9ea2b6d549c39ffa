import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';

const root = path.resolve(import.meta.dirname, '../..');
const read = (file: string): Promise<string> => readFile(path.join(root, file), 'utf8');

/** The numbers of alarms for which CloudWatch charges: metric alarms, counted by their metrics, and composite alarms. */
export interface AlarmCounts {
  readonly metric: number;
  readonly composite: number;
}

/** The alarms of a deployment. */
export interface Alarms {
  readonly central: AlarmCounts;
  readonly perRule: AlarmCounts;
  readonly perRegion: AlarmCounts;
}

/** Counts the alarms of a module by the first lines of their definitions. */
async function alarmsOf(module: string): Promise<AlarmCounts> {
  const text = await read(`modules/${module}/alarms.tf`);
  const [metric = '', composite = ''] = text.split('combined_alarms = {');
  const begins = /^ {4,6}(?:[a-z-]+ = \{|\{ for .+ => \{)$/gm;
  return {
    metric: [...metric.matchAll(begins)].length,
    composite: [...composite.matchAll(begins)].length,
  };
}

/** Counts the metrics of the alarm per rule: an alarm on an expression costs as much as one alarm per metric. */
async function alarmsPerRule(): Promise<AlarmCounts> {
  const text = await read('modules/central/alarms-by-rule.tf');
  const metrics = /dynamic "metric_query" \{\n\s+for_each = \{([^}]+)\}/.exec(text)?.[1];
  return { metric: z.string().parse(metrics).split(',').length, composite: 0 };
}

/** Counts the alarms that Terraform creates, from its files. */
export async function countAlarms(): Promise<Alarms> {
  const [central, perRule, perRegion] = await Promise.all([
    alarmsOf('central'),
    alarmsPerRule(),
    alarmsOf('per-region'),
  ]);
  return { central, perRule, perRegion };
}
