import type { Options } from '../factories/network-acl-allows-all/facts.ts';
import { inspectNetworkAcls, type Seen } from '../factories/network-acl-allows-all/inspect.ts';
import { planNetworkAcl } from '../factories/network-acl-allows-all/plan.ts';
import { defineRule } from '../rule.ts';
import { facts } from './facts.ts';

export const rule = defineRule<Seen, Options>(facts, {
  inspect: (session, resources) =>
    inspectNetworkAcls(session, resources, ({ isDefault }) =>
      isDefault ? undefined : "not a VPC's default network ACL: this rule concerns default ones only",
    ),
  plan: planNetworkAcl,
});
