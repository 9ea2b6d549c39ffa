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
  id: 'network-acl-default-allows-all',
  title: 'Default network ACLs do not allow all inbound traffic',
  legacyId: 'BPR-0-6',
  netskopeRuleNames: [
    'Communications and control network protection: Ensure no rule exists which allows all ingress traffic in default Network ACL',
  ],
  resourceType: 'AWS::EC2::NetworkAcl',
  scope: 'regional',
  severity: 'medium',
  resourceId,
  options: optionsSchema,
  permissions,
  documentation: {
    ...documentation,
    control: 'Netskope best practice BPR-0-6',
    finds:
      'Default network ACLs with an inbound entry that allows every protocol from `0.0.0.0/0` or `::/0`.',
  },
  inspect: (session, resources) =>
    inspectNetworkAcls(session, resources, ({ isDefault }) =>
      isDefault ? undefined : "not a VPC's default network ACL: this rule concerns default ones only",
    ),
  plan: planNetworkAcl,
});
