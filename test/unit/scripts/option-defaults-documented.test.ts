import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { factsOf, ruleIds } from '../../../lambdas/rules/catalogue.ts';

const file = path.resolve(import.meta.dirname, '../../../docs/rules.md');

test.each(ruleIds)('the table of options of %s has their defaults', async (id) => {
  const text = await readFile(file, 'utf8');
  const [section = ''] = text.split(`\n## ${id}\n`).slice(1).join('').split('\n## ');
  const rows = [...section.matchAll(/^\| `([a-z_]+)` \|(?:[^|\\]|\\.)*\| (?:`([^`]*)`|not set) \|/gm)];

  const documented = Object.fromEntries(
    rows.flatMap(([, name = '', value]) => (value === undefined ? [] : [[name, JSON.parse(value)]])),
  );
  expect(documented).toEqual(z.record(z.string(), z.unknown()).parse(factsOf(id).options.parse({})));
});
