import type { CustomRule } from '../model/custom-rule.ts';
import { InvalidInputError } from '../model/errors.ts';
import type { RuleId } from './catalogue.ts';
import type { Rule } from './rule.ts';

/** Loaders of the rules' code by id, so that a function loads only the rules that it needs. */
const loaders: Readonly<Record<RuleId, () => Promise<Rule>>> = {
  'cloudtrail-log-file-validation': async () =>
    (await import('./cloudtrail-log-file-validation/rule.ts')).rule,
  'iam-access-key-unrotated': async () => (await import('./iam-access-key-unrotated/rule.ts')).rule,
  'network-acl-admin-ports-open': async () => (await import('./network-acl-admin-ports-open/rule.ts')).rule,
  'network-acl-default-allows-all': async () =>
    (await import('./network-acl-default-allows-all/rule.ts')).rule,
  'network-acl-subnet-allows-all': async () => (await import('./network-acl-subnet-allows-all/rule.ts')).rule,
  'rds-snapshot-public': async () => (await import('./rds-snapshot-public/rule.ts')).rule,
  'redshift-cluster-public': async () => (await import('./redshift-cluster-public/rule.ts')).rule,
  's3-bucket-public': async () => (await import('./s3-bucket-public/rule.ts')).rule,
  'security-group-admin-ports-open': async () =>
    (await import('./security-group-admin-ports-open/rule.ts')).rule,
  'security-group-rdp-open': async () => (await import('./security-group-rdp-open/rule.ts')).rule,
  'security-group-ssh-open': async () => (await import('./security-group-ssh-open/rule.ts')).rule,
  'vpc-flow-logs-disabled': async () => (await import('./vpc-flow-logs-disabled/rule.ts')).rule,
};

const byId: ReadonlyMap<string, () => Promise<Rule>> = new Map(Object.entries(loaders));

/** The ids of all built-in rules in alphabetical order. */
export const ruleIds: readonly string[] = [...byId.keys()].sort();

/**
 * Loads a rule by its id.
 * @param definition the definition of a custom rule
 * @throws InvalidInputError if there is no such rule
 */
export async function loadRule(id: string, definition?: CustomRule): Promise<Rule> {
  const load = byId.get(id);
  if (load !== undefined) return load();
  if (definition !== undefined) return (await import('./custom/index.ts')).customRule(id, definition);
  throw new InvalidInputError(`unknown rule ${id}: expected one of ${ruleIds.join(', ')}`);
}
