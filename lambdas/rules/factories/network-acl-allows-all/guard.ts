import type { NetworkAclEntry } from '../../../changes/network-acl/entry.ts';
import type { Seen, Subnet } from './inspect.ts';
import { type Family, letsAnswersIn, letsAnythingIn } from './traffic.ts';

/** Traffic that subnets of one address family lose besides the open entry. */
export interface Cut {
  readonly family: Family;
  readonly subnets: readonly string[];
  /**
   * - `everything`: no inbound traffic is left.
   * - `answers`: no answers to the subnets' own connections are left.
   * - `answers-from-outside`: answers are left only from the sources that the options name, none of them outside the VPC.
   */
  readonly lost: 'everything' | 'answers' | 'answers-from-outside';
}

function lostOf(
  family: Family,
  before: readonly NetworkAclEntry[],
  after: readonly NetworkAclEntry[],
  { vpcCidrs, sources }: { vpcCidrs: readonly string[]; sources: readonly string[] },
): Cut['lost'] | undefined {
  if (letsAnythingIn(before, family) && !letsAnythingIn(after, family)) return 'everything';
  const outside = { outside: vpcCidrs };
  if (!letsAnswersIn(before, family, outside)) {
    const had = letsAnswersIn(before, family, 'anywhere');
    return had && !letsAnswersIn(after, family, 'anywhere') ? 'answers' : undefined;
  }
  if (letsAnswersIn(after, family, outside)) return undefined;
  return letsAnswersIn(after, family, { within: sources }) ? 'answers-from-outside' : 'answers';
}

/**
 * Finds what the plan takes away from subnets besides the open entries, for each address family that a subnet has.
 * What was not there before is not counted.
 * @param sources the CIDRs that the options put in the open entry's place: answers from there are enough, because
 * someone has named them
 */
export function cutsOf(
  seen: Seen,
  after: readonly NetworkAclEntry[],
  sources: readonly string[],
): readonly Cut[] {
  const families: readonly [Family, (subnet: Subnet) => boolean][] = [
    ['IPv4', ({ ipv4 }) => ipv4],
    ['IPv6', ({ ipv6 }) => ipv6],
  ];
  return families.flatMap(([family, has]) => {
    const subnets = seen.subnets.filter(has).map(({ id }) => id);
    if (subnets.length === 0) return [];
    const lost = lostOf(family, seen.entries, after, { vpcCidrs: seen.vpcCidrs, sources });
    return lost === undefined ? [] : [{ family, subnets, lost }];
  });
}

/** Up to this many subnets are named. */
const MAX_NAMED = 10;

/** The cut as the plan's line and the reason of a refusal name it: a phrase that follows "this". */
export function describeCut({ family, subnets, lost }: Cut): string {
  const more = subnets.length - MAX_NAMED;
  const named = `${subnets.slice(0, MAX_NAMED).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
  switch (lost) {
    case 'everything':
      return `leaves ${subnets.length} subnet(s) with no inbound path at all over ${family} (${named})`;
    case 'answers':
      return `cuts ${subnets.length} subnet(s) off from answers to their own connections over ${family}: nothing outside the VPC reaches TCP ports 49152-60999 any more (${named})`;
    case 'answers-from-outside':
      return `ends answers from outside the VPC to connections of ${subnets.length} subnet(s) over ${family} (${named})`;
  }
}
