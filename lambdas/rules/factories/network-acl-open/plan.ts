import { canonicalCidr } from '../../../changes/network-acl/cidr.ts';
import {
  byNumber,
  describeEntry,
  type NetworkAclEntry,
  sameEntry,
} from '../../../changes/network-acl/entry.ts';
import type { NetworkAclEntryNarrow } from '../../../changes/network-acl/narrow.ts';
import type { NoFix } from '../../rule.ts';
import type { Options } from './facts.ts';
import { type Cut, cutsOf, describeCut, isolates } from './guard.ts';
import type { Seen } from './inspect.ts';
import type { Opening } from './opening.ts';
import { familyOf, isVoid } from './traffic.ts';

/** Reports whether an existing entry allows this part, at a position with the same effect as the open entry's. */
function standsAlready(
  entries: readonly NetworkAclEntry[],
  open: NetworkAclEntry,
  part: NetworkAclEntry,
): boolean {
  return entries.some(
    (entry) =>
      entry.action === 'allow' &&
      sameEntry({ ...entry, ruleNumber: part.ruleNumber }, part) &&
      !entries.some(
        ({ action, ruleNumber }) =>
          action === 'deny' && open.ruleNumber < ruleNumber && ruleNumber < entry.ruleNumber,
      ),
  );
}

/**
 * Returns free numbers with the same effect as the open entry's: after it, then before it, up to the next deny entries.
 * The relative order of allow entries has no effect.
 */
function freeNumbers(entries: readonly NetworkAclEntry[], open: NetworkAclEntry, count: number): number[] {
  const taken = new Set(entries.map(({ ruleNumber }) => ruleNumber));
  const denying = entries.filter(({ action }) => action === 'deny').map(({ ruleNumber }) => ruleNumber);
  const next = Math.min(32_767, ...denying.filter((number) => number > open.ruleNumber));
  const previous = Math.max(0, ...denying.filter((number) => number < open.ruleNumber));
  const numbers: number[] = [];
  for (let number = open.ruleNumber + 1; number < next && numbers.length < count; number += 1) {
    if (!taken.has(number)) numbers.push(number);
  }
  for (let number = open.ruleNumber - 1; number > previous && numbers.length < count; number -= 1) {
    if (!taken.has(number)) numbers.push(number);
  }
  return numbers;
}

/** Builds the entries that replace an open entry, or returns undefined if too few numbers are free. */
function replacementOf(
  entries: readonly NetworkAclEntry[],
  open: NetworkAclEntry,
  missing: readonly NetworkAclEntry[],
): Pick<NetworkAclEntryNarrow, 'after' | 'created'> | undefined {
  const last = missing.at(-1);
  if (last === undefined) return { after: null, created: [] };
  const others = missing.slice(0, -1);
  const numbers = freeNumbers(entries, open, others.length);
  if (numbers.length < others.length) return undefined;
  return {
    after: last,
    created: others.map((part, index) => ({ ...part, ruleNumber: numbers[index] ?? part.ruleNumber })),
  };
}

/** Adds the cuts of each address family to the last change of that family. */
function withCuts(changes: readonly NetworkAclEntryNarrow[], cuts: readonly Cut[]): NetworkAclEntryNarrow[] {
  return changes.map((change) => {
    const family = familyOf(change.before.cidr);
    const last = changes.findLast(({ before }) => familyOf(before.cidr) === family);
    const cut = change === last ? cuts.find((one) => one.family === family) : undefined;
    if (cut === undefined) return change;
    const words = `this ${describeCut(cut)}`;
    return { ...change, cuts: change.cuts === null ? words : `${change.cuts}; ${words}` };
  });
}

/** Returns the entries that must replace an open entry: the parts that stay open to everyone, and one per source. */
function partsOf(open: NetworkAclEntry, sources: readonly string[], { rest }: Opening): NetworkAclEntry[] {
  const named = sources.filter((cidr) => familyOf(cidr) === familyOf(open.cidr));
  return [...rest(open), ...named.map((cidr) => ({ ...open, cidr }))];
}

/**
 * Plans narrower entries at the position of each open entry, so that the order of the list keeps its effect. The last
 * of them takes the open entry's number in one step, so that traffic is never interrupted, and fewer numbers and
 * entries are needed. If no entry is missing, or earlier entries make the open entry ineffective, it is removed without
 * a replacement.
 */
export function planNetworkAcl(
  resource: string,
  seen: Seen,
  options: Options,
  opening: Opening,
): readonly NetworkAclEntryNarrow[] | NoFix {
  const sources = [
    ...new Set(
      options.replacement_cidrs
        .flatMap((cidr) => (cidr === 'vpc' ? seen.vpcCidrs : [cidr]))
        .map(canonicalCidr),
    ),
  ];
  const subnets = seen.subnets.map(({ id }) => id);
  const changes: NetworkAclEntryNarrow[] = [];
  let entries = [...seen.entries].sort(byNumber);
  for (const open of entries.filter(opening.opens)) {
    const missing = isVoid(entries, open)
      ? []
      : partsOf(open, sources, opening).filter((part) => !standsAlready(entries, open, part));
    const replacement = replacementOf(entries, open, missing);
    if (replacement === undefined) {
      return {
        notApplicable: `network ACL ${resource} has too few free rule numbers around entry ${open.ruleNumber} for the ${missing.length} entries that replace it: renumber the entries around it, or set fewer replacement_cidrs`,
      };
    }
    const { after, created } = replacement;
    changes.push({
      kind: 'network-acl-entry-narrow',
      resource,
      before: open,
      after,
      created,
      seen: entries.map(describeEntry),
      subnets,
      cuts: opening.ends(open) ?? null,
      made: [],
      closed: 'no',
    });
    entries = [
      ...entries.filter((entry) => entry !== open),
      ...created,
      ...(after === null ? [] : [after]),
    ].sort(byNumber);
  }
  const cuts = cutsOf(seen, entries, sources);
  const refused = cuts.filter(isolates);
  if (refused.length > 0 && !options.allow_isolation) {
    return {
      notApplicable: `closing network ACL ${resource} ${refused.map(describeCut).join('; ')}: set replacement_cidrs, or allow_isolation = true`,
    };
  }
  return withCuts(changes, cuts);
}
