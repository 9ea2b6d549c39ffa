import { z } from 'zod';
import {
  copyableTags,
  type ExistingRule,
  type IngressRule,
  ruleKey,
  securityGroupIdSchema,
} from '../changes/security-group/ingress-rule.ts';
import { readIngressRules, readSecurityGroups } from '../changes/security-group/rules.ts';
import type { SecurityGroupRulesAuthorize } from '../changes/security-group/rules-authorize.ts';
import type { SecurityGroupRulesRevoke } from '../changes/security-group/rules-revoke.ts';
import { defineRule, type Inspection, inRegion, type Permission, type RuleDefinition } from './rule.ts';
import { documentPermissions } from './runbook.ts';

const optionsSchema = z.strictObject({
  all_traffic: z.enum(['split', 'revoke']).default('split').meta({
    description:
      'What becomes of a rule that opens all traffic to the world. split: tcp and udp without the port, and ICMP, are put in its place (other protocols end with it); revoke: nothing is put in its place.',
  }),
});
type Options = z.infer<typeof optionsSchema>;

/** A type, not an interface, so that it is JSON. */
type Seen = {
  name: string;
  vpc: string;
  /** All inbound rules of the group, the legitimate ones too: what stood there before anything was changed. */
  rules: ExistingRule[];
};

/** What tells one rule on an open port from another. */
export interface OpenPort
  extends Pick<RuleDefinition<Seen, Options>, 'id' | 'title' | 'legacyId' | 'netskopeRuleNames'> {
  readonly port: number;
  /** The protocols by which the port must not be open to the world. */
  readonly protocols: readonly ('tcp' | 'udp')[];
  /** The benchmark's control that the rule stands for. */
  readonly control: string;
}

/**
 * Netskope's rule names `0.0.0.0/0`; `::/0` is the same hole. Narrower blocks are not the world, even if several of
 * them together are, and neither are prefix lists: what is in those is decided elsewhere.
 */
function isWorld(source: string): boolean {
  return source.endsWith('/0');
}

function opens(rule: ExistingRule, { port, protocols }: OpenPort): boolean {
  if (!isWorld(rule.source)) return false;
  if (rule.protocol === '-1') return true;
  return (
    protocols.some((protocol) => protocol === rule.protocol) && rule.fromPort <= port && port <= rule.toPort
  );
}

/** What `rule` opens besides the port, as rules of its own with its source, description and tags. */
function remainder(rule: ExistingRule, openPort: OpenPort, { all_traffic }: Options): readonly IngressRule[] {
  const piece = (protocol: string, fromPort: number, toPort: number): IngressRule => ({
    protocol,
    fromPort,
    toPort,
    source: rule.source,
    description: rule.description,
    tags: copyableTags(rule.tags),
  });
  const { port, protocols } = openPort;
  const around = (protocol: string, fromPort: number, toPort: number): readonly IngressRule[] => [
    ...(fromPort < port ? [piece(protocol, fromPort, port - 1)] : []),
    ...(port < toPort ? [piece(protocol, port + 1, toPort)] : []),
  ];
  if (rule.protocol !== '-1') return around(rule.protocol, rule.fromPort, rule.toPort);
  if (all_traffic === 'revoke') return [];
  return [
    ...(['tcp', 'udp'] as const).flatMap((protocol) =>
      protocols.includes(protocol) ? around(protocol, 0, 65_535) : [piece(protocol, 0, 65_535)],
    ),
    piece(rule.source.includes(':') ? 'icmpv6' : 'icmp', -1, -1),
  ];
}

function noteOn(rule: ExistingRule, { all_traffic }: Options): { note: string } | undefined {
  if (rule.protocol !== '-1') return undefined;
  return {
    note:
      all_traffic === 'revoke'
        ? 'all that it opened ends with it'
        : 'protocols other than tcp, udp and ICMP end with it',
  };
}

const securityGroups = 'arn:${partition}:ec2:${region}:${account}:security-group/*';
const securityGroupRules = 'arn:${partition}:ec2:${region}:${account}:security-group-rule/*';

/** Closes rules that are on port 22 or 3389 exactly, both of them whichever is asked for. */
const DOCUMENT = 'AWS-DisablePublicAccessForSecurityGroup';

/** A plan adds and revokes; so does its undo. */
const change: readonly Permission[] = [
  {
    actions: ['ec2:AuthorizeSecurityGroupIngress'],
    resources: [securityGroups, securityGroupRules],
  },
  { actions: ['ec2:RevokeSecurityGroupIngress'], resources: [securityGroups] },
  {
    actions: ['ec2:CreateTags'],
    resources: [securityGroupRules],
    conditions: { StringEquals: { 'ec2:CreateAction': ['AuthorizeSecurityGroupIngress'] } },
  },
];

/**
 * A rule against security groups that open a port to the world. Its plan closes exactly that port: a rule that opens
 * nothing else is revoked by its id; of a wider one, what it opens besides is added first as narrower rules, in one
 * change that AWS makes whole or not at all, and only then is the wide one revoked, so that nothing is cut in
 * between. A piece that stands there already (same protocol, ports and source) is not added again, so a plan made
 * after one that was cut off finishes its work. A piece that a rule of other ports covers is added all the same: that
 * rule may go for reasons of its own.
 */
export function portOpenRule(openPort: OpenPort) {
  const { port, protocols, control, ...names } = openPort;
  return defineRule<Seen, Options>({
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
      // Telling which rules stand there when AWS answers that one of them does, or that there is no room.
      undo: [
        { actions: ['ec2:DescribeSecurityGroupRules'], resources: ['*'], conditions: inRegion },
        ...change,
      ],
    },

    documentation: {
      control,
      finds: `Security groups with an inbound rule that lets \`0.0.0.0/0\` or \`::/0\` reach ${protocols.join(' or ')} port ${port}: exactly that port, a range that holds it, or all traffic.`,
      changes:
        'Closes exactly that port. What a wider rule opens besides is added first, as narrower rules with its description and tags; then the wide rule is revoked by its id. A group without room for them is left as it was, and the finding has `failed`.',
      neverTouches:
        'Rules for other sources, narrower blocks and prefix lists among them; rules for other ports; outbound rules; groups that another account shares.',
      undo: 'Puts the revoked rules back, with description and tags and under new ids, and revokes those that were added.',
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
          'TCP rules that open exactly port 22 or exactly port 3389 to `0.0.0.0/0` or `::/0`: both ports, whichever the finding is of.',
        limits:
          'Rules that open the port among others (ranges, all traffic) stay, as do rules for UDP. In a VPC that is not the default one it fails with `InvalidPermission.NotFound`, and closes nothing, unless there are rules for both ports and both sources. AWS does not offer it in China.',
      },
    },

    async inspect(session, resources) {
      const [groups, rules] = await Promise.all([
        readSecurityGroups(session, resources),
        readIngressRules(session, resources),
      ]);
      return new Map(
        resources.map((id): [string, Inspection<Seen>] => {
          const group = groups.get(id);
          if (group === undefined) return [id, { state: 'gone' }];
          if (group.owner !== session.account) {
            return [
              id,
              {
                state: 'not_applicable',
                reason: `the group belongs to account ${group.owner}, which shares it with ${session.account}: only its owner can change it`,
              },
            ];
          }
          const standing = rules.get(id) ?? [];
          if (!standing.some((rule) => opens(rule, openPort))) return [id, { state: 'compliant' }];
          const seen: Seen = { name: group.name, vpc: group.vpc, rules: standing };
          return [id, { state: 'violation', seen, tags: group.tags }];
        }),
      );
    },

    plan(resource, seen, options) {
      const open = seen.rules.filter((rule) => opens(rule, openPort));
      const keys = new Set(seen.rules.map(ruleKey));
      const missing: IngressRule[] = [];
      for (const rule of open.flatMap((wide) => remainder(wide, openPort, options))) {
        if (keys.has(ruleKey(rule))) continue;
        keys.add(ruleKey(rule));
        missing.push(rule);
      }
      const authorize: SecurityGroupRulesAuthorize[] =
        missing.length === 0 ? [] : [{ kind: 'security-group-rules-authorize', resource, rules: missing }];
      const revokes = open.map(
        (rule): SecurityGroupRulesRevoke => ({
          kind: 'security-group-rules-revoke',
          resource,
          rules: [rule],
          ...noteOn(rule, options),
        }),
      );
      return [...authorize, ...revokes];
    },
  });
}
