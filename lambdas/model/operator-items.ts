import { z } from 'zod';
import { timestampSchema } from './finding.ts';
import type { ItemKey } from './table-items.ts';

/** Stands for all accounts' regions, resources or rules in the key of a hold. */
export const ALL = '*';

/** Names the target of a hold. `region`, `resource` and `rule` may be `*`: all of them. */
export interface HoldName {
  readonly account: string;
  /** The region as in the finding: `global` for a resource of no region. */
  readonly region: string;
  /** The id of the resource that would be changed. */
  readonly resource: string;
  readonly rule: string;
}

/** `hold#<account>#<region>#<resource>`, by rule. The id comes last and as it is: people write these items by hand. */
export function holdKey({ account, region, resource, rule }: HoldName): ItemKey {
  return { pk: `hold#${account}#${region}#${resource}`, sk: rule };
}

/** An ARN that names a region. */
const REGIONAL_ARN = /^arn:[^:]+:[^:]+:[^:]+:/;

/**
 * The region in the key of a hold on a resource: the region of its findings, or `*` if its id is an ARN that names a
 * region, such as a trail's, because its findings may come from several regions.
 */
export function regionOfHold({ region, resource }: Pick<HoldName, 'region' | 'resource'>): string {
  return tellsItsRegion(resource) ? ALL : region;
}

/** Reports whether a resource's id is an ARN that names a region. */
export function tellsItsRegion(resource: string): boolean {
  return REGIONAL_ARN.test(resource);
}

/**
 * The names that a hold on a finding may have, each once: on its account, on its region there, and on resources there, for
 * all rules and for its own.
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
  /** The last day (UTC) on which it counts. Without it: until an operator lifts it. */
  until: z.iso.date().optional(),
});
export type HoldItem = z.infer<typeof holdItemSchema>;

/** Names the target of a retry. `region` and `resource` may be `*`: all of them. */
export type RetryName = Omit<HoldName, 'rule'>;

/** `retry#<account>#<region>#<resource>`, for all rules. */
export function retryKey({ account, region, resource }: RetryName): ItemKey {
  return { pk: `retry#${account}#${region}#${resource}`, sk: 'retry' };
}

/** The names that a retry of a finding may have. */
export function namesOfRetries({ account, region, resource }: RetryName): RetryName[] {
  return [
    { account, region: ALL, resource: ALL },
    { account, region, resource: ALL },
    { account, region, resource },
  ];
}

/** The content of a retry, as an operator writes it: findings are checked once, however often they have failed. */
export const retryItemSchema = z.object({
  version: z.literal(1),
  /** Time before which a finding failed, or was remediated, to be looked at. */
  at: timestampSchema,
  by: z.string().trim().min(1),
  reason: z.string().trim().min(1),
});
export type RetryItem = z.infer<typeof retryItemSchema>;

/** `resume#<rule>#<account>`: an operator's word that a rule whose breaker opened may change something again. */
export function resumeKey({ rule, account }: { readonly rule: string; readonly account: string }): ItemKey {
  return { pk: `resume#${rule}#${account}`, sk: 'breaker' };
}

/** The content of a resume, as an operator writes it. */
export const resumeItemSchema = z.object({
  version: z.literal(1),
  /** A breaker that opened before is closed. */
  at: timestampSchema,
  by: z.string().trim().min(1),
  reason: z.string().trim().min(1),
});
export type ResumeItem = z.infer<typeof resumeItemSchema>;

/**
 * The list of holds, which DynamoDB can't search: `holds` / `<account>#<region>#<resource>#<rule>`. The command line writes an
 * entry before it writes the hold, and removes it after it. A hold that somebody wrote by hand may lack one.
 */
export function listedHoldKey({ account, region, resource, rule }: HoldName): ItemKey {
  return { pk: LISTED_HOLDS, sk: `${account}#${region}#${resource}#${rule}` };
}

/** The partition of the list of holds. */
export const LISTED_HOLDS = 'holds';

/** The content of an entry in the list of holds: its name. What it says, and until when, is in the hold itself. */
export const listedHoldSchema = z.object({
  version: z.literal(1),
  account: z.string(),
  region: z.string(),
  resource: z.string(),
  rule: z.string(),
});
