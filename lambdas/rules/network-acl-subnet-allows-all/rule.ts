import {
  documentation,
  inspectNetworkAcls,
  type Options,
  optionsSchema,
  permissions,
  planNetworkAcl,
  resourceId,
  type Seen,
} from '../network-acl-allows-all.ts';
import { defineRule } from '../rule.ts';

export const rule = defineRule<Seen, Options>({
  id: 'network-acl-subnet-allows-all',
  title: 'Network ACLs of subnets do not allow all inbound traffic',
  legacyId: 'BPR-0-1-0',
  netskopeRuleNames: [
    'Communications and control network protection: Ensure no rule exists which allows all ingress traffic in Network ACL which is associated with a subnet',
  ],
  resourceType: 'AWS::EC2::NetworkAcl',
  scope: 'regional',
  severity: 'medium',
  resourceId,
  options: optionsSchema,
  permissions,
  documentation: {
    ...documentation,
    control: 'Netskope best practice BPR-0-1-0',
    finds:
      'Network ACLs of at least one subnet, default or not, with an inbound entry that allows every protocol from `0.0.0.0/0` or `::/0`.',
  },
  inspect: (session, resources) =>
    inspectNetworkAcls(session, resources, ({ subnets }) =>
      subnets.length > 0
        ? undefined
        : 'no subnet is associated with this network ACL: this rule concerns those that one uses',
    ),
  plan: planNetworkAcl,
});
