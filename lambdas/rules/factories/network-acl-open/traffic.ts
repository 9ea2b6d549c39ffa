import { type AddressRange, isInRange, isIpv6, rangeOf } from '../../../changes/network-acl/cidr.ts';
import { byNumber, type NetworkAclEntry } from '../../../changes/network-acl/entry.ts';

/**
 * An exact model of the traffic that a list of inbound entries lets in. The boundaries of the entries (of address
 * blocks, port ranges, protocols, ICMP types and codes) divide all traffic into cells. All packets in a cell match the
 * same entries, so the first entry that matches one packet of a cell decides for the whole cell.
 */

export type Family = 'IPv4' | 'IPv6';
export const familyOf = (cidr: string): Family => (isIpv6(cidr) ? 'IPv6' : 'IPv4');

/** An entry with its addresses as numbers. */
interface Rule extends NetworkAclEntry {
  readonly range: AddressRange;
}

/** A packet without its source address. `other` stands for any protocol that no entry names. */
interface Kind {
  readonly protocol: string;
  readonly port: number;
  readonly icmp: { readonly type: number; readonly code: number };
}

/**
 * The addresses from which packets may come. Multicast addresses and above, `0.0.0.0/8` and loopback are not sources.
 */
const UNICAST: Readonly<Record<Family, readonly AddressRange[]>> = {
  IPv4: [
    { first: rangeOf('1.0.0.0/8').first, last: rangeOf('126.0.0.0/8').last },
    { first: rangeOf('128.0.0.0/8').first, last: rangeOf('223.0.0.0/8').last },
  ],
  IPv6: [{ first: 2n, last: rangeOf('fe00::/8').last }],
};

/** Ports to which answers to a subnet's own connections return. */
export interface AnswerPorts {
  /** IANA's number: `6` is TCP, `17` UDP. */
  readonly protocol: '6' | '17';
  readonly from: number;
  readonly to: number;
}

/**
 * The TCP ports that both Linux (32768-60999) and Windows (49152-65535) use as client ports.
 * https://docs.aws.amazon.com/vpc/latest/userguide/nacl-ephemeral-ports.html
 */
const ANYONES_ANSWERS: AnswerPorts = { protocol: '6', from: 49_152, to: 60_999 };

/** All client ports of Linux and Windows, in order. Answers to DNS queries return to UDP ports. */
const CLIENT_PORTS: readonly AnswerPorts[] = [
  { protocol: '6', from: 32_768, to: 49_151 },
  ANYONES_ANSWERS,
  { protocol: '6', from: 61_000, to: 65_535 },
  { protocol: '17', from: 32_768, to: 49_151 },
  { protocol: '17', from: 49_152, to: 60_999 },
  { protocol: '17', from: 61_000, to: 65_535 },
];

function rulesOf(entries: readonly NetworkAclEntry[], family: Family): Rule[] {
  return entries
    .filter(({ cidr }) => familyOf(cidr) === family)
    .map((entry) => ({ ...entry, range: rangeOf(entry.cidr) }))
    .sort(byNumber);
}

/** Returns the first address of each cell. */
function addresses(family: Family, ranges: readonly AddressRange[]): bigint[] {
  const starts = [...UNICAST[family], ...ranges].flatMap(({ first, last }) => [first, last + 1n]);
  return [...new Set(starts)].filter((start) => UNICAST[family].some((range) => isInRange(start, range)));
}

/** Returns the first port of each cell within these ends. */
function ports(rules: readonly Rule[], protocol: string, ends = { from: 0, to: 65_535 }): number[] {
  const starts = rules.flatMap((rule) =>
    rule.protocol === protocol && rule.ports !== null ? [rule.ports.from, rule.ports.to + 1] : [],
  );
  return [...new Set([ends.from, ...starts])].filter((port) => ends.from <= port && port <= ends.to);
}

/** Returns the numbers that entries name, and one that they do not name. */
const namedAndOther = (numbers: readonly number[]): number[] => [
  ...new Set([...numbers, Array.from({ length: 256 }, (_, n) => n).find((n) => !numbers.includes(n)) ?? 0]),
];

/** Returns one kind of packet per cell. */
function kinds(rules: readonly Rule[]): Kind[] {
  const protocols = new Set([
    'other',
    ...rules.map(({ protocol }) => protocol).filter((name) => name !== '-1'),
  ]);
  return [...protocols].flatMap((protocol) => {
    const icmp = rules.flatMap((rule) =>
      rule.protocol === protocol && rule.icmp !== null ? [rule.icmp] : [],
    );
    const types = namedAndOther(icmp.map(({ type }) => type).filter((type) => type !== -1));
    const codes = namedAndOther(icmp.map(({ code }) => code).filter((code) => code !== -1));
    return ports(rules, protocol).flatMap((port) =>
      types.flatMap((type) => codes.map((code) => ({ protocol, port, icmp: { type, code } }))),
    );
  });
}

/** Reports whether a rule applies to a packet of this kind, regardless of addresses. */
function speaksOf({ protocol, ports, icmp }: Rule, kind: Kind): boolean {
  if (protocol === '-1') return true;
  if (protocol !== kind.protocol) return false;
  if (ports !== null && (kind.port < ports.from || ports.to < kind.port)) return false;
  if (icmp === null) return true;
  return [-1, kind.icmp.type].includes(icmp.type) && [-1, kind.icmp.code].includes(icmp.code);
}

const at = (rules: readonly Rule[], address: bigint): Rule[] =>
  rules.filter(({ range }) => isInRange(address, range));

/** Reports whether the entries let any traffic in over this family. */
export function letsAnythingIn(entries: readonly NetworkAclEntry[], family: Family): boolean {
  const rules = rulesOf(entries, family);
  return addresses(
    family,
    rules.map(({ range }) => range),
  ).some((address) => {
    const here = at(rules, address);
    return kinds(here).some((kind) => here.find((rule) => speaksOf(rule, kind))?.action === 'allow');
  });
}

/** Reports whether rules let in answers to all of these ports from an address. */
function letsAllAnswersIn(rules: readonly Rule[], address: bigint, answers: AnswerPorts): boolean {
  const here = at(rules, address);
  return ports(here, answers.protocol, answers).every((port) => {
    const kind = { protocol: answers.protocol, port, icmp: { type: 0, code: 0 } };
    return here.find((rule) => speaksOf(rule, kind))?.action === 'allow';
  });
}

const blocksOf = (cidrs: readonly string[], family: Family): AddressRange[] =>
  cidrs.filter((cidr) => familyOf(cidr) === family).map(rangeOf);

/**
 * Reports whether answers to the subnets' own connections, from Linux and Windows, are let in over this family from an
 * address in `within`, or from one that is not in `outside`.
 */
export function letsAnswersIn(
  entries: readonly NetworkAclEntry[],
  family: Family,
  where: { readonly within: readonly string[] } | { readonly outside: readonly string[] } | 'anywhere',
): boolean {
  const rules = rulesOf(entries, family);
  const blocks =
    where === 'anywhere' ? [] : blocksOf('within' in where ? where.within : where.outside, family);
  const counts = (address: bigint): boolean =>
    where === 'anywhere' || blocks.some((block) => isInRange(address, block)) === 'within' in where;
  return addresses(family, [...rules.map(({ range }) => range), ...blocks]).some(
    (address) => counts(address) && letsAllAnswersIn(rules, address, ANYONES_ANSWERS),
  );
}

/**
 * Finds the client ports that lose answers: answers to all ports of a range were let in from some address outside the
 * VPC before, and no longer are after.
 */
export function lostAnswers(
  family: Family,
  before: readonly NetworkAclEntry[],
  after: readonly NetworkAclEntry[],
  vpcCidrs: readonly string[],
): AnswerPorts[] {
  const [had, has] = [rulesOf(before, family), rulesOf(after, family)];
  const vpc = blocksOf(vpcCidrs, family);
  const outside = addresses(family, [...[...had, ...has].map(({ range }) => range), ...vpc]).filter(
    (address) => !vpc.some((block) => isInRange(address, block)),
  );
  return CLIENT_PORTS.filter((answers) =>
    outside.some(
      (address) => letsAllAnswersIn(had, address, answers) && !letsAllAnswersIn(has, address, answers),
    ),
  );
}

/** Reports whether earlier entries decide on all traffic that an entry matches. */
export function isVoid(entries: readonly NetworkAclEntry[], entry: NetworkAclEntry): boolean {
  const family = familyOf(entry.cidr);
  const before = rulesOf(
    entries.filter(({ ruleNumber }) => ruleNumber < entry.ruleNumber),
    family,
  );
  const [rule] = rulesOf([entry], family);
  if (rule === undefined) return true;
  return addresses(family, [rule.range, ...before.map(({ range }) => range)])
    .filter((address) => isInRange(address, rule.range))
    .every((address) => {
      const here = at(before, address);
      return kinds([...here, rule])
        .filter((kind) => speaksOf(rule, kind))
        .every((kind) => here.some((earlier) => speaksOf(earlier, kind)));
    });
}
