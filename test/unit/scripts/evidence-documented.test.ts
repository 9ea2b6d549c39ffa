import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from 'vitest';
import { ruleIds } from '../../../lambdas/rules/catalogue.ts';
import { readLibrary } from '../../../scripts/library/compile.ts';

const page = path.resolve(import.meta.dirname, '../../../docs/evidence.md');

test('the Athena table has a partition for each rule of the module', async () => {
  const text = await readFile(page, 'utf8');
  const library = await readLibrary();

  const values = /'projection\.rule\.values' = '([^']*)'/.exec(text)?.[1]?.split(',');

  expect(values).toEqual([...ruleIds, ...library.map(({ id }) => id)].sort());
});
