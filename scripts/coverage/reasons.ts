/** A predefined rule of Netskope. */
export interface NetskopeRule {
  readonly name: string;
  readonly entity: string;
  readonly profiles: readonly string[];
  readonly service: string;
}

/** Reasons for which no rule serves, the first that fits. */
const reasons: readonly { readonly fits: (rule: NetskopeRule) => boolean; readonly reason: string }[] = [
  {
    fits: ({ entity }) => entity === 'AWS',
    reason:
      'Asks for something in the whole account (a metric filter, a trail, a role): make it by your landing zone.',
  },
  {
    fits: ({ name }) => /encrypt/i.test(name) && !/in transit|load balancer/i.test(name),
    reason:
      'Only a creation sets it, or the key is yours to choose: the resource must be recreated, or a rule of your own sets your key.',
  },
  {
    fits: ({ entity }) => entity.startsWith('IAM') && entity !== 'IAMPasswordPolicy',
    reason: 'Who needs the access only its owner knows: a change may lock people or workloads out.',
  },
  {
    fits: ({ entity }) => entity === 'IAMPasswordPolicy',
    reason: 'A rule of your own by runbook: `AWSConfigRemediation-SetIAMPasswordPolicy`.',
  },
  {
    fits: ({ name, entity }) => entity === 'EC2Instance' && /open .*port/i.test(name),
    reason: 'The security group is what opens it: `security-group-admin-ports-open` closes SSH and RDP.',
  },
  {
    fits: ({ entity, name }) =>
      /SecurityGroup|NetworkInterface|NetworkACL/.test(entity) || /security groups?/i.test(name),
    reason: 'Which traffic is needed only its owner knows.',
  },
  {
    fits: ({ name }) => /polic(y|ies)|Action .* authorized|ACLs?/i.test(name),
    reason: 'A resource policy must be rewritten: what may stay in it only its owner knows.',
  },
  {
    fits: ({ entity }) => /LoadBalancer/.test(entity),
    reason:
      'Its attributes are a list of keys and values, which no pointer names: a rule of your own by runbook.',
  },
  {
    fits: ({ name }) => /unused|unattached|removed|expired|stopped/i.test(name),
    reason: 'Would delete something: that can’t be undone.',
  },
  {
    fits: ({ name }) =>
      /multi-?az|backup retention|minor version|default port|port 5439|Virtual Private Cloud/i.test(name),
    reason: 'Replaces the resource, or may: not without a plan of its owner.',
  },
  {
    fits: ({ name }) => /rotat|renew|MFA|Multi-Factor|root/i.test(name),
    reason: 'Needs a person or a device.',
  },
];

/** The reason for which no rule serves. */
export function reasonOf(rule: NetskopeRule): string {
  return (
    reasons.find(({ fits }) => fits(rule))?.reason ??
    'No rule yet. A rule of your own serves where a property of the type or a document sets it.'
  );
}
