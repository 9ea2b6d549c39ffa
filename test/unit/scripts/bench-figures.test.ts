import { readFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { compare, figures, parts } from '../../../scripts/bench/figures.ts';

describe('the figures of the bench', () => {
  test('are all documented', async () => {
    const documentation = await readFile('docs/performance.md', 'utf8');
    const documented = [...documentation.matchAll(/`([a-z_]+(?:\.[a-z_]+)+(?:\.<[a-z]+>)?)`/g)].map(
      ([, key = '']) => key.replace(/<[a-z]+>$/, ''),
    );

    const missing = figures.filter(
      ({ key }) => !documented.some((each) => (each.endsWith('.') ? key.startsWith(each) : key === each)),
    );

    expect(missing).toEqual([]);
    expect(new Set(figures.map(({ key }) => key)).size).toBe(figures.length);
  });

  test('miss their target if they exceed it, or were not measured', () => {
    const compared = compare(
      new Map([
        ['cold.rounds', 9],
        ['cold.cpu_ms', 190.5],
      ]),
      ['cold'],
    );

    expect(compared.map(({ key, isReached }) => [key, isReached])).toEqual([
      ['cold.rounds', true],
      ['cold.cpu_ms', false],
    ]);
    expect(compare(new Map(), parts).some(({ isReached }) => isReached)).toBe(false);
  });
});
