import type { SourceFinding } from '../../../../lambdas/sources/source.ts';

export const SSH_RULE_NAME =
  'Communications and control network protection: Ensure no security groups allow ingress from 0.0.0.0/0 to port 22';

/** An item as in Netskope's API reference. */
export function item(fields: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  return {
    status: 'Failed',
    account_id: '111111111111',
    account_name: 'production',
    rule_name: SSH_RULE_NAME,
    remediation_steps: 'Not Available',
    resource_id: 'sg-0123456789abcdef0',
    resource_name: 'web',
    resource_type: 'SecurityGroup',
    resource_category: 'Networking',
    severity: 'High',
    failing_since: '2026-01-12 02:30:17AM',
    cloud_provider: 'AWS',
    profiles: ['AWS Best Practices v1.0.0'],
    policies: ['policy'],
    region_name: 'US East(N. Virginia)',
    last_scan_time: '2026-01-31 11:54:45AM',
    tags: [{ name: 'team', value: 'blue' }],
    compliance_standards: [{ control: '4.1', description: 'd', section: 's', standard: 'CIS-1.2.0' }],
    ...fields,
  };
}

/** A finding as a source returns it. */
export function sourceFinding(fields: Partial<SourceFinding> = {}): SourceFinding {
  return {
    account: '111111111111',
    resource: 'sg-0123456789abcdef0',
    region: 'US East(N. Virginia)',
    sourceRuleName: SSH_RULE_NAME,
    ...fields,
  };
}

/** The id of the `index`th security group. */
export function groupId(index: number): string {
  return `sg-${index.toString(16).padStart(17, '0')}`;
}
