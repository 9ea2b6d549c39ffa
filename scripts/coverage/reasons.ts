import { namedReasons } from './named-reasons.ts';

/** A predefined rule of Netskope. */
export interface NetskopeRule {
  readonly name: string;
  readonly entity: string;
  readonly profiles: readonly string[];
  readonly service: string;
}

/** Reasons why no rule remediates a finding. The first one that fits applies. */
const reasons: readonly { readonly fits: (rule: NetskopeRule) => boolean; readonly reason: string }[] = [
  ...namedReasons,
  {
    fits: ({ entity }) => entity === 'AWS',
    reason:
      'Requires something for the whole account (a metric filter, a trail, a role): create it in your landing zone.',
  },
  {
    fits: ({ name }) => /encrypt/i.test(name) && !/in transit|load balancer/i.test(name),
    reason:
      'Can only be set at creation, or needs your key: recreate the resource, or write a custom rule that sets your key.',
  },
  {
    fits: ({ entity }) => entity.startsWith('IAM') && entity !== 'IAMPasswordPolicy',
    reason: 'Only the owner knows who needs the access: a change can lock people or workloads out.',
  },
  {
    fits: ({ entity }) => entity === 'IAMPasswordPolicy',
    reason: 'Use a custom rule with the runbook `AWSConfigRemediation-SetIAMPasswordPolicy`.',
  },
  {
    fits: ({ name, entity }) => entity === 'EC2Instance' && /open .*port/i.test(name),
    reason: 'A security group opens the port: `security-group-admin-ports-open` closes SSH and RDP.',
  },
  {
    fits: ({ entity, name }) =>
      /SecurityGroup|NetworkInterface|NetworkACL/.test(entity) || /security groups?/i.test(name),
    reason: 'Only the owner knows which traffic is needed.',
  },
  {
    fits: ({ name }) => /polic(y|ies)|Action .* authorized|\bACLs?\b/i.test(name),
    reason: 'A resource policy must be rewritten: only the owner knows what must stay in it.',
  },
  {
    fits: ({ entity }) => /LoadBalancer/.test(entity),
    reason:
      'Its attributes are a list of key-value pairs, which a pointer cannot address: use a custom rule with a runbook.',
  },
  {
    fits: ({ name }) => /unused|unattached|removed|expired|stopped/i.test(name),
    reason: 'The fix would delete something, which cannot be undone.',
  },
  {
    fits: ({ name }) =>
      /multi-?az|backup retention|minor version|default port|port 5439|Virtual Private Cloud/i.test(name),
    reason: 'The change replaces the resource, or may replace it: the owner must plan that.',
  },
  {
    fits: ({ name }) => /rotat|renew|MFA|Multi-Factor|\broot\b/i.test(name),
    reason: 'Needs a person or a device.',
  },
];

/** The reason why no rule remediates the finding. */
export function reasonOf(rule: NetskopeRule): string {
  return (
    reasons.find(({ fits }) => fits(rule))?.reason ??
    'No rule yet. Write a custom rule if a property of the type, or a document, can fix it.'
  );
}
