import { InvalidInputError } from '../model/errors.ts';
import type { Rule } from './rule.ts';

interface Entry {
  readonly legacyId: string;
  /** Loads the rule's file, so that a function loads only the rules that it meets. */
  load(): Promise<Rule>;
}

/**
 * Every rule by its id, with the id that the older Netskope framework knew it by. A new rule is a new file and a
 * line here.
 */
const entries: ReadonlyMap<string, Entry> = new Map<string, Entry>([
  [
    'cloudtrail-log-file-validation',
    {
      legacyId: 'CIS-1-2-0-2-2',
      load: async () => (await import('./cloudtrail-log-file-validation/rule.ts')).rule,
    },
  ],
  [
    'iam-access-key-unrotated',
    {
      legacyId: 'CIS-1-2-0-1-4',
      load: async () => (await import('./iam-access-key-unrotated/rule.ts')).rule,
    },
  ],
  [
    'network-acl-default-allows-all',
    {
      legacyId: 'BPR-0-6',
      load: async () => (await import('./network-acl-default-allows-all/rule.ts')).rule,
    },
  ],
  [
    'network-acl-subnet-allows-all',
    {
      legacyId: 'BPR-0-1-0',
      load: async () => (await import('./network-acl-subnet-allows-all/rule.ts')).rule,
    },
  ],
  [
    'rds-snapshot-public',
    { legacyId: 'BPR-3-8', load: async () => (await import('./rds-snapshot-public/rule.ts')).rule },
  ],
  [
    'redshift-cluster-public',
    { legacyId: 'BPR-1-9', load: async () => (await import('./redshift-cluster-public/rule.ts')).rule },
  ],
  [
    's3-bucket-public',
    { legacyId: 'BPR-1-0-0', load: async () => (await import('./s3-bucket-public/rule.ts')).rule },
  ],
  [
    'security-group-rdp-open',
    { legacyId: 'CIS-1-2-0-4-2', load: async () => (await import('./security-group-rdp-open/rule.ts')).rule },
  ],
  [
    'security-group-ssh-open',
    { legacyId: 'CIS-1-2-0-4-1', load: async () => (await import('./security-group-ssh-open/rule.ts')).rule },
  ],
  [
    'vpc-flow-logs-disabled',
    { legacyId: 'CIS-1-2-0-2-9', load: async () => (await import('./vpc-flow-logs-disabled/rule.ts')).rule },
  ],
]);

/** The ids of all rules, in the order of the alphabet. */
export const ruleIds: readonly string[] = [...entries.keys()].sort();

/** The rule's id for an id or a legacy id (`CIS-1-2-0-4-1`), or undefined where there is no such rule. */
export function findRuleId(idOrLegacyId: string): string | undefined {
  if (entries.has(idOrLegacyId)) return idOrLegacyId;
  for (const [id, entry] of entries) if (entry.legacyId === idOrLegacyId) return id;
  return undefined;
}

/**
 * Loads a rule by its id or its legacy id.
 * @throws InvalidInputError when there is no such rule
 */
export async function loadRule(idOrLegacyId: string): Promise<Rule> {
  const entry = entries.get(findRuleId(idOrLegacyId) ?? '');
  if (entry === undefined) {
    throw new InvalidInputError(`unknown rule ${idOrLegacyId}: expected one of ${ruleIds.join(', ')}`);
  }
  return entry.load();
}
