import type { ExistingRule } from '../../../changes/security-group/ingress-rule.ts';
import type { ClosedPort } from '../closed-ports.ts';

/** The minimum share of an address family that blocks must contain together to be reported. */
const TELLING_SHARE = 0.5;

/** Reports whether a rule lets its source reach the port. */
export function reaches(rule: ExistingRule, { port, protocols }: ClosedPort): boolean {
  if (rule.protocol === '-1') return true;
  return (
    protocols.some((protocol) => protocol === rule.protocol) && rule.fromPort <= port && port <= rule.toPort
  );
}

/** Reports whether a source is the whole world. Netskope's rule names `0.0.0.0/0`; `::/0` is equally open. */
export function isWorld(source: string): boolean {
  return source.endsWith('/0');
}

/** The addresses from `first` to `end`, excluding `end`. */
interface Range {
  readonly first: bigint;
  readonly end: bigint;
}

/** An address family, and the addresses from which Internet traffic can come. */
interface Family {
  readonly name: string;
  readonly bits: number;
  readonly world: Range;
  readonly number: (address: string) => bigint;
}

const ipv4: Family = {
  name: 'IPv4',
  bits: 32,
  world: { first: 0n, end: 1n << 32n },
  number: (address) => address.split('.').reduce((sum, byte) => sum * 256n + BigInt(byte), 0n),
};

const ipv6: Family = {
  name: 'global IPv6',
  bits: 128,
  // 2000::/3 is all global unicast space: https://www.iana.org/assignments/ipv6-address-space
  world: { first: 1n << 125n, end: 1n << 126n },
  number(address) {
    // The URL standard's notation: no dotted quad, and `::` for the longest run of zeros.
    const [left = '', right] = new URL(`http://[${address}]/`).hostname.slice(1, -1).split('::');
    const groups = (text: string): string[] => text.split(':').filter((group) => group !== '');
    const tail = right === undefined ? [] : groups(right);
    const zeros = Array.from({ length: 8 - groups(left).length - tail.length }, () => '0');
    return [...groups(left), ...zeros, ...tail].reduce(
      (sum, group) => sum * 65_536n + BigInt(`0x${group}`),
      0n,
    );
  },
};

function rangeOf(cidr: string, { bits, number }: Family): Range {
  const [address = '', prefix = ''] = cidr.split('/');
  const size = 1n << BigInt(bits - Number(prefix));
  const first = (number(address) / size) * size;
  return { first, end: first + size };
}

/** Returns the larger number. `Math.max` does not support bigint. */
function larger(a: bigint, b: bigint): bigint {
  if (a > b) return a;
  return b;
}

/** Returns the share of the world's addresses that these blocks contain together, from 0 to 1. */
function shareOf(cidrs: readonly string[], family: Family): number {
  const { world } = family;
  const ranges = cidrs
    .map((cidr) => rangeOf(cidr, family))
    .sort((a, b) => (a.first < b.first ? -1 : a.first > b.first ? 1 : 0));
  let held = 0n;
  let reached = world.first;
  for (const { first, end } of ranges) {
    const to = -larger(-end, -world.end);
    const from = larger(first, reached);
    if (to <= from) continue;
    held += to - from;
    reached = to;
  }
  return Number((held * 1_000_000n) / (world.end - world.first)) / 1_000_000;
}

const isCidr = (source: string): boolean => source.includes('/') && !source.includes('sg-');

/**
 * Describes sources that can reach the port and that the rule does not check: prefix lists, whose entries are
 * maintained elsewhere, and blocks that together contain most of the world's addresses.
 */
export function notesOnUnjudged(rules: readonly ExistingRule[], closed: ClosedPort): string[] {
  const reaching = rules.filter((rule) => reaches(rule, closed) && !isWorld(rule.source));
  const lists = [
    ...new Set(reaching.map(({ source }) => source).filter((source) => source.startsWith('pl-'))),
  ];
  const notes = lists.map(
    (list) => `prefix list ${list} opens port ${closed.port} to its entries, which this rule does not check`,
  );
  for (const family of [ipv4, ipv6]) {
    const blocks = reaching
      .map(({ source }) => source)
      .filter((source) => isCidr(source) && source.includes(':') === (family === ipv6));
    const cidrs = [...new Set(blocks)];
    const share = shareOf(cidrs, family);
    if (share < TELLING_SHARE) continue;
    const named =
      cidrs.length > 4 ? `${cidrs.slice(0, 4).join(', ')} and ${cidrs.length - 4} more` : cidrs.join(', ');
    const much = share === 1 ? 'all' : `${Math.floor(share * 100)}% of all`;
    notes.push(
      `${named} together open port ${closed.port} to ${much} ${family.name} addresses, which this rule does not check`,
    );
  }
  return notes;
}
