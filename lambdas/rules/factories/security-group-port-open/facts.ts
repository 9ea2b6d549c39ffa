import { z } from 'zod';
import { securityGroupIdSchema } from '../../../changes/security-group/ingress-rule.ts';
import { defineFacts, type RuleFacts } from '../../facts.ts';
import { inRegion, type Permission } from '../../permission.ts';
import { documentPermissions } from '../../runbook.ts';
import { type ClosedPort, portsInWords } from '../closed-ports.ts';

const optionsSchema = z.strictObject({
  all_traffic: z.enum(['split', 'revoke']).default('split').meta({
    description:
      'How a rule that opens all traffic to the world is closed. split: tcp and udp except the closed ports, and ICMP, stay open (other protocols do not); revoke: nothing stays open.',
  }),
});
export type Options = z.infer<typeof optionsSchema>;

/** The facts that differ between rules on open ports. */
export interface OpenPorts extends Pick<RuleFacts<Options>, 'id' | 'title' | 'legacyId'> {
  readonly ports: readonly ClosedPort[];
  /** The control of the benchmark that the rule implements. */
  readonly control: string;
}

const securityGroups = 'arn:${partition}:ec2:${region}:${account}:security-group/*';
const securityGroupRules = 'arn:${partition}:ec2:${region}:${account}:security-group-rule/*';

/** AWS's document, which closes rules for exactly port 22 or exactly port 3389: always both. */
const DOCUMENT = 'AWS-DisablePublicAccessForSecurityGroup';

/** The calls of a plan, which reads, adds, shrinks and revokes rules, and of its undo, which widens them. */
const change: readonly Permission[] = [
  { actions: ['ec2:DescribeSecurityGroupRules'], resources: ['*'], conditions: inRegion },
  {
    actions: ['ec2:AuthorizeSecurityGroupIngress', 'ec2:ModifySecurityGroupRules'],
    resources: [securityGroups, securityGroupRules],
  },
  { actions: ['ec2:RevokeSecurityGroupIngress'], resources: [securityGroups] },
  {
    actions: ['ec2:CreateTags'],
    resources: [securityGroupRules],
    conditions: { StringEquals: { 'ec2:CreateAction': ['AuthorizeSecurityGroupIngress'] } },
  },
];

/** Creates the facts of a rule against security groups that open ports to the world. */
export function portOpenFacts(openPorts: OpenPorts): RuleFacts<Options> & OpenPorts {
  const { ports, control, ...names } = openPorts;
  const [those, exactly, any] =
    ports.length === 1
      ? ['that port', 'exactly that port', 'it']
      : ['those ports', 'exactly one of them', 'one of them'];
  return {
    ...openPorts,
    ...defineFacts({
      ...names,
      resourceType: 'AWS::EC2::SecurityGroup',
      scope: 'regional',
      severity: 'high',
      resourceId: securityGroupIdSchema,
      options: optionsSchema,
      permissions: {
        read: [
          {
            actions: ['ec2:DescribeSecurityGroups', 'ec2:DescribeSecurityGroupRules'],
            resources: ['*'],
            conditions: inRegion,
          },
        ],
        write: change,
        undo: change,
      },

      documentation: {
        control,
        finds: `Security groups with an inbound rule that lets \`0.0.0.0/0\` or \`::/0\` reach ${portsInWords(ports)}: ${exactly}, a range that includes ${any}, or all traffic.`,
        changes: `Closes exactly ${those}. A wide rule is shrunk in place: it keeps its id, description and tags, and the largest remaining part of what it opens. The other parts are added first, as narrower rules with its description and tags. A rule of which nothing remains is revoked by its protocol, ports and source, so a rule that its owner has narrowed in the meantime does not match. The group is read again immediately before each change: if a rule is gone or different, nothing changes, and what was added for it is revoked. If the group has no room for the parts, a wide rule is not changed, and the finding is \`failed\`. EC2 supports no condition for shrinking a rule: if its owner changes the same rule by its id in the milliseconds between that reading and the change, the later change counts.`,
        neverTouches:
          'Rules for other sources, including narrower blocks and prefix lists (prefix lists, and blocks that together cover half of all addresses or more, are named in the reason); rules for other ports; outbound rules; groups that another account shares.',
        undo: 'Widens each shrunk rule again, under the same id, then revokes the rules that were added. Recreates revoked rules with description and tags, under new ids. Undo the last change of a group first: if a rule is not as the change left it, the undo is refused with the reason.',
      },

      runbook: {
        document: DOCUMENT,
        partitions: ['aws', 'aws-us-gov'],
        parameters: (resource) => ({ GroupId: [resource] }),
        permissions: [
          { actions: ['ec2:DescribeSecurityGroups'], resources: ['*'], conditions: inRegion },
          { actions: ['ec2:RevokeSecurityGroupIngress'], resources: [securityGroups] },
          ...documentPermissions(DOCUMENT),
        ],
        documentation: {
          reference:
            'https://docs.aws.amazon.com/systems-manager-automation-runbooks/latest/userguide/automation-aws-disablepublicaccessforsecuritygroup.html',
          closes:
            'TCP rules that open exactly port 22 or exactly port 3389 to `0.0.0.0/0` or `::/0`: both ports, regardless of the finding.',
          limits:
            'Rules that open further ports (ranges, all traffic) remain, as do rules for UDP. In a VPC other than the default one, it fails with `InvalidPermission.NotFound`, and closes nothing, unless there are rules for both ports and both sources. AWS does not offer it in China.',
        },
      },
    }),
  };
}
