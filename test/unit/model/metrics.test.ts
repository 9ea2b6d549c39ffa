import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from 'vitest';
import { metricOf, metrics } from '../../../lambdas/model/metrics.ts';
import { outcomeNameSchema } from '../../../lambdas/model/outcome-names.ts';

const root = path.resolve(import.meta.dirname, '../../..');

/** Every name that the functions give to `count`, with whether a rule is named beside it. */
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

test('what the functions count is what the catalogue says, by the dimensions that it says', async () => {
  const known = new Map(Object.entries(metrics).map(([name, { perRule }]) => [name, perRule]));

  const counted = await countedNames();

  expect(counted.size).toBeGreaterThan(5);
  expect([...counted].filter(([name, perRule]) => known.get(name) !== perRule)).toEqual([]);
});

test('no outcome shares its metric with something else', () => {
  const names = outcomeNameSchema.options.filter((name) => name !== 'unprocessable').map(metricOf);

  expect(names).toContain('NotApplicable');
  expect(new Set([...names, ...Object.keys(metrics)]).size).toBe(names.length + Object.keys(metrics).length);
});
