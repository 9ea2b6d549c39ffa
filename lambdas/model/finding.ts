import { z } from 'zod';

/** An AWS account id: twelve digits. */
export const accountIdSchema = z.string().regex(/^\d{12}$/, 'expected an AWS account id of twelve digits');

/** An AWS region code: `eu-central-1`. */
export const regionSchema = z
  .string()
  .regex(/^[a-z]{2,4}(-[a-z]+)+-\d$/, 'expected an AWS region code such as eu-central-1');

export const ruleIdSchema = z
  .string()
  .regex(/^[a-z0-9]+(-[a-z0-9]+)*$/, 'expected a rule id such as s3-bucket-public');

/** A moment in UTC: `2026-01-31T12:00:00Z`. */
export const timestampSchema = z.iso.datetime();

/**
 * One failed finding, as the collector parsed it from the source: a resource in an account and region that violates a
 * rule.
 */
export const findingSchema = z.object({
  rule: ruleIdSchema,
  account: accountIdSchema,
  accountName: z.string().optional(),
  /** The region's code, or `global` if the finding has no region. */
  region: z.union([z.literal('global'), regionSchema]),
  /** The resource's id, in the form that the rule's `resourceId` schema describes. */
  resource: z.string().min(1).max(2048),
  resourceName: z.string().optional(),
  severity: z.string().optional(),
  failingSince: timestampSchema.optional(),
  lastScanTime: timestampSchema.optional(),
  policies: z.array(z.string()).optional(),
  profiles: z.array(z.string()).optional(),
  complianceStandards: z.array(z.object({ standard: z.string(), control: z.string() })).optional(),
  /** The rule's name in the source, as in the finding. */
  sourceRuleName: z.string().optional(),
});
export type Finding = z.infer<typeof findingSchema>;

/** Builds the key `rule#account#region#resource`, which identifies a finding across polls. */
export function findingKey(finding: Pick<Finding, 'rule' | 'account' | 'region' | 'resource'>): string {
  return [finding.rule, finding.account, finding.region, finding.resource].join('#');
}

/**
 * Returns the region whose remediator processes findings of a region. Findings without a region belong to the home
 * region.
 */
export function remediatorRegion(region: string, homeRegion: string): string {
  return region === 'global' ? homeRegion : region;
}
