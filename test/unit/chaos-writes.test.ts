import { describe, expect, test } from 'vitest';
import { SUBJECTS } from '../chaos/writes/subjects.ts';
import { problemLines, sweep } from '../chaos/writes/sweep.ts';

describe('whatever becomes of a write, the record is what happened, and its inverses give back what was there', () => {
  test.each(SUBJECTS)('$rule, $what', async (subject) => {
    const rows = await sweep(subject);

    expect(rows.length).toBeGreaterThan(0);
    expect(problemLines(rows)).toEqual([]);
    // Somebody looks again: then all is known.
    const unknown = rows.flatMap(({ operation, cells }) =>
      cells.some(({ thenExempt, result }) => !thenExempt && result.unconfirmed > 0) ? operation : [],
    );
    expect(unknown).toEqual([]);
    // What was marked is known, whoever dies then, and though nobody may look any more.
    const marked = rows.flatMap(({ cells }) => cells.filter(({ fault }) => fault === 'killed once marked'));
    expect(marked.filter(({ result }) => result.unconfirmed > 0)).toEqual([]);
  });
});
