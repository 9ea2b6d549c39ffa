import { labRule as cloudtrailLogFileValidation } from './cloudtrail-log-file-validation.ts';
import { labRule as iamAccessKeyUnrotated } from './iam-access-key-unrotated.ts';
import type { LabRule, Site } from './lab-rule.ts';
import { labRule as networkAclAdminPortsOpen } from './network-acl-admin-ports-open.ts';
import { labRule as networkAclDefaultAllowsAll } from './network-acl-default-allows-all.ts';
import { labRule as networkAclSubnetAllowsAll } from './network-acl-subnet-allows-all.ts';
import { labRule as rdsSnapshotPublic } from './rds-snapshot-public.ts';
import { labRule as redshiftClusterPublic } from './redshift-cluster-public.ts';
import { labRule as s3BucketPublic } from './s3-bucket-public.ts';
import { labRule as securityGroupAdminPortsOpen } from './security-group-admin-ports-open.ts';
import { labRule as securityGroupRdpOpen } from './security-group-rdp-open.ts';
import { labRule as securityGroupSshOpen } from './security-group-ssh-open.ts';
import { labRule as vpcFlowLogsDisabled } from './vpc-flow-logs-disabled.ts';

export type { Check, Place, Verdict } from './check.ts';
export type { CallExample, LabRule, Scenario, Site } from './lab-rule.ts';

/** The lab's knowledge of each rule, by the rule's id. A new rule is a file and a line here. */
export const labRules = {
  'cloudtrail-log-file-validation': cloudtrailLogFileValidation,
  'iam-access-key-unrotated': iamAccessKeyUnrotated,
  'network-acl-admin-ports-open': networkAclAdminPortsOpen,
  'network-acl-default-allows-all': networkAclDefaultAllowsAll,
  'network-acl-subnet-allows-all': networkAclSubnetAllowsAll,
  'rds-snapshot-public': rdsSnapshotPublic,
  'redshift-cluster-public': redshiftClusterPublic,
  's3-bucket-public': s3BucketPublic,
  'security-group-admin-ports-open': securityGroupAdminPortsOpen,
  'security-group-rdp-open': securityGroupRdpOpen,
  'security-group-ssh-open': securityGroupSshOpen,
  'vpc-flow-logs-disabled': vpcFlowLogsDisabled,
};

export type LabRuleId = keyof typeof labRules;

/** A rule's number in its benchmark. */
export type RuleCode = (typeof labRules)[LabRuleId]['code'];

/** The ids of all rules, in alphabetical order. */
export const labRuleIds = Object.keys(labRules)
  .filter((id): id is LabRuleId => id in labRules)
  .sort();

/** Finds Netskope's texts for a rule, by its number in its benchmark. */
export function wordsOf(code: string): LabRule['words'] {
  const rule = Object.values(labRules).find((candidate) => candidate.code === code);
  if (rule === undefined) throw new Error(`the lab has no rule ${code}`);
  return rule.words;
}

/**
 * Creates a plain violation of a rule.
 * @returns the new resource's id in a finding
 */
export function violate(id: LabRuleId, site: Site): Promise<string> {
  const rule: LabRule = labRules[id];
  return rule.violate === undefined ? rule.scenarios[0].make(site) : rule.violate(site);
}

/** Reports whether findings of the rule have no region. */
export function isGlobal(id: LabRuleId): boolean {
  const rule: LabRule = labRules[id];
  return rule.isGlobal === true;
}
