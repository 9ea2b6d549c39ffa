import type { Deployment } from '../../lambdas/model/deployment.ts';
import { ALL, tellsItsRegion } from '../../lambdas/model/operator-items.ts';
import type { FindingItem } from '../../lambdas/model/table-items.ts';
import type { Opened } from '../deployed/index.ts';
import { CliError } from '../errors.ts';
import { findKnown } from './find.ts';
import { lenientSubjectOf } from './subject.ts';

/** The target of an operator's command: a resource, or `*` for a whole region or account. */
export interface ActedPlace {
  readonly account: string;
  /** `*`: all. `global` for a resource without a region. */
  readonly region: string;
  readonly resource: string;
}

/** Values from the command line. */
export interface GivenPlace {
  readonly resource?: string | undefined;
  readonly account?: string | undefined;
  readonly region?: string | undefined;
  readonly rule?: string | undefined;
}

/** A place, and the known findings there if a resource was named. */
export interface FoundPlace {
  readonly place: ActedPlace;
  readonly findings: readonly FindingItem[];
}

/**
 * Resolves the target: a resource by its id or ARN, wherever it has findings; or an account, or one of its regions.
 * @param isHold true for a hold. A resource whose id contains its region, such as a trail, is held in every region that
 *   has findings for it
 * @throws CliError `usage` if the target is ambiguous, `notFound` if nothing is known about a resource
 */
export async function findPlace(
  opened: Opened,
  given: GivenPlace,
  { isHold = false } = {},
): Promise<FoundPlace> {
  const { deployment } = opened;
  if (given.region !== undefined) checkRegion(deployment, given.region);
  if (given.resource === undefined) return { place: wholePlace(given), findings: [] };
  const subject = lenientSubjectOf(given.resource, given, deployment.rules);
  const { resource, account } = subject;
  const region = isHold && tellsItsRegion(resource) ? ALL : subject.region;
  const known = await findKnown(opened, subject);
  const ofRule = known.findings.filter(({ rule }) => given.rule === undefined || rule === given.rule);
  if (account !== undefined && region !== undefined)
    return { place: { account, region, resource }, findings: ofRule };
  const places = new Map(
    [...known.findings, ...known.changed].map((item) => [
      `${item.account} ${item.region}`,
      { account: item.account, region: item.region, resource },
    ]),
  );
  const [place, ...others] = places.values();
  if (place === undefined) {
    throw new CliError(
      'notFound',
      `there are no findings of ${resource}: add --account and --region (global for an IAM user)`,
    );
  }
  if (others.length > 0) {
    throw new CliError(
      'usage',
      `there are findings of ${resource} in several places (${[...places.keys()].join(', ')}): add --account and --region`,
    );
  }
  return { place, findings: ofRule };
}

function wholePlace({ account, region = ALL }: GivenPlace): ActedPlace {
  if (account !== undefined) return { account, region, resource: ALL };
  throw new CliError('usage', 'expected the id or the ARN of a resource, or --account');
}

function checkRegion({ regions, name }: Deployment, region: string): void {
  if (region === 'global' || regions.includes(region)) return;
  throw new CliError(
    'usage',
    `${name} does not protect the region ${region}: expected one of ${regions.join(', ')}, or global`,
  );
}

/** Describes a place. */
export function describePlace({ account, region, resource }: ActedPlace): string {
  const where = region === ALL ? `account ${account}` : `${account} ${region}`;
  return resource === ALL ? `everything in ${where}` : `${resource} in ${where}`;
}
