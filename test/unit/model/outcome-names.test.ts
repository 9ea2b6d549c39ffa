import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from 'vitest';
import { outcomeNames, outcomes } from '../../../lambdas/model/outcome-names.ts';

const variables = path.resolve(import.meta.dirname, '../../../modules/_settings/typed/variables.tf');

test('the outcomes that a person must look at are those of which people are told by default', async () => {
  // Terraform takes no value of the catalogue as a default.
  const text = await readFile(variables, 'utf8');
  const [, list = ''] = /^ {4}outcomes = optional\(set\(string\), \[([^\]]*)\]\)$/m.exec(text) ?? [];

  const told = [...list.matchAll(/"([^"]*)"/g)].map(([, name]) => name);

  expect(told).toEqual(outcomeNames.filter((name) => outcomes[name].needsPerson));
});
