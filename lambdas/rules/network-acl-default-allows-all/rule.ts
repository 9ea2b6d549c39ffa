import { allTraffic } from '../factories/network-acl-open/opening.ts';
import { openNetworkAclRule } from '../factories/network-acl-open/rule.ts';
import { facts } from './facts.ts';

export const rule = openNetworkAclRule(facts, {
  ...allTraffic,
  condition: ({ isDefault }) =>
    isDefault
      ? undefined
      : "this is not its VPC's default network ACL, and the rule applies to default ones only",
});
