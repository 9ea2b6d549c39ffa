import type { RuleFacts } from '../../facts.ts';
import { defineRule } from '../../rule.ts';
import type { Options } from './facts.ts';
import { inspectNetworkAcls, type Seen } from './inspect.ts';
import type { Opening } from './opening.ts';
import { planNetworkAcl } from './plan.ts';

/** Creates a rule against inbound network ACL entries that are open to everyone. */
export function openNetworkAclRule(facts: RuleFacts<Options>, opening: Opening) {
  return defineRule<Seen, Options>(facts, {
    inspect: (session, resources) => inspectNetworkAcls(session, resources, opening),
    plan: (resource, seen, options) => planNetworkAcl(resource, seen, options, opening),
  });
}
