import { isWithin } from '../lab/aws-model/cidr.ts';
import type { AclEntry, GroupRule, NetworkAcl, RuleContent } from '../lab/aws-model/state.ts';

/**
 * Reachability as sets of points, each of an address, a protocol and a port. Generated rules begin and end at ports whose
 * neighbours are points too, so that every difference shows. Written from EC2's user guide ("Security group rules",
 * "Network ACL rules"), independently of `lambdas/`.
 */
export type Reach = bigint;

export const PREFIX_LIST = 'pl-0a1b2c3d';
export const REFERENCED_GROUP = '111122223333/sg-0fedcba9';
const SOURCES = [
  '9.9.9.9',
  '198.51.100.7',
  '203.0.113.9',
  '10.1.2.3',
  '172.16.0.9',
  '2001:db8::9',
  '2600::9',
  PREFIX_LIST,
  REFERENCED_GROUP,
];
const PORTS = [
  0, 1, 19, 20, 21, 22, 23, 24, 25, 26, 79, 80, 81, 442, 443, 444, 1023, 1024, 3387, 3388, 3389, 3390, 3391,
  8079, 8080, 8081, 50_000, 65_534, 65_535,
];
interface Traffic {
  readonly protocol: string;
  /** The port; for ICMP, the type. */
  readonly port: number;
}
const TRAFFIC: readonly Traffic[] = [
  ...PORTS.map((port) => ({ protocol: 'tcp', port })),
  ...PORTS.map((port) => ({ protocol: 'udp', port })),
  ...[3, 8].map((port) => ({ protocol: 'icmp', port })),
  ...[128, 129].map((port) => ({ protocol: 'icmpv6', port })),
  { protocol: '50', port: -1 },
];
const WIDTH = BigInt(TRAFFIC.length);

/** ICMP has IPv4 sources, ICMPv6 has IPv6 sources. */
function exists(source: string, { protocol }: Traffic): boolean {
  return !(protocol === 'icmp' && source.includes(':')) && !(protocol === 'icmpv6' && source.includes('.'));
}

/** The points of this traffic from all these sources. */
function points(isSource: (source: string) => boolean, isTraffic: (traffic: Traffic) => boolean): Reach {
  let all = 0n;
  for (const [row, source] of SOURCES.entries()) {
    if (!isSource(source)) continue;
    for (const [column, traffic] of TRAFFIC.entries()) {
      if (exists(source, traffic) && isTraffic(traffic)) all |= 1n << (BigInt(row) * WIDTH + BigInt(column));
    }
  }
  return all;
}

function isFrom(source: string, cidrOrId: string): boolean {
  if (!cidrOrId.includes('.') && !cidrOrId.includes(':')) return source === cidrOrId;
  return !source.includes('-') && isWithin(source, cidrOrId);
}

const known = new Map<string, Reach>();

function cached(key: string, make: () => Reach): Reach {
  let value = known.get(key);
  if (value === undefined) {
    value = make();
    known.set(key, value);
  }
  return value;
}

/** The traffic that one rule of a security group allows. */
export function reachOfRule({ protocol, fromPort, toPort, source }: RuleContent): Reach {
  return cached(`rule ${protocol} ${fromPort} ${toPort} ${source}`, () =>
    points(
      (from) => isFrom(from, source),
      (traffic) => {
        if (protocol === '-1') return true;
        if (protocol !== traffic.protocol) return false;
        if (protocol === 'tcp' || protocol === 'udp')
          return fromPort <= traffic.port && traffic.port <= toPort;
        return fromPort === -1 || fromPort === traffic.port;
      },
    ),
  );
}

/** The traffic that any of a security group's rules allows. */
export function reachOfRules(rules: readonly GroupRule[]): Reach {
  return rules.reduce((all, rule) => all | reachOfRule(rule), 0n);
}

const IANA: Readonly<Record<string, string>> = { '1': 'icmp', '6': 'tcp', '17': 'udp', '58': 'icmpv6' };

/** The traffic that one entry of a network ACL matches. */
export function matchOfEntry({ protocol, cidr, ports, icmp }: AclEntry): Reach {
  return cached(`entry ${protocol} ${cidr} ${ports?.from} ${ports?.to} ${icmp?.type}`, () =>
    points(
      (from) => isFrom(from, cidr),
      (traffic) => {
        if (protocol === '-1') return true;
        if ((IANA[protocol] ?? protocol) !== traffic.protocol) return false;
        if (ports !== null) return ports.from <= traffic.port && traffic.port <= ports.to;
        return icmp === null || icmp.type === -1 || icmp.type === traffic.port;
      },
    ),
  );
}

/** The traffic that a network ACL allows. The first entry that matches, by ascending number, decides. */
export function reachOfAcl(entries: NetworkAcl['entries']): Reach {
  let decided = 0n;
  let allowed = 0n;
  for (const entry of entries) {
    const match = matchOfEntry(entry) & ~decided;
    decided |= match;
    if (entry.action === 'allow') allowed |= match;
  }
  return allowed;
}

/** All points of a port, from public addresses. */
export function pointsOfPort(protocols: readonly string[], port: number): Reach {
  return cached(`port ${protocols} ${port}`, () =>
    points(
      (source) => !source.includes('-'),
      (traffic) => traffic.port === port && protocols.includes(traffic.protocol),
    ),
  );
}

/** All points of protocols without a name, which only a rule for all traffic opens. */
export const OTHER_PROTOCOLS = points(
  () => true,
  ({ protocol }) => protocol === '50',
);

/** All points from these sources. */
export function pointsFrom(cidrs: readonly string[]): Reach {
  return cached(`from ${cidrs}`, () =>
    points(
      (source) => cidrs.some((cidr) => isFrom(source, cidr)),
      () => true,
    ),
  );
}

/** A set as text: its first points. */
export function describeReach(reach: Reach): string {
  const words: string[] = [];
  for (const [index, source] of SOURCES.entries()) {
    const row = TRAFFIC.filter((_, at) => ((reach >> (BigInt(index) * WIDTH + BigInt(at))) & 1n) === 1n);
    if (row.length > 0) {
      const some = row.slice(0, 6).map(({ protocol, port }) => (port < 0 ? protocol : `${protocol} ${port}`));
      words.push(`${some.join(', ')}${row.length > 6 ? ` and ${row.length - 6} more` : ''} from ${source}`);
    }
  }
  return words.join('; ') || 'nothing';
}
