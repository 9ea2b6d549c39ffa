import type { NetworkAclEntry } from '../../../changes/network-acl/entry.ts';
import type { Seen, Subnet } from './inspect.ts';
import { type AnswerPorts, type Family, letsAnswersIn, letsAnythingIn, lostAnswers } from './traffic.ts';

/** Traffic that subnets lose over one address family when the open entry is closed. */
export interface Cut {
  readonly family: Family;
  readonly subnets: readonly string[];
  /**
   * - `everything`: no inbound traffic is allowed any longer.
   * - `answers`: no answers to the subnets' own connections are allowed any longer.
   * - `answers-from-outside`: answers are allowed only from the sources in the options, none of which is outside the
   *   VPC.
   * - `some-answers`: answers to `ports` are no longer allowed from some addresses outside the VPC.
   */
  readonly lost: 'everything' | 'answers' | 'answers-from-outside' | 'some-answers';
  /** The ports that lose answers: `TCP ports 32768-49151`. */
  readonly ports: readonly string[];
}

/** Reports whether a cut isolates subnets, so that it is refused unless the options allow it. */
export const isolates = ({ lost }: Cut): boolean => lost === 'everything' || lost === 'answers';

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

const protocols = { '6': 'TCP', '17': 'UDP' } as const;

/** Describes port ranges, joining adjacent ones. */
function formatPorts(ports: readonly AnswerPorts[]): string[] {
  const joined: AnswerPorts[] = [];
  for (const next of ports) {
    const last = joined.at(-1);
    const follows = last?.protocol === next.protocol && last.to + 1 === next.from;
    if (follows) joined.splice(-1, 1, { ...last, to: next.to });
    else joined.push(next);
  }
  return joined.map(({ protocol, from, to }) => `${protocols[protocol]} ports ${from}-${to}`);
}

/**
 * Finds the traffic that a plan takes from subnets, for each address family that a subnet has. Traffic that was not
 * allowed before does not count.
 * @param sources the CIDRs in the options that replace the open entry. Answers from these are sufficient, because
 *   someone chose them explicitly
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
  return families.flatMap(([family, has]): Cut[] => {
    const subnets = seen.subnets.filter(has).map(({ id }) => id);
    if (subnets.length === 0) return [];
    const lost = lostOf(family, seen.entries, after, { vpcCidrs: seen.vpcCidrs, sources });
    if (lost !== undefined) return [{ family, subnets, lost, ports: [] }];
    const ports = formatPorts(lostAnswers(family, seen.entries, after, seen.vpcCidrs));
    return ports.length === 0 ? [] : [{ family, subnets, lost: 'some-answers', ports }];
  });
}

/** Maximum number of subnets that are named. */
const MAX_NAMED = 10;

/** Describes a cut for a plan's line or a refusal's reason, as a phrase after "this" or the network ACL. */
export function describeCut({ family, subnets, lost, ports }: Cut): string {
  const more = subnets.length - MAX_NAMED;
  const named = `${subnets.slice(0, MAX_NAMED).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
  const one = subnets.length === 1;
  const count = one ? '1 subnet' : `${subnets.length} subnets`;
  const opened = `connections that ${count} ${one ? 'opens' : 'open'} over ${family}`;
  switch (lost) {
    case 'everything':
      return `leaves ${count} with no inbound path at all over ${family} (${named})`;
    case 'answers':
      return `blocks return traffic for ${opened}: nothing outside the VPC can reach TCP ports 49152-60999 (${named})`;
    case 'answers-from-outside':
      return `blocks return traffic from outside the VPC for ${opened} (${named})`;
    case 'some-answers':
      return `blocks return traffic from outside the VPC to ${ports.join(' and ')} for ${opened}, where no other entry allows it (${named})`;
  }
}
