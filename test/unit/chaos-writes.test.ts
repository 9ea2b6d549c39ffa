import { describe, expect, test } from 'vitest';
import type { CustomRule } from '../../lambdas/model/custom-rule.ts';
import { factsOf, ruleIds } from '../../lambdas/rules/catalogue.ts';
import { readLibrary } from '../../scripts/library/compile.ts';
import { LIBRARY_SUBJECTS, SUBJECTS } from '../chaos/writes/subjects.ts';
import { problemLines, sweep } from '../chaos/writes/sweep.ts';

describe('the record says what happened to a write under any fault, and its inverses restore what was there', () => {
  test.each([...SUBJECTS, ...LIBRARY_SUBJECTS])('$rule, $what', async (subject) => {
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

  test('every rule with code is there, and by its runbook, too, where it has one', () => {
    const byRunbook = SUBJECTS.filter(({ method }) => method === 'runbook').map(({ rule }) => rule);

    expect(new Set(SUBJECTS.map(({ rule }) => rule))).toEqual(new Set(ruleIds));
    expect(new Set(byRunbook)).toEqual(
      new Set(ruleIds.filter((rule) => factsOf(rule).runbook !== undefined)),
    );
  });

  test('every kind of rule of the library is there', async () => {
    const kindsOf = (rules: readonly (CustomRule | undefined)[]) =>
      new Set(rules.map((rule) => (rule?.desired_state === undefined ? 'runbook' : 'desired state')));
    const library = kindsOf((await readLibrary()).map(({ definition }) => definition));
    const byRunbook = SUBJECTS.filter(({ method }) => method === 'runbook').map(() => undefined);
    const declared = LIBRARY_SUBJECTS.flatMap(({ definition }) => definition ?? []);
    expect(kindsOf([...byRunbook, ...declared])).toEqual(library);
  });
});
