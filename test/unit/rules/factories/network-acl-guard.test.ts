import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { describeChange } from '../../../../lambdas/changes/index.ts';
import type { NetworkAclEntry } from '../../../../lambdas/changes/network-acl/entry.ts';
import { changeKind as narrow } from '../../../../lambdas/changes/network-acl/entry-narrow.ts';
import { rule } from '../../../../lambdas/rules/network-acl-subnet-allows-all/rule.ts';
import { testSession } from '../../../lab/accounts/session.ts';
import { ACL_ACCOUNT, scriptedNetworkAcls } from '../../../lab/scripted-aws/network-acls.ts';
import { applied, doorOf, isWithin, type Packet } from '../../../lab/traffic/network-acls.ts';
import { cases } from '../../support/cases.ts';

const ACL = 'acl-0123456789abcdef0';
const VPC_CIDRS = ['172.31.0.0/16', '2001:db8:1::/48'];

type Kind = Partial<Pick<NetworkAclEntry, 'protocol' | 'ports' | 'icmp'>>;

const entry = (
  ruleNumber: number,
  action: 'allow' | 'deny',
  cidr: string,
  { protocol = '-1', ports = null, icmp = null }: Kind = {},
): NetworkAclEntry => ({ ruleNumber, action, cidr, protocol, ports, icmp });

const tcp = (from: number, to = from): Kind => ({ protocol: '6', ports: { from, to } });
const udp = (from: number, to = from): Kind => ({ protocol: '17', ports: { from, to } });

interface Options {
  readonly families?: 'ipv4' | 'ipv6' | 'both';
  readonly replacement_cidrs?: string[];
  readonly allow_isolation?: boolean;
}

function planOf(entries: NetworkAclEntry[], { families = 'ipv4', ...options }: Options = {}) {
  const subnet = { id: 'subnet-1', ipv4: families !== 'ipv6', ipv6: families !== 'ipv4' };
  return rule.code.plan(
    ACL,
    { isDefault: false, subnets: [subnet], vpcCidrs: VPC_CIDRS, entries },
    { replacement_cidrs: [], allow_isolation: false, ...options },
  );
}

async function linesOf(...parameters: Parameters<typeof planOf>): Promise<readonly string[] | string> {
  const plan = planOf(...parameters);
  return 'notApplicable' in plan ? plan.notApplicable : Promise.all(plan.map(describeChange));
}

const open = entry(100, 'allow', '0.0.0.0/0');
const open6 = entry(101, 'allow', '::/0');
const nothing = (family: string): string =>
  `leaves 1 subnet with no inbound path at all over ${family} (subnet-1)`;
const noAnswers = (family: string): string =>
  `blocks return traffic for connections that 1 subnet opens over ${family}: nothing outside the VPC can reach TCP ports 49152-60999 (subnet-1)`;

describe('a plan is refused, naming the lost traffic, if', () => {
  test.each([
    {
      what: 'the other half of the world is denied in two blocks',
      entries: [
        open,
        entry(150, 'deny', '0.0.0.0/1'),
        entry(160, 'deny', '128.0.0.0/1'),
        entry(200, 'allow', '0.0.0.0/0', tcp(443)),
      ],
      cut: nothing('IPv4'),
    },
    {
      what: 'all traffic is denied in two port ranges',
      entries: [
        open,
        entry(150, 'deny', '0.0.0.0/0', tcp(0, 32_767)),
        entry(160, 'deny', '0.0.0.0/0', tcp(32_768, 65_535)),
        entry(200, 'allow', '0.0.0.0/0', tcp(0, 65_535)),
      ],
      cut: nothing('IPv4'),
    },
    {
      what: 'the rest comes only from multicast addresses',
      entries: [
        open,
        entry(150, 'deny', '0.0.0.0/1'),
        entry(160, 'deny', '128.0.0.0/2'),
        entry(170, 'deny', '192.0.0.0/3'),
        entry(200, 'allow', '0.0.0.0/0', tcp(443)),
      ],
      cut: nothing('IPv4'),
    },
    {
      what: 'the rest belongs to the family that the subnet lacks',
      entries: [open, entry(101, 'allow', '::/0', tcp(443))],
      cut: nothing('IPv4'),
    },
    {
      what: 'an IPv6-only subnet would keep only IPv4',
      entries: [entry(90, 'allow', '0.0.0.0/0', tcp(0, 65_535)), open6],
      families: 'ipv6' as const,
      cut: nothing('IPv6'),
    },
    {
      what: 'a dual-stack subnet would keep only one family',
      entries: [open, entry(101, 'allow', '::/0', tcp(0, 65_535))],
      families: 'both' as const,
      cut: nothing('IPv4'),
    },
    {
      what: 'only port 22 from one host is allowed',
      entries: [entry(90, 'allow', '203.0.113.7/32', tcp(22)), open],
      cut: noAnswers('IPv4'),
    },
    {
      what: 'only a port that is no client port is allowed',
      entries: [entry(90, 'allow', '0.0.0.0/0', tcp(3389)), open],
      cut: noAnswers('IPv4'),
    },
    {
      what: 'only UDP is allowed',
      entries: [entry(90, 'allow', '0.0.0.0/0', udp(1024, 65_535)), open],
      cut: noAnswers('IPv4'),
    },
    {
      what: 'answers have a gap',
      entries: [
        entry(80, 'deny', '0.0.0.0/0', tcp(50_000)),
        entry(85, 'allow', '203.0.113.7/32', tcp(50_000)),
        entry(90, 'allow', '0.0.0.0/0', tcp(1024, 65_535)),
        entry(100, 'allow', '::/0'),
      ],
      families: 'both' as const,
      cut: nothing('IPv6'),
    },
    {
      what: 'answers come only from within the VPC',
      entries: [entry(90, 'allow', '172.31.0.0/16'), open],
      cut: noAnswers('IPv4'),
    },
  ])('$what', async ({ entries, families, cut }) => {
    await expect(linesOf(entries, { families: families ?? 'ipv4' })).resolves.toBe(
      `closing network ACL ${ACL} ${cut}: set replacement_cidrs, or allow_isolation = true`,
    );
  });

  test('several families lose traffic, which are all named', async () => {
    const families = 'both';

    await expect(linesOf([open, open6, entry(102, 'allow', '::/0', tcp(22))], { families })).resolves.toBe(
      `closing network ACL ${ACL} ${nothing('IPv4')}; ${noAnswers('IPv6')}: set replacement_cidrs, or allow_isolation = true`,
    );
  });

  test('many subnets lose traffic, of which the first ten are named', () => {
    const subnets = Array.from({ length: 12 }, (_, n) => ({ id: `subnet-${n}`, ipv4: true, ipv6: false }));

    const plan = rule.code.plan(
      ACL,
      { isDefault: false, subnets, vpcCidrs: VPC_CIDRS, entries: [open] },
      { replacement_cidrs: [], allow_isolation: false },
    );

    expect(plan).toMatchObject({
      notApplicable: expect.stringContaining('12 subnets with no inbound path at all over IPv4 (subnet-0,'),
    });
    expect(plan).toMatchObject({ notApplicable: expect.stringContaining('subnet-9 and 2 more)') });
  });
});

describe('a plan is made if', () => {
  const gone = `- inbound entry 100 allow all from 0.0.0.0/0 (${ACL})`;
  const ends = (ports: string): string =>
    `: this blocks return traffic from outside the VPC to ${ports} for connections that 1 subnet opens over IPv4, where no other entry allows it (subnet-1)`;
  const udpEnds = ends('UDP ports 32768-65535');
  const bothEnd = ends('TCP ports 32768-65535 and UDP ports 32768-65535');

  test.each([
    {
      what: 'answers are still allowed from the world',
      entries: [
        entry(80, 'allow', '0.0.0.0/0', udp(32_768, 65_535)),
        entry(90, 'allow', '0.0.0.0/0', tcp(32_768, 65_535)),
        open,
      ],
      lines: [gone],
    },
    {
      what: 'answers are still allowed from the world over TCP, but not over UDP',
      entries: [entry(90, 'allow', '0.0.0.0/0', tcp(32_768, 65_535)), open],
      lines: [`${gone}${udpEnds}`],
    },
    {
      what: 'answers are still allowed to the common client ports, but not to the other ones of Linux',
      entries: [
        entry(80, 'allow', '0.0.0.0/0', udp(49_152, 65_535)),
        entry(90, 'allow', '0.0.0.0/0', tcp(49_152, 65_535)),
        open,
      ],
      lines: [`${gone}${ends('TCP ports 32768-49151 and UDP ports 32768-49151')}`],
    },
    {
      what: 'answers are still allowed from one proxy, including the client ports of Linux',
      entries: [entry(90, 'allow', '203.0.113.7/32', tcp(32_768, 60_999)), open],
      lines: [`${gone}${bothEnd}`],
    },
    {
      what: 'one external host keeps all its traffic, and the rest of the world loses it',
      entries: [open, entry(200, 'allow', '203.0.113.7/32')],
      lines: [`${gone}${bothEnd}`],
    },
    {
      what: 'half of the world is denied traffic that the other half can still send',
      entries: [open, entry(150, 'deny', '0.0.0.0/1'), entry(200, 'allow', '0.0.0.0/0', tcp(1024, 65_535))],
      lines: [`${gone}${bothEnd}`],
    },
    {
      what: 'one host is denied a port to which the rest of the world can still send',
      entries: [
        open,
        entry(150, 'deny', '203.0.113.7/32', tcp(61_000)),
        entry(200, 'allow', '0.0.0.0/0', tcp(1024, 65_535)),
        entry(210, 'allow', '0.0.0.0/0', udp(1024, 65_535)),
      ],
      lines: [`${gone}${ends('TCP ports 61000-65535')}`],
    },
    {
      what: 'only addresses of the VPC lose answers',
      entries: [
        open,
        entry(150, 'deny', '172.31.0.0/16'),
        entry(200, 'allow', '0.0.0.0/0', tcp(1024, 65_535)),
        entry(210, 'allow', '0.0.0.0/0', udp(1024, 65_535)),
      ],
      lines: [gone],
    },
    {
      what: 'an address family that the subnet lacks is closed',
      entries: [entry(90, 'allow', '0.0.0.0/0', tcp(1024, 65_535)), open6],
      lines: [`- inbound entry 101 allow all from ::/0 (${ACL})`],
    },
    {
      what: 'the open entry is ineffective, because all traffic is denied before it',
      entries: [entry(50, 'deny', '0.0.0.0/0'), open],
      options: { replacement_cidrs: ['10.0.0.0/8'] },
      lines: [gone],
    },
    {
      what: 'the open entry is ineffective, because all traffic is denied before it in two blocks',
      entries: [entry(50, 'deny', '0.0.0.0/1'), entry(60, 'deny', '128.0.0.0/1'), open],
      lines: [gone],
    },
    {
      what: 'the open entry has no effect on answers over TCP, which are denied before it',
      entries: [
        entry(50, 'deny', '0.0.0.0/0', tcp(1024, 65_535)),
        open,
        entry(110, 'allow', '0.0.0.0/0', tcp(22)),
      ],
      lines: [`${gone}${udpEnds}`],
    },
    {
      what: 'the sources in the options keep their access, and other lost traffic is named',
      entries: [open],
      options: { replacement_cidrs: ['vpc'] },
      lines: [
        `~ inbound entry 100 allow all from 0.0.0.0/0 -> 100 allow all from 172.31.0.0/16 (${ACL}): this blocks return traffic from outside the VPC for connections that 1 subnet opens over IPv4 (subnet-1)`,
      ],
    },
    {
      what: 'a source outside the VPC replaces the open entry',
      entries: [open],
      options: { replacement_cidrs: ['10.0.0.0/8'] },
      lines: [
        `~ inbound entry 100 allow all from 0.0.0.0/0 -> 100 allow all from 10.0.0.0/8 (${ACL})${bothEnd}`,
      ],
    },
    {
      what: 'isolation is allowed, which is named with the last entry that prevented it',
      entries: [open, entry(110, 'allow', '0.0.0.0/0')],
      options: { allow_isolation: true },
      lines: [gone, `- inbound entry 110 allow all from 0.0.0.0/0 (${ACL}): this ${nothing('IPv4')}`],
    },
    {
      what: 'an open entry has another notation',
      entries: [
        entry(90, 'allow', '0.0.0.0/0', tcp(1024, 65_535)),
        entry(100, 'allow', '0::/0'),
        entry(110, 'allow', '10.1.2.3/0'),
      ],
      lines: [
        `- inbound entry 100 allow all from ::/0 (${ACL})`,
        `- inbound entry 110 allow all from 0.0.0.0/0 (${ACL})${udpEnds}`,
      ],
    },
    {
      what: 'a replacement exists in another notation',
      entries: [entry(90, 'allow', '2001:DB8:0::1/32'), open6],
      options: { replacement_cidrs: ['2001:db8::/32'] },
      lines: [`- inbound entry 101 allow all from ::/0 (${ACL})`],
    },
  ])('$what', async ({ entries, options = {}, lines }) => {
    await expect(linesOf(entries, options)).resolves.toEqual(lines);
  });
});

test.each([
  { what: 'IPv4-only', families: 'ipv4' as const, state: 'violation', cidr: '::/0' },
  { what: 'dual-stack', families: 'both' as const, state: 'not_applicable', cidr: '::/0' },
  { what: 'IPv6-only', families: 'ipv6' as const, state: 'not_applicable', cidr: '::/0' },
  { what: 'IPv6-only', families: 'ipv6' as const, state: 'violation', cidr: '0.0.0.0/0' },
  { what: 'not yet listed by EC2', families: null, state: 'not_applicable', cidr: '::/0' },
])('a subnet ($what) with an open entry for $cidr: $state', async ({ families, state, cidr }) => {
  const acl = { subnets: ['subnet-1'], entries: [entry(100, 'allow', cidr)] };
  await using aws = await scriptedNetworkAcls({ [ACL]: acl }, { families: { 'subnet-1': families } });
  const session = testSession({ endpoint: aws.endpoint, account: ACL_ACCOUNT, region: 'eu-central-1' });

  const assessments = await rule.assess(session, [ACL], {});

  expect(assessments.get(ACL)).toMatchObject({ state });
});

/**
 * An oracle without cells: it sends single packets. Its packets are the ends, and the values just beyond them, of all
 * blocks, ports, types and codes from which the generator below draws.
 */
const BLOCKS = [
  '0.0.0.0/0',
  '0.0.0.0/1',
  '128.0.0.0/1',
  '172.31.0.0/16',
  '172.31.128.0/17',
  '203.0.113.7/32',
  '::/0',
  '::/1',
  '8000::/1',
  '2001:db8:1::/48',
  '2001:db8:1:8000::/49',
  '2001:db8::/32',
];
const SOURCES = [
  ...['1.0.0.0', '127.255.255.255', '128.0.0.0', '223.255.255.255', '172.30.255.255', '172.31.0.0'],
  ...['172.31.127.255', '172.31.128.0', '172.31.255.255', '172.32.0.0', '203.0.113.6', '203.0.113.7'],
  ...['64:ff9b::1', '7fff::1', '8000::1', '2001:db8:0:ffff::', '2001:db8:1::', '2001:db8:1:7fff::1'],
  ...['2001:db8:1:8000::', '2001:db8:1:ffff::', '2001:db8:2::', '2001:db9::'],
];
const TRAFFIC: Kind[] = [
  {},
  { protocol: '6' },
  { protocol: '17' },
  tcp(22),
  tcp(0, 32_767),
  tcp(32_768, 65_535),
  tcp(1024, 65_535),
  tcp(49_152, 60_999),
  tcp(50_000),
  tcp(49_152, 55_000),
  tcp(55_001, 65_535),
  udp(0, 65_535),
  udp(53),
  { protocol: '1', icmp: { type: -1, code: -1 } },
  { protocol: '1', icmp: { type: 3, code: 4 } },
  { protocol: '50' },
];
const PORTS = [0, 21, 22, 23, 52, 53, 54, 1023, 1024, 32_767, 32_768, 49_151, 49_152, 49_999, 50_000, 50_001];
const ALL_PORTS = [...PORTS, 55_000, 55_001, 60_999, 61_000, 65_535];
const KINDS: Omit<Packet, 'source'>[] = [
  ...['6', '17'].flatMap((protocol) => ALL_PORTS.map((port) => ({ protocol, port }))),
  { protocol: '1', port: 0, icmp: { type: 3, code: 4 } },
  { protocol: '1', port: 0, icmp: { type: 3, code: 1 } },
  { protocol: '1', port: 0, icmp: { type: 8, code: 4 } },
  ...['50', '47'].map((protocol) => ({ protocol, port: 0 })),
];
const ANSWERS = ALL_PORTS.filter((port) => 49_152 <= port && port <= 60_999).map((port) => ({
  protocol: '6',
  port,
}));

const anyEntry = fc
  .record({
    ruleNumber: fc.integer({ min: 1, max: 60 }),
    action: fc.constantFrom<'allow' | 'deny'>('allow', 'deny'),
    cidr: fc.constantFrom(...BLOCKS),
    traffic: fc.constantFrom(...TRAFFIC),
  })
  .map(({ ruleNumber, action, cidr, traffic }) => entry(ruleNumber, action, cidr, traffic));
const anyEntries = fc
  .tuple(
    fc.constantFrom('0.0.0.0/0', '::/0'),
    fc.integer({ min: 1, max: 60 }),
    fc.array(anyEntry, { maxLength: 9 }),
  )
  .map(([cidr, number, others]) => [
    entry(number, 'allow', cidr),
    ...others.filter(
      ({ ruleNumber }, index) =>
        ruleNumber !== number && others.findIndex((other) => other.ruleNumber === ruleNumber) === index,
    ),
  ]);

function oracle(before: NetworkAclEntry[], after: NetworkAclEntry[], ipv6: boolean, named: string[]): string {
  const sources = SOURCES.filter((source) => source.includes(':') === ipv6);
  const anything = (entries: NetworkAclEntry[]): boolean => {
    const door = doorOf(entries);
    return sources.some((source) => KINDS.some(door(source)));
  };
  const answered = (entries: NetworkAclEntry[]): string[] => {
    const door = doorOf(entries);
    return sources.filter((source) => ANSWERS.every(door(source)));
  };
  const inside = (source: string): boolean => VPC_CIDRS.some((cidr) => isWithin(source, cidr));
  if (anything(before) && !anything(after)) return 'with no inbound path';
  const [had, has] = [answered(before), answered(after)];
  if (had.every(inside)) return had.length > 0 && has.length === 0 ? 'nothing outside the VPC' : '';
  const enough = has.some((source) => !inside(source) || named.some((cidr) => isWithin(source, cidr)));
  return enough ? '' : 'nothing outside the VPC';
}

/** The client ports of Linux and Windows, split at the ends of either range. */
const CLIENT_PORTS = [
  ['TCP', 32_768, 49_151],
  ['TCP', 49_152, 60_999],
  ['TCP', 61_000, 65_535],
  ['UDP', 32_768, 49_151],
  ['UDP', 49_152, 60_999],
  ['UDP', 61_000, 65_535],
] as const;

/** Returns the ports to which answers came from some external source before, and no longer do. */
function portsLost(before: NetworkAclEntry[], after: NetworkAclEntry[], ipv6: boolean) {
  const outside = SOURCES.filter(
    (source) => source.includes(':') === ipv6 && !VPC_CIDRS.some((cidr) => isWithin(source, cidr)),
  );
  const [had, has] = [doorOf(before), doorOf(after)];
  return CLIENT_PORTS.filter(([name, from, to]) => {
    const protocol = name === 'TCP' ? '6' : '17';
    const packets = ALL_PORTS.filter((port) => from <= port && port <= to).map((port) => ({
      protocol,
      port,
    }));
    return outside.some((source) => packets.every(had(source)) && !packets.every(has(source)));
  });
}

/** Returns the ports in a plan's line. */
function portsNamed(line: string) {
  const named = [...line.matchAll(/(TCP|UDP) ports (\d+)-(\d+)/g)];
  return CLIENT_PORTS.filter(([name, from, to]) =>
    named.some(
      ([, protocol, first, last]) => protocol === name && Number(first) <= from && to <= Number(last),
    ),
  );
}

const CUT = /with no inbound path|nothing outside the VPC/g;

test('for any list, exactly the traffic that a simulation of single packets finds cut is named or refused', () => {
  fc.assert(
    fc.property(
      anyEntries,
      fc.subarray(['172.31.0.0/16', '203.0.113.7/32', '2001:db8::/32']),
      fc.constantFrom<'ipv4' | 'ipv6' | 'both'>('ipv4', 'ipv6', 'both'),
      (entries, replacement_cidrs, families) => {
        const plan = planOf(entries, { families, replacement_cidrs, allow_isolation: true });
        if ('notApplicable' in plan) {
          expect(plan.notApplicable).toContain('too few free rule numbers');
          return;
        }
        const after = plan.reduce(applied, entries);
        const lost = [
          ...(families === 'ipv6' ? [] : [oracle(entries, after, false, replacement_cidrs)]),
          ...(families === 'ipv4' ? [] : [oracle(entries, after, true, replacement_cidrs)]),
        ].filter((words) => words !== '');

        expect(plan.flatMap((change) => narrow.schema.parse(change).cuts?.match(CUT) ?? []).sort()).toEqual(
          lost.sort(),
        );
        for (const ipv6 of [false, true]) {
          const line = plan
            .map((change) => narrow.schema.parse(change).cuts ?? '')
            .find((cuts) => cuts.includes(`over ${ipv6 ? 'IPv6' : 'IPv4'}`));
          const isJudged = families !== (ipv6 ? 'ipv4' : 'ipv6') && plan.length > 0;
          const isCut = line !== undefined && !line.includes(' ports ');
          if (!isJudged || isCut || line?.match(CUT)) continue;
          expect(portsNamed(line ?? '')).toEqual(portsLost(entries, after, ipv6));
        }
        if (lost.length === 0) return;
        const guarded = planOf(entries, { families, replacement_cidrs });
        expect('notApplicable' in guarded ? guarded.notApplicable.match(CUT)?.sort() : guarded).toEqual(lost);
      },
    ),
    { numRuns: cases(600) },
  );
}, 120_000);
