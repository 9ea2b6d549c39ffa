import type { ComplianceStandard, TenantItem } from '../item.ts';

/** What Netskope says of a rule. */
export interface RuleEntry
  extends Pick<TenantItem, 'rule_name' | 'severity' | 'resource_type' | 'resource_category'> {
  readonly profile: string;
  readonly standard: ComplianceStandard;
}

const CIS = 'CIS AWS Foundations Benchmark v1.2.0';
const BEST_PRACTICES = 'AWS Best Practices v1.0.0';

function cis(control: string, section: string, description: string): Pick<RuleEntry, 'profile' | 'standard'> {
  return {
    profile: CIS,
    standard: {
      standard: 'CIS-1.2.0',
      control,
      section,
      description,
      reference_url: 'https://www.cisecurity.org/benchmark/amazon_web_services',
    },
  };
}

function bestPractice(
  control: string,
  section: string,
  description: string,
): Pick<RuleEntry, 'profile' | 'standard'> {
  return {
    profile: BEST_PRACTICES,
    standard: {
      standard: 'NIST-CSF-1.1',
      control,
      section,
      description,
      reference_url: 'https://www.nist.gov/cyberframework',
    },
  };
}

/** The rules that the tenant checks, by their number in the benchmark that they come from, with Netskope's names. */
export const ruleBook = {
  'CIS-1-2-0-2-2': {
    rule_name:
      'Secure audit trails so they cannot be altered : CloudTrail Log Files Lack Integrity Validation',
    severity: 'Medium',
    resource_type: 'CloudTrail',
    resource_category: 'Management',
    ...cis('2.2', 'Logging', 'Ensure CloudTrail log file validation is enabled'),
  },
  'CIS-1-2-0-4-1': {
    rule_name:
      'Communications and control network protection: Ensure no security groups allow ingress from 0.0.0.0/0 to port 22',
    severity: 'High',
    resource_type: 'SecurityGroup',
    resource_category: 'Network',
    ...cis('4.1', 'Networking', 'Ensure no security groups allow ingress from 0.0.0.0/0 to port 22'),
  },
  'CIS-1-2-0-4-2': {
    rule_name:
      'Communications and control network protection: Ensure no security groups allow ingress from 0.0.0.0/0 to port 3389',
    severity: 'High',
    resource_type: 'SecurityGroup',
    resource_category: 'Network',
    ...cis('4.2', 'Networking', 'Ensure no security groups allow ingress from 0.0.0.0/0 to port 3389'),
  },
  'CIS-1-2-0-2-9': {
    rule_name: 'Baseline network operations and data flows: Ensure VPC flow logging is enabled in all VPCs',
    severity: 'Medium',
    resource_type: 'VPC',
    resource_category: 'Network',
    ...cis('2.9', 'Logging', 'Ensure VPC flow logging is enabled in all VPCs'),
  },
  'BPR-0-6': {
    rule_name:
      'Communications and control network protection: Ensure no rule exists which allows all ingress traffic in default Network ACL',
    severity: 'Medium',
    resource_type: 'NetworkACL',
    resource_category: 'Network',
    ...bestPractice('5', 'PR.AC', 'Network integrity is protected'),
  },
  'BPR-0-1-0': {
    rule_name:
      'Communications and control network protection: Ensure no rule exists which allows all ingress traffic in Network ACL which is associated with a subnet',
    severity: 'Medium',
    resource_type: 'NetworkACL',
    resource_category: 'Network',
    ...bestPractice('5', 'PR.AC', 'Network integrity is protected'),
  },
  'CIS-1-2-0-1-4': {
    rule_name: 'Remote access: Ensure access keys are rotated every 90 days or less.',
    severity: 'Medium',
    resource_type: 'User',
    resource_category: 'Identity',
    ...cis('1.4', 'Identity and Access Management', 'Ensure access keys are rotated every 90 days or less'),
  },
  'BPR-3-8': {
    rule_name:
      'Access permissions and authorizations: Ensure RDS Instances do not have Publicly Accessible Snapshots',
    severity: 'Critical',
    resource_type: 'RDSInstance',
    resource_category: 'Database',
    ...bestPractice('4', 'PR.AC', 'Access permissions and authorizations are managed'),
  },
  'BPR-1-9': {
    rule_name: 'Access permissions and authorizations: Ensure Redshift Clusters are not Publicly accessible',
    severity: 'High',
    resource_type: 'RedshiftCluster',
    resource_category: 'Database',
    ...bestPractice('4', 'PR.AC', 'Access permissions and authorizations are managed'),
  },
  'BPR-1-0-0': {
    rule_name: 'Ensure S3 Bucket is not publicly accessible.',
    severity: 'High',
    resource_type: 'S3Bucket',
    resource_category: 'Storage',
    ...bestPractice('4', 'PR.AC', 'Access permissions and authorizations are managed'),
  },
} as const satisfies Record<string, RuleEntry>;

export type RuleCode = keyof typeof ruleBook;
