import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from 'vitest';
import { metricOf, metrics } from '../../../lambdas/model/metrics.ts';
import { outcomeNameSchema } from '../../../lambdas/model/outcome-names.ts';

const root = path.resolve(import.meta.dirname, '../../..');

/** Returns each name that the functions pass to `count`, and whether they pass a rule with it. */
async function countedNames(): Promise<Map<string, boolean>> {
  const folder = path.join(root, 'lambdas');
  const files = (await readdir(folder, { recursive: true })).filter((file) => file.endsWith('.ts'));
  const texts = await Promise.all(files.map((file) => readFile(path.join(folder, file), 'utf8')));
  return new Map(
    texts
      .flatMap((text) => [...text.matchAll(/\bcount\('(\w+)',[^;]*?(,\s*[\w.]*poll\.rule)?\)/g)])
      .map(([, name = '', rule]) => [name, rule !== undefined]),
  );
}

test('the functions count only metrics of the catalogue, with the dimensions that it lists', async () => {
  const known = new Map(Object.entries(metrics).map(([name, { perRule }]) => [name, perRule]));

  const counted = await countedNames();

  expect(counted.size).toBeGreaterThan(5);
  expect([...counted].filter(([name, perRule]) => known.get(name) !== perRule)).toEqual([]);
});

test('no outcome shares its metric with another metric', () => {
  const names = outcomeNameSchema.options.filter((name) => name !== 'unprocessable').map(metricOf);

  expect(names).toContain('NotApplicable');
  expect(new Set([...names, ...Object.keys(metrics)]).size).toBe(names.length + Object.keys(metrics).length);
});
