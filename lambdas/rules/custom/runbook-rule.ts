import type { Json } from '../../model/json.ts';
import type { RuleFacts } from '../facts.ts';
import { defineRule, type Rule } from '../rule.ts';

/**
 * The rule whose violations only the source knows: nothing is read here. What its document did, the source's next scan
 * shows.
 */
export function runbookRule(facts: RuleFacts): Rule {
  return defineRule<Record<string, Json>, unknown>(facts, {
    inspect: async (_session, resources) =>
      new Map(resources.map((resource) => [resource, { state: 'violation', seen: {}, isUnread: true }])),
    plan: () => [],
  });
}
