import { describe, expect, test } from 'vitest';
import { factsOf, ruleIds } from '../../lambdas/rules/catalogue.ts';
import { SUBJECTS } from '../chaos/writes/subjects.ts';
import { ownerActs } from '../integration/harness/owner-acts.ts';

/** The actions by which a rule changes something. */
function writesOf(rule: (typeof ruleIds)[number]): readonly string[] {
  return factsOf(rule).permissions.write.flatMap(({ actions }) => actions);
}

describe('what a rule brings that no rule had before has its tests', () => {
  test('a write of a new kind: a subject in test/chaos/writes/subjects.ts', () => {
    const subjects = new Set(SUBJECTS.map(({ rule }) => rule));
    const swept = new Set(ruleIds.filter((rule) => subjects.has(rule)).flatMap(writesOf));

    const missing = ruleIds.flatMap((rule) =>
      writesOf(rule).flatMap((action) => (swept.has(action) ? [] : `${rule}: ${action}`)),
    );

    expect(missing).toEqual([]);
  });

  test('every resource type has acts of its owner in test/integration/harness/owner-acts.ts', () => {
    const typeOf = (rule: (typeof ruleIds)[number]): string => factsOf(rule).resourceType;
    const known = new Set(ruleIds.filter((rule) => rule in ownerActs).map(typeOf));

    const missing = ruleIds.flatMap((rule) => (known.has(typeOf(rule)) ? [] : `${rule}: ${typeOf(rule)}`));

    expect(missing).toEqual([]);
  });
});
