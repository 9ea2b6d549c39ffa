import { InvalidInputError } from '../model/errors.ts';
import { facts as cloudtrailLogFileValidation } from './cloudtrail-log-file-validation/facts.ts';
import type { RuleFacts } from './facts.ts';
import { facts as iamAccessKeyUnrotated } from './iam-access-key-unrotated/facts.ts';
import { facts as networkAclAdminPortsOpen } from './network-acl-admin-ports-open/facts.ts';
import { facts as networkAclDefaultAllowsAll } from './network-acl-default-allows-all/facts.ts';
import { facts as networkAclSubnetAllowsAll } from './network-acl-subnet-allows-all/facts.ts';
import { facts as rdsSnapshotPublic } from './rds-snapshot-public/facts.ts';
import { facts as redshiftClusterPublic } from './redshift-cluster-public/facts.ts';
import { facts as s3BucketPublic } from './s3-bucket-public/facts.ts';
import { facts as securityGroupAdminPortsOpen } from './security-group-admin-ports-open/facts.ts';
import { facts as securityGroupRdpOpen } from './security-group-rdp-open/facts.ts';
import { facts as securityGroupSshOpen } from './security-group-ssh-open/facts.ts';
import { facts as vpcFlowLogsDisabled } from './vpc-flow-logs-disabled/facts.ts';

/**
 * The facts of every built-in rule by id, without code. Each rule has one line here and one in `index.ts`, which loads
 * its code.
 */
export const catalogue = {
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
} satisfies Readonly<Record<string, RuleFacts>>;

export type RuleId = keyof typeof catalogue;

const entries: ReadonlyMap<string, RuleFacts> = new Map(Object.entries(catalogue));

/** The ids of all built-in rules in alphabetical order. */
export const ruleIds: readonly string[] = [...entries.keys()].sort();

/** Returns the rule id for an id or a legacy id (`CIS-1-2-0-4-1`), or undefined if there is no such rule. */
export function findRuleId(idOrLegacyId: string): string | undefined {
  if (entries.has(idOrLegacyId)) return idOrLegacyId;
  for (const [id, { legacyId }] of entries) if (legacyId === idOrLegacyId) return id;
  return undefined;
}

/**
 * Returns the facts of a rule by its id or its legacy id.
 * @throws InvalidInputError if there is no such rule
 */
export function factsOf(idOrLegacyId: string): RuleFacts {
  const facts = entries.get(findRuleId(idOrLegacyId) ?? '');
  if (facts !== undefined) return facts;
  throw new InvalidInputError(`unknown rule ${idOrLegacyId}: expected one of ${ruleIds.join(', ')}`);
}
