import {
  documentation,
  optionsSchema,
  permissions,
  resourceId,
} from '../factories/network-acl-open/facts.ts';
import { defineFacts } from '../facts.ts';

export const facts = defineFacts({
  id: 'network-acl-default-allows-all',
  title: 'Default network ACLs do not allow all inbound traffic',
  legacyId: 'BPR-0-6',
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
});
