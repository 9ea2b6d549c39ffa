import {
  documentation,
  permissions,
  portOptionsSchema,
  resourceId,
} from '../factories/network-acl-open/facts.ts';
import { defineFacts } from '../facts.ts';

export const facts = defineFacts({
  id: 'network-acl-admin-ports-open',
  title: 'Network ACLs do not open SSH or RDP (ports 22 and 3389) to the world',
  legacyId: 'CIS-1-4-0-5-1',
  resourceType: 'AWS::EC2::NetworkAcl',
  scope: 'regional',
  severity: 'high',
  resourceId,
  options: portOptionsSchema,
  permissions,
  documentation: {
    ...documentation,
    control: 'CIS AWS Foundations Benchmark 1.4.0, 5.1',
    finds:
      'Network ACLs, default or not, with an inbound entry that lets `0.0.0.0/0` or `::/0` reach tcp port 22, or tcp or udp port 3389: exactly such a port, a range that includes one, or all traffic. Deny entries before it are ignored, as Netskope ignores them.',
    changes:
      'Closes exactly these ports. Everything else that the entry allows stays open to everyone, by entries around its number (for an entry that allows all traffic: tcp and udp without the ports, and ICMP, but no other protocols), and `replacement_cidrs` keep all that it allowed. The other entries are added first; the last one replaces the open entry in one step. An open entry that earlier entries make ineffective is removed without a replacement. AWS allows 20 inbound entries unless your quota is higher: if there is no room for the parts of an open entry, that entry stays as it is, and the finding is `failed`; open entries that were closed before it stay closed. If the inbound list has changed since it was read, nothing changes, and the finding is planned again.',
  },
});
