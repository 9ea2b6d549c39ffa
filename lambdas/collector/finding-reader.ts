import { accountIdSchema, type Finding, findingSchema, regionSchema } from '../model/finding.ts';
import { formatIssues } from '../model/issues.ts';
import type { UnprocessableKind } from '../model/poll-summary.ts';
import type { RuleFacts } from '../rules/facts.ts';
import type { SourceFinding } from '../sources/source.ts';
import type { RegionLookup } from './regions.ts';

/** The reason why a finding can't become part of a job, and what to do about it. */
export interface Refusal {
  readonly kind: UnprocessableKind;
  readonly reason: string;
  /** The region label if it is unknown, truncated if it is long. */
  readonly label?: string;
  /** The findings of earlier polls that the refused item may refer to. */
  readonly mayBe: MayBe;
}

/** The findings that an unreadable item may refer to: those of its account and resource, if known. */
export type MayBe = 'none' | { readonly account?: string; readonly resource?: string };

/** The result of parsing a finding from the source. */
export type FindingReading =
  | {
      readonly finding: Finding;
      /** The region of the remediator that handles it. */
      readonly region: string;
    }
  | { readonly refusal: Refusal };

export interface FindingReaderOptions {
  readonly rule: Pick<RuleFacts, 'id' | 'scope' | 'regionFrom' | 'resourceId'>;
  readonly homeRegion: string;
  /** The regions that have a queue. */
  readonly regions: readonly string[];
  readonly lookUpRegion: RegionLookup;
}

const MAX_QUOTED = 100;

/** Quotes an external value for a reason. */
function quote(text: string): string {
  return JSON.stringify(text.length > MAX_QUOTED ? `${text.slice(0, MAX_QUOTED)}…` : text);
}

/** Refuses findings of a region that has no queue. */
function notDeployed(region: string): Refusal {
  return {
    kind: 'region_not_deployed',
    // Findings in a region without a queue are never closed.
    mayBe: 'none',
    reason: `region ${region} is not deployed: add it to the central module's "regions" variable and deploy a per-region module there, or exclude the region in the source`,
  };
}

/** Returns the region in an ARN; undefined if the text is not an ARN or has no region. */
function regionInArn(resource: string): string | undefined {
  const [arn, , , region] = resource.split(':');
  return arn === 'arn' ? regionSchema.safeParse(region).data : undefined;
}

/** Creates the parser of one rule's findings, which validates all data from a finding before any of it reaches AWS. */
export function findingReader(options: FindingReaderOptions): (given: SourceFinding) => FindingReading {
  const { rule, homeRegion, lookUpRegion } = options;
  const deployed = new Set(options.regions);

  /** Returns the region whose queue the finding goes to, or the reason why there is none. */
  const regionOf = (name: string | undefined, account: string, resource: string): string | Refusal => {
    if (rule.scope === 'global') return homeRegion;
    const named = name === undefined ? 'global' : lookUpRegion(name);
    // A missing or global label does not matter if the resource's ARN contains the region.
    const region = named === undefined || named === 'global' ? (regionInArn(resource) ?? named) : named;
    if (region === undefined) {
      const label = (name ?? '').slice(0, MAX_QUOTED);
      return {
        kind: 'unknown_region_label',
        reason: `region label ${quote(name ?? '')} is unknown: add it to the "region_labels" variable with its region's code`,
        label,
        mayBe: { account, resource },
      };
    }
    if (region !== 'global') return region;
    if (rule.regionFrom === 'resource') return homeRegion;
    return {
      kind: 'region_missing',
      reason: `the finding's region is ${name === undefined ? 'missing' : quote(name)}: resources of rule ${rule.id} belong to a region, so check the finding in its source`,
      mayBe: { account, resource },
    };
  };

  return (given) => {
    const account = accountIdSchema.safeParse(given.account);
    if (!account.success) {
      const reason = `account ${quote(given.account)}: ${formatIssues(account.error)}`;
      return { refusal: { kind: 'malformed_account', reason, mayBe: {} } };
    }
    const resource = rule.resourceId.safeParse(given.resource);
    if (!resource.success) {
      const reason = `resource ${quote(given.resource)}: ${formatIssues(resource.error)}`;
      return { refusal: { kind: 'malformed_resource', reason, mayBe: { account: account.data } } };
    }
    const region = regionOf(given.region, account.data, resource.data);
    if (typeof region !== 'string') return { refusal: region };
    if (!deployed.has(region)) return { refusal: notDeployed(region) };
    const finding = findingSchema.safeParse({
      ...given,
      rule: rule.id,
      resource: resource.data,
      region: rule.scope === 'global' ? 'global' : region,
    });
    if (!finding.success) {
      const reason = `finding: ${formatIssues(finding.error)}`;
      const mayBe = { account: account.data, resource: resource.data };
      return { refusal: { kind: 'malformed_finding', reason, mayBe } };
    }
    return { finding: finding.data, region };
  };
}
