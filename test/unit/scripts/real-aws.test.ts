import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';

const text = readFileSync(path.resolve(import.meta.dirname, '../../../docs/real-aws.md'), 'utf8');

test('each part that was looked up names its source', () => {
  const rows = text.split('\n').filter((line) => line.startsWith('| ') && !/^\| (part|---) \|/.test(line));

  const cells = rows.map((row) => row.split(' | '));
  expect(rows.length).toBeGreaterThan(20);
  expect(
    cells.filter(([, documented = '']) => !/\]\(https:\/\//.test(documented)).map(([part]) => part),
  ).toEqual([]);
});
