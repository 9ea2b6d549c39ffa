import { z } from 'zod';
import { timestampSchema } from './finding.ts';
import type { ItemKey } from './table-items.ts';

/** Matches all regions, resources or rules in the key of a hold or a retry. */
export const ALL = '*';

/** The target of a hold. `region`, `resource` and `rule` can be `*` for all. */
export interface HoldName {
  readonly account: string;
  /** The region as in the finding: `global` for a global resource. */
  readonly region: string;
  /** The id of the resource that would be changed. */
  readonly resource: string;
  readonly rule: string;
}

/**
 * Builds the key `hold#<account>#<region>#<resource>` / `<rule>`. The resource id comes last and is not encoded,
 * because people may write these items by hand.
 */
export function holdKey({ account, region, resource, rule }: HoldName): ItemKey {
  return { pk: `hold#${account}#${region}#${resource}`, sk: rule };
}

/** An ARN with a region. */
const REGIONAL_ARN = /^arn:[^:]+:[^:]+:[^:]+:/;

/**
 * Returns the region in the key of a hold on a resource: the region of its findings, or `*` if its id is an ARN with a
 * region, as for a trail, because its findings may come from several regions.
 */
export function regionOfHold({ region, resource }: Pick<HoldName, 'region' | 'resource'>): string {
  return tellsItsRegion(resource) ? ALL : region;
}

/** Reports whether a resource's id is an ARN with a region. */
export function tellsItsRegion(resource: string): boolean {
  return REGIONAL_ARN.test(resource);
}

/**
 * Lists the names of all holds that would apply to a finding, without duplicates: on its account, on its region there,
 * and on its resources, for all rules and for its own rule.
 */
export function namesOfHolds(
  { account, region, rule }: Omit<HoldName, 'resource'>,
  resources: readonly string[],
): HoldName[] {
  return [
    { account, region: ALL, resource: ALL },
    ...[ALL, ...new Set(resources)].flatMap((resource) =>
      [...new Set([region, regionOfHold({ region, resource })])].map((of) => ({
        account,
        region: of,
        resource,
      })),
    ),
  ].flatMap((place) => [ALL, rule].map((each) => ({ ...place, rule: each })));
}

/** The content of a hold, as an operator writes it. */
export const holdItemSchema = z.object({
  version: z.literal(1),
  reason: z.string().trim().min(1),
  /** The person to ask. */
  by: z.string().trim().min(1),
  /** The last day (UTC) of the hold. Default: it lasts until an operator releases it. */
  until: z.iso.date().optional(),
});
export type HoldItem = z.infer<typeof holdItemSchema>;

/** The target of a retry. `region` and `resource` can be `*` for all. */
export type RetryName = Omit<HoldName, 'rule'>;

/** Builds the key `retry#<account>#<region>#<resource>` / `retry`, which is for all rules. */
export function retryKey({ account, region, resource }: RetryName): ItemKey {
  return { pk: `retry#${account}#${region}#${resource}`, sk: 'retry' };
}

/** Lists the names of all retries that would apply to a finding. */
export function namesOfRetries({ account, region, resource }: RetryName): RetryName[] {
  return [
    { account, region: ALL, resource: ALL },
    { account, region, resource: ALL },
    { account, region, resource },
  ];
}

/**
 * The content of a retry, as an operator writes it: matching findings are attempted once, regardless of earlier
 * failures.
 */
export const retryItemSchema = z.object({
  version: z.literal(1),
  /** The retry applies to findings that failed or were remediated before this time. */
  at: timestampSchema,
  by: z.string().trim().min(1),
  reason: z.string().trim().min(1),
});
export type RetryItem = z.infer<typeof retryItemSchema>;

/**
 * Builds the key `resume#<rule>#<account>` / `breaker`, under which an operator permits a rule whose breaker opened to
 * make changes again.
 */
export function resumeKey({ rule, account }: { readonly rule: string; readonly account: string }): ItemKey {
  return { pk: `resume#${rule}#${account}`, sk: 'breaker' };
}

/** The content of a resume, as an operator writes it. */
export const resumeItemSchema = z.object({
  version: z.literal(1),
  /** A breaker that opened before this time is closed. */
  at: timestampSchema,
  by: z.string().trim().min(1),
  reason: z.string().trim().min(1),
});
export type ResumeItem = z.infer<typeof resumeItemSchema>;

/**
 * Builds the key of an entry in the list of holds: `holds` / `<account>#<region>#<resource>#<rule>`. The list exists
 * because DynamoDB can't search partition keys by prefix. The command line writes the entry before the hold, and
 * removes it after the hold. A hold that someone wrote by hand may lack an entry.
 */
export function listedHoldKey({ account, region, resource, rule }: HoldName): ItemKey {
  return { pk: LISTED_HOLDS, sk: `${account}#${region}#${resource}#${rule}` };
}

/** The partition key of the list of holds. */
export const LISTED_HOLDS = 'holds';

/** The content of an entry in the list of holds: the hold's name. Its reason and last day are in the hold itself. */
export const listedHoldSchema = z.object({
  version: z.literal(1),
  account: z.string(),
  region: z.string(),
  resource: z.string(),
  rule: z.string(),
});
