import { EC2Client, ReplaceNetworkAclEntryCommand } from '@aws-sdk/client-ec2';
import { defineLabRule } from './lab-rule.ts';
import { cis14 } from './netskope-words.ts';
import { networkAclCalls, networkAcls } from './shared/network-acls.ts';

const NAME = 'Ensure no Network ACLs allow ingress from 0.0.0.0/0 to remote server administration ports';

export const labRule = defineLabRule({
  code: 'CIS-1-4-0-5-1',
  words: {
    rule_name: NAME,
    severity: 'High',
    resource_type: 'NetworkACL',
    resource_category: 'Network',
    ...cis14('5.1', 'Networking', NAME),
  },
  ids: ['acl-0123abcd', 'acl-0123456789abcdef0'],
  notIds: ['acl-0123', 'subnet-0123abcd', 'ACL-0123abcd'],
  check: networkAcls,
  calls: networkAclCalls,
  options: {},
  scenarios: [
    {
      name: 'all traffic except for the ports stays open',
      make: ({ builder, region }) => builder.openSubnetNetworkAcl(region),
    },
    {
      name: 'an entry on exactly the port is removed',
      options: { replacement_cidrs: [], allow_isolation: true },
      async make({ builder, region }) {
        const NetworkAclId = await builder.openSubnetNetworkAcl(region);
        await new EC2Client(builder.settings(region)).send(
          new ReplaceNetworkAclEntryCommand({
            NetworkAclId,
            RuleNumber: 100,
            RuleAction: 'allow',
            Protocol: '6',
            PortRange: { From: 22, To: 22 },
            CidrBlock: '0.0.0.0/0',
            Egress: false,
          }),
        );
        return NetworkAclId;
      },
    },
  ],
});
