import type { CustomRule } from '../../model/custom-rule.ts';
import type { Rule } from '../rule.ts';
import { customFacts } from './declared-facts.ts';
import { desiredStateRule } from './desired-state.ts';
import { runbookRule } from './runbook-rule.ts';

/** Creates a custom rule from its definition. */
export function customRule(id: string, definition: CustomRule): Rule {
  const facts = customFacts(id, definition);
  const { desired_state, risk } = definition;
  return desired_state === undefined
    ? runbookRule(facts, definition)
    : desiredStateRule(facts, desired_state, risk);
}
