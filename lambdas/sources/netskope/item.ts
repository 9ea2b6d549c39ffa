import { z } from 'zod';
import { boundedJson } from '../../model/bounded-json.ts';
import { formatIssues } from '../../model/issues.ts';
import { comparableRuleName } from '../../model/rule-name.ts';
import type { LeftAloneReason, RejectedItem, SourceFinding } from '../source.ts';
import { remediationAtWork, remediationSchema } from './remediation.ts';
import { parseNetskopeTime } from './timestamp.ts';

/** The result of parsing one item of the answer. */
export type ReadItem =
  | { readonly kind: 'finding'; readonly finding: SourceFinding }
  | { readonly kind: 'left_alone'; readonly reason: LeftAloneReason }
  | { readonly kind: 'rejected'; readonly rejected: RejectedItem };

/**
 * Schema of the mute field. Netskope's items contain booleans as strings (`"true"`). The field exists only if the item
 * is or was muted.
 */
const muteSchema = z
  .union([z.boolean(), z.string()])
  .nullish()
  .transform((value, context) => {
    const text = String(value ?? '').toLowerCase();
    if (text === 'true' || text === 'yes') return true;
    if (text === 'false' || text === 'no' || text === '') return false;
    context.addIssue({
      code: 'custom',
      message: `expected "true" or "false", received ${JSON.stringify(value)}`,
    });
    return z.NEVER;
  });

/** Fields that show whether an item matches the query, because the tenant may ignore an unknown filter. */
const filterSchema = z.object({
  cloud_provider: z.string(),
  status: z
    .string()
    .transform((status) => status.toLowerCase())
    .pipe(z.enum(['failed', 'passed'])),
  rule_name: z.string(),
  mute: muteSchema,
});

const MAX_TEXT = 256;
const MAX_LIST = 10;

/**
 * An informational field: truncated, and omitted if it is missing or has another type. No action depends on it, so an
 * invalid value must not lose the finding.
 */
const note = z
  .string()
  .min(1)
  .transform((text) => text.slice(0, MAX_TEXT))
  .optional()
  .catch(undefined);

const notes = z
  .array(z.unknown())
  .transform((list) => list.flatMap((entry) => note.parse(entry) ?? []).slice(0, MAX_LIST))
  .optional()
  .catch(undefined);

const time = z
  .string()
  .transform((text) => parseNetskopeTime(text))
  .optional()
  .catch(undefined);

const standardSchema = z.object({ standard: note, control: note });

const standards = z
  .array(z.unknown())
  .transform((list) =>
    list
      .flatMap((entry) => {
        const { standard, control } = standardSchema.safeParse(entry).data ?? {};
        return standard === undefined || control === undefined ? [] : { standard, control };
      })
      .slice(0, MAX_LIST),
  )
  .optional()
  .catch(undefined);

/** Fields that counts by rule use; the other fields need not be valid. */
const failingSchema = z.object({ account_id: note, severity: note });

/** An item of `GET /api/v1/security_assessment` (Netskope REST API v1, "View Security Assessment Violations"). */
const findingSchema = z.object({
  account_id: z.string().min(1),
  resource_id: z.string().min(1),
  /** A label such as `US East(N. Virginia)`, or `global`. An empty or missing label means no region. */
  region_name: z
    .string()
    .nullish()
    .transform((label) => (label?.trim() === '' ? undefined : (label ?? undefined))),
  account_name: note,
  resource_name: note,
  severity: note,
  failing_since: time,
  last_scan_time: time,
  policies: notes,
  profiles: notes,
  compliance_standards: standards,
  ...remediationSchema.shape,
});

/** Returns the rule, account and severity of an item that fails in AWS; undefined for other items. */
export function readFailing(
  item: unknown,
): { readonly rule: string; readonly account: string; readonly severity: string | undefined } | undefined {
  const filter = filterSchema.safeParse(item).data;
  if (filter === undefined || filter.mute || filter.status === 'passed') return undefined;
  if (filter.cloud_provider.toLowerCase() !== 'aws') return undefined;
  const { account_id: account = '', severity } = failingSchema.parse(item);
  return { rule: filter.rule_name, account, severity };
}

/**
 * Creates the parser of one query's items, which checks that each item matches the query and converts it to a finding.
 * @param ruleNames the rule's names in Netskope, in all spellings
 * @param asOf the point in time of the query
 */
export function itemReader(ruleNames: readonly string[], asOf: Date): (item: unknown) => ReadItem {
  const wanted = new Set(ruleNames.map(comparableRuleName));
  const reject = (item: unknown, error: z.ZodError): ReadItem => ({
    kind: 'rejected',
    rejected: { reason: `malformed item: ${formatIssues(error)}`, item: boundedJson(item) },
  });

  return (item) => {
    const filter = filterSchema.safeParse(item);
    if (!filter.success) return reject(item, filter.error);
    const { cloud_provider, status, rule_name, mute } = filter.data;
    if (cloud_provider.toLowerCase() !== 'aws') return { kind: 'left_alone', reason: 'other_cloud' };
    if (status === 'passed') return { kind: 'left_alone', reason: 'passed' };
    if (!wanted.has(comparableRuleName(rule_name))) return { kind: 'left_alone', reason: 'other_rule' };
    // People mute findings in Netskope that they have accepted, so these are not changed.
    if (mute) return { kind: 'left_alone', reason: 'muted' };

    const parsed = findingSchema.safeParse(item);
    if (!parsed.success) return reject(item, parsed.error);
    const fields = parsed.data;
    return {
      kind: 'finding',
      finding: {
        account: fields.account_id,
        resource: fields.resource_id,
        sourceRuleName: rule_name,
        region: fields.region_name,
        accountName: fields.account_name,
        resourceName: fields.resource_name,
        severity: fields.severity,
        failingSince: fields.failing_since,
        lastScanTime: fields.last_scan_time,
        policies: fields.policies,
        profiles: fields.profiles,
        complianceStandards: fields.compliance_standards,
        remediationAtWork: remediationAtWork(fields, asOf),
      },
    };
  };
}
