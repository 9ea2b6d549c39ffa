import { expect, test } from 'vitest';
import { catalogue, type RuleId } from '../../../lambdas/rules/catalogue.ts';
import { ruleNames } from '../../../lambdas/sources/index.ts';
import { type LabRule, labRules } from './index.ts';

/** Typed so that `tsc` reports a rule of the product that the lab lacks. */
const everyRule: Readonly<Record<RuleId, LabRule>> = labRules;

test('the lab has the rules of the product, and no others', () => {
  expect(Object.keys(everyRule).sort()).toEqual(Object.keys(catalogue).sort());
});

test.each(Object.entries(catalogue))(
  '%s has the same names in the product and in the laboratory',
  (id, facts) => {
    const rule = Object.entries(everyRule).find(([labId]) => labId === id)?.[1];

    expect(ruleNames.netskope[id]).toContain(rule?.words.rule_name);
    expect(facts.legacyId).toBe(rule?.code);
    expect(facts.options.safeParse(rule?.options).success).toBe(true);
    for (const { options = {} } of rule?.scenarios ?? []) {
      expect(facts.options.safeParse(options).success).toBe(true);
    }
    expect(facts.scope).toBe(rule?.isGlobal === true ? 'global' : 'regional');
  },
);
