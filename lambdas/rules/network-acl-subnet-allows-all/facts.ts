import {
  documentation,
  optionsSchema,
  permissions,
  resourceId,
} from '../factories/network-acl-open/facts.ts';
import { defineFacts } from '../facts.ts';

export const facts = defineFacts({
  id: 'network-acl-subnet-allows-all',
  title: 'Network ACLs of subnets do not allow all inbound traffic',
  legacyId: 'BPR-0-1-0',
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
});
