import type { Options } from '../factories/network-acl-allows-all/facts.ts';
import { inspectNetworkAcls, type Seen } from '../factories/network-acl-allows-all/inspect.ts';
import { planNetworkAcl } from '../factories/network-acl-allows-all/plan.ts';
import { defineRule } from '../rule.ts';
import { facts } from './facts.ts';

export const rule = defineRule<Seen, Options>(facts, {
  inspect: (session, resources) =>
    inspectNetworkAcls(session, resources, ({ subnets }) =>
      subnets.length > 0
        ? undefined
        : 'no subnet is associated with this network ACL: this rule concerns those that one uses',
    ),
  plan: planNetworkAcl,
});
