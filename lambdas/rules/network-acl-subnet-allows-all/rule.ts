import { allTraffic } from '../factories/network-acl-open/opening.ts';
import { openNetworkAclRule } from '../factories/network-acl-open/rule.ts';
import { facts } from './facts.ts';

export const rule = openNetworkAclRule(facts, {
  ...allTraffic,
  condition: ({ subnets }) =>
    subnets.length > 0
      ? undefined
      : 'no subnet is associated with this network ACL, and the rule applies only to those with a subnet',
});
