import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from 'vitest';
import { outcomeNames, outcomes } from '../../../lambdas/model/outcome-names.ts';

const variables = path.resolve(import.meta.dirname, '../../../modules/_settings/typed/variables.tf');

test('people are notified by default of the outcomes that need a person', async () => {
  // A default in Terraform can't be a value from the catalogue.
  const text = await readFile(variables, 'utf8');
  const [, list = ''] = /^ {4}outcomes = optional\(set\(string\), \[([^\]]*)\]\)$/m.exec(text) ?? [];

  const told = [...list.matchAll(/"([^"]*)"/g)].map(([, name]) => name);

  expect(told).toEqual(outcomeNames.filter((name) => outcomes[name].needsPerson));
});
