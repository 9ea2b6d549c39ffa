import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Change } from '../../../../lambdas/changes/change.ts';
import { applyChange, describeChange, inverseOf } from '../../../../lambdas/changes/index.ts';
import type { NetworkAclEntry } from '../../../../lambdas/changes/network-acl/entry.ts';
import { changeKind as ofNarrow } from '../../../../lambdas/changes/network-acl/entry-narrow.ts';
import type { NetworkAclEntryNarrow } from '../../../../lambdas/changes/network-acl/narrow.ts';
import { rule as ofPorts } from '../../../../lambdas/rules/network-acl-admin-ports-open/rule.ts';
import { rule as ofDefault } from '../../../../lambdas/rules/network-acl-default-allows-all/rule.ts';
import { rule as ofSubnet } from '../../../../lambdas/rules/network-acl-subnet-allows-all/rule.ts';
import { testSession } from '../../../lab/accounts/session.ts';
import { actionsOf, grantedActions } from '../../../lab/scripted-aws/called-actions.ts';
import {
  ACL_ACCOUNT,
  type ScriptedAcl,
  scriptedNetworkAcls,
} from '../../../lab/scripted-aws/network-acls.ts';
import { applied, isWithin, lets, matches, type Packet, stepsOf } from '../../../lab/traffic/network-acls.ts';

const ACL = 'acl-0123456789abcdef0';
const WORLD = ['0.0.0.0/0', '::/0'];
const CIDRS = [
  '10.0.0.0/8',
  '10.1.0.0/16',
  '192.168.0.0/16',
  '203.0.113.7/32',
  '2001:db8::/32',
  '2001:db8:1::/48',
];
const SOURCES = [
  '10.0.0.1',
  '10.1.0.1',
  '192.168.0.1',
  '203.0.113.7',
  '8.8.8.8',
  '2001:db8::1',
  '2001:db8:1::1',
  '2600::1',
];

const PACKETS: Packet[] = SOURCES.flatMap((source) =>
  ['6', '17', '1', '50'].flatMap((protocol) =>
    [22, 100, 443, 40_000].map((port) => ({ source, protocol, port })),
  ),
);

function entry(
  ruleNumber: number,
  action: 'allow' | 'deny',
  cidr: string,
  protocol = '-1',
  ports: NetworkAclEntry['ports'] = null,
): NetworkAclEntry {
  return { ruleNumber, action, protocol, cidr, ports, icmp: null };
}

const isOpen = ({ action, protocol, cidr }: NetworkAclEntry): boolean =>
  action === 'allow' && protocol === '-1' && WORLD.includes(cidr);

const anyTraffic = fc.oneof(
  fc.constant({ protocol: '-1', ports: null }),
  fc.record({
    protocol: fc.constantFrom('6', '17'),
    ports: fc.constantFrom({ from: 22, to: 22 }, { from: 80, to: 443 }, { from: 0, to: 65_535 }),
  }),
);
/** Inbound entries that include one which allows everything. Sometimes numbers are dense, so that few are free. */
const anyEntries = fc
  .uniqueArray(
    fc
      .record({
        ruleNumber: fc.oneof(fc.integer({ min: 1, max: 8 }), fc.integer({ min: 1, max: 32_766 })),
        action: fc.constantFrom<'allow' | 'deny'>('allow', 'deny'),
        cidr: fc.oneof(fc.constantFrom(...WORLD), fc.constantFrom(...CIDRS)),
        traffic: anyTraffic,
      })
      .map(({ ruleNumber, action, cidr, traffic }) =>
        entry(ruleNumber, action, cidr, traffic.protocol, traffic.ports),
      ),
    { selector: ({ ruleNumber }) => ruleNumber, minLength: 1, maxLength: 10 },
  )
  .filter((entries) => entries.some(isOpen))
  .map((entries) => entries.sort((one, other) => one.ruleNumber - other.ruleNumber));
const anyReplacement = fc.uniqueArray(fc.constantFrom(...CIDRS, 'vpc'), { maxLength: 4 });
const VPC_CIDRS = ['172.31.0.0/16', '2001:db8:1::/48'];

function planOf(
  entries: NetworkAclEntry[],
  options: { replacement_cidrs?: string[]; allow_isolation?: boolean } = {},
  subnets: string[] = ['subnet-0123abcd'],
) {
  return ofSubnet.code.plan(
    ACL,
    {
      isDefault: false,
      subnets: subnets.map((id) => ({ id, ipv4: true, ipv6: true })),
      vpcCidrs: VPC_CIDRS,
      entries,
    },
    { replacement_cidrs: [], allow_isolation: false, ...options },
  );
}

function changesOf(...parameters: Parameters<typeof planOf>): readonly Change[] {
  const plan = planOf(...parameters);
  if ('notApplicable' in plan) throw new Error(plan.notApplicable);
  return plan;
}

const sourcesOf = (replacement: readonly string[]): string[] =>
  replacement.flatMap((cidr) => (cidr === 'vpc' ? VPC_CIDRS : [cidr]));

/** Reports whether the entries should let a packet in if each open entry is replaced at its position. */
function shouldLet(
  entries: readonly NetworkAclEntry[],
  replacement: readonly string[],
  packet: Packet,
): boolean {
  for (const entry of entries) {
    if (!matches(entry, packet)) continue;
    if (!isOpen(entry)) return entry.action === 'allow';
    if (sourcesOf(replacement).some((cidr) => isWithin(packet.source, cidr))) return true;
  }
  return false;
}

/** Runs a property for every possible plan. There is no plan only if too few numbers are free. */
function forAnyPlan(
  check: (
    entries: NetworkAclEntry[],
    replacement: string[],
    changes: readonly Change[],
  ) => void | Promise<void>,
) {
  return fc.assert(
    fc.asyncProperty(anyEntries, anyReplacement, async (entries, replacement) => {
      const plan = planOf(entries, { replacement_cidrs: replacement, allow_isolation: true });
      if ('notApplicable' in plan) {
        expect(plan.notApplicable).toContain('too few free rule numbers');
        return;
      }
      await check(entries, replacement, plan);
    }),
    { numRuns: 100 },
  );
}

describe('for any entries,', () => {
  test('the replacement is reachable at the position of the open entry, and the decisions of the others stay the same', async () => {
    await forAnyPlan((entries, replacement, changes) => {
      const after = changes.reduce(applied, entries);

      expect(PACKETS.filter((packet) => lets(after, packet))).toEqual(
        PACKETS.filter((packet) => shouldLet(entries, replacement, packet)),
      );
    });
  });

  test('denied traffic stays denied, and traffic to keep is never cut, after every call', async () => {
    await forAnyPlan((entries, _, changes) => {
      const after = changes.reduce(applied, entries);
      let now = entries;
      for (const step of changes.flatMap(stepsOf)) {
        now = step(now);

        for (const packet of PACKETS) {
          if (!lets(entries, packet))
            expect({ packet, let: lets(now, packet) }).toEqual({ packet, let: false });
          if (lets(after, packet)) expect({ packet, let: lets(now, packet) }).toEqual({ packet, let: true });
        }
      }
    });
  });

  test('no entry that allows everything remains, and a fixed network ACL needs no plan', async () => {
    await forAnyPlan((entries, replacement, changes) => {
      const after = changes.reduce(applied, entries);

      expect(after.filter(isOpen)).toEqual([]);
      expect(planOf(after, { replacement_cidrs: replacement, allow_isolation: true })).toEqual([]);
    });
  });

  test('numbers stay in their range, and all other entries are unchanged', async () => {
    await forAnyPlan((entries, _, changes) => {
      const after = changes.reduce(applied, entries);

      for (const { ruleNumber } of after) {
        expect(ruleNumber).toBeGreaterThanOrEqual(1);
        expect(ruleNumber).toBeLessThanOrEqual(32_766);
      }
      expect(after).toEqual(expect.arrayContaining(entries.filter((entry) => !isOpen(entry))));
    });
  });

  test('the inverses, last first, restore the original entries', async () => {
    await forAnyPlan(async (entries, _, changes) => {
      let now: NetworkAclEntry[] = changes.reduce(applied, entries);

      for (const change of changes.toReversed()) {
        const made = ofNarrow.schema.parse(change).created.map(({ ruleNumber }) => ruleNumber);
        const done: NetworkAclEntryNarrow = { ...ofNarrow.schema.parse(change), made, closed: 'yes' };
        const inverse = await inverseOf(done);
        if (inverse !== undefined) now = applied(now, inverse);
      }

      expect(now.sort((one, other) => one.ruleNumber - other.ruleNumber)).toEqual(entries);
    });
  });

  test('an attempt that is interrupted anywhere is completed by the next', async () => {
    await forAnyPlan((entries, replacement, changes) => {
      const steps = changes.flatMap(stepsOf);
      for (const cutOff of steps.keys()) {
        const half = steps
          .slice(0, cutOff)
          .reduce((now, step) => step(now), entries)
          .sort((one, other) => one.ruleNumber - other.ruleNumber);

        const after = changesOf(half, { replacement_cidrs: replacement, allow_isolation: true }).reduce(
          applied,
          half,
        );

        expect(PACKETS.filter((packet) => lets(after, packet))).toEqual(
          PACKETS.filter((packet) => shouldLet(entries, replacement, packet)),
        );
      }
    });
  });
});

describe('admin ports, for any entries,', () => {
  const packets: Packet[] = SOURCES.flatMap((source) => [
    ...['6', '17'].flatMap((protocol) =>
      [0, 21, 22, 23, 80, 443, 3388, 3389, 3390, 40_000, 65_535].map((port) => ({ source, protocol, port })),
    ),
    { source, protocol: source.includes(':') ? '58' : '1', port: -1 },
    { source, protocol: '50', port: -1 },
  ]);
  const isAdmin = ({ protocol, port }: Packet): boolean =>
    (protocol === '6' && port === 22) || (['6', '17'].includes(protocol) && port === 3389);
  /** The closed ports, independently of the rule's code. */
  const opensAdmin = ({ action, cidr, protocol, ports }: NetworkAclEntry): boolean => {
    if (action !== 'allow' || !WORLD.includes(cidr)) return false;
    if (protocol === '-1') return true;
    const holds = (port: number) => ports !== null && ports.from <= port && port <= ports.to;
    return (protocol === '6' && holds(22)) || (['6', '17'].includes(protocol) && holds(3389));
  };
  const isPing = ({ source, protocol }: Packet) => protocol === (source.includes(':') ? '58' : '1');
  /** Reports whether the list should let a packet in after the ports are closed, no more and no less. */
  function shouldLet(entries: readonly NetworkAclEntry[], replacement: readonly string[], packet: Packet) {
    for (const each of entries) {
      if (!matches(each, packet)) continue;
      if (!opensAdmin(each)) return each.action === 'allow';
      if (sourcesOf(replacement).some((cidr) => isWithin(packet.source, cidr))) return true;
      const stays = each.protocol !== '-1' || ['6', '17'].includes(packet.protocol) || isPing(packet);
      if (stays && !isAdmin(packet)) return true;
    }
    return false;
  }
  const portEntries = fc
    .uniqueArray(
      fc.record({
        ruleNumber: fc.oneof(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 32_766 })),
        action: fc.constantFrom<'allow' | 'deny'>('allow', 'allow', 'deny'),
        cidr: fc.constantFrom(...WORLD, ...CIDRS),
        traffic: fc.oneof(
          fc.constant({ protocol: '-1', ports: null }),
          fc.record({
            protocol: fc.constantFrom('6', '17'),
            ports: fc.constantFrom(
              { from: 22, to: 22 },
              { from: 20, to: 4000 },
              { from: 3389, to: 3389 },
              { from: 80, to: 443 },
              { from: 0, to: 65_535 },
            ),
          }),
        ),
      }),
      { selector: ({ ruleNumber }) => ruleNumber, minLength: 1, maxLength: 8 },
    )
    .map((drawn) =>
      drawn
        .map(({ ruleNumber, action, cidr, traffic: { protocol, ports } }) =>
          entry(ruleNumber, action, cidr, protocol, ports),
        )
        .sort((one, other) => one.ruleNumber - other.ruleNumber),
    );
  const planPorts = (entries: NetworkAclEntry[], replacement_cidrs: string[]) =>
    ofPorts.code.plan(
      ACL,
      {
        isDefault: false,
        subnets: [{ id: 'subnet-0123abcd', ipv4: true, ipv6: true }],
        vpcCidrs: VPC_CIDRS,
        entries,
      },
      { replacement_cidrs, allow_isolation: true },
    );

  test('exactly the ports are closed to the world, no other traffic is cut or opened at any point, and a second plan is empty', () => {
    fc.assert(
      fc.property(portEntries, anyReplacement, (entries, replacement) => {
        const plan = planPorts(entries, replacement);
        if ('notApplicable' in plan) {
          expect(plan.notApplicable).toContain('too few free rule numbers');
          return;
        }
        const after = plan.reduce(applied, entries);

        expect(after.filter(opensAdmin)).toEqual([]);
        expect(packets.filter((packet) => lets(after, packet))).toEqual(
          packets.filter((packet) => shouldLet(entries, replacement, packet)),
        );
        expect(planPorts(after, replacement)).toEqual([]);
        let now = entries;
        for (const step of plan.flatMap(stepsOf)) {
          now = step(now);
          for (const packet of packets) {
            if (!lets(entries, packet)) expect(lets(now, packet)).toBe(false);
            if (lets(after, packet)) expect(lets(now, packet)).toBe(true);
          }
        }
      }),
      { numRuns: 60 },
    );
  });

  test('are planned in lines that name what stays open and what ends', async () => {
    const plan = planPorts(
      [entry(100, 'allow', '0.0.0.0/0'), entry(110, 'allow', '::/0', '6', { from: 20, to: 25 })],
      ['vpc'],
    );
    if ('notApplicable' in plan) throw new Error(plan.notApplicable);

    const lines = await Promise.all(plan.map(describeChange));

    expect(lines).toEqual([
      '~ inbound entry 100 allow all from 0.0.0.0/0 -> 100 allow all from 172.31.0.0/16, 101 allow tcp 0-21 from 0.0.0.0/0, 102 allow tcp 23-3388 from 0.0.0.0/0, 103 allow tcp 3390-65535 from 0.0.0.0/0, 104 allow udp 0-3388 from 0.0.0.0/0, 105 allow udp 3390-65535 from 0.0.0.0/0, 106 allow icmp from 0.0.0.0/0 (acl-0123456789abcdef0): protocols other than tcp, udp, and ICMP are no longer allowed',
      '~ inbound entry 110 allow tcp 20-25 from ::/0 -> 110 allow tcp 20-25 from 2001:db8:1::/48, 111 allow tcp 20-21 from ::/0, 112 allow tcp 23-25 from ::/0 (acl-0123456789abcdef0)',
    ]);
  });
});

/** Removes the cuts, which the tests of the guard cover. */
const withoutCuts = (change: Change): NetworkAclEntryNarrow => ({
  ...ofNarrow.schema.parse(change),
  cuts: null,
});

describe('the lines of a plan', () => {
  const ssh = { from: 22, to: 22 };

  test.each([
    {
      what: 'without a replacement',
      entries: [entry(90, 'allow', '10.0.0.0/8', '6', ssh), entry(100, 'allow', '0.0.0.0/0')],
      options: {},
      expected: ['- inbound entry 100 allow all from 0.0.0.0/0'],
    },
    {
      what: 'over both address families',
      entries: [
        entry(90, 'allow', '10.0.0.0/8'),
        entry(100, 'allow', '0.0.0.0/0'),
        entry(101, 'allow', '::/0'),
      ],
      options: {},
      expected: ['- inbound entry 100 allow all from 0.0.0.0/0', '- inbound entry 101 allow all from ::/0'],
    },
    {
      what: 'with one replacement, in one step',
      entries: [entry(100, 'allow', '0.0.0.0/0')],
      options: { replacement_cidrs: ['10.0.0.0/8'] },
      expected: ['~ inbound entry 100 allow all from 0.0.0.0/0 -> 100 allow all from 10.0.0.0/8'],
    },
    {
      what: "with the VPC's own CIDRs, each family at its position",
      entries: [entry(100, 'allow', '0.0.0.0/0'), entry(200, 'allow', '::/0')],
      options: { replacement_cidrs: ['vpc', '10.0.0.0/8'] },
      expected: [
        '~ inbound entry 100 allow all from 0.0.0.0/0 -> 100 allow all from 10.0.0.0/8, 101 allow all from 172.31.0.0/16',
        '~ inbound entry 200 allow all from ::/0 -> 200 allow all from 2001:db8:1::/48',
      ],
    },
    {
      what: 'between other entries, with numbers before the open entry',
      entries: [
        entry(98, 'deny', '10.1.0.0/16'),
        entry(100, 'allow', '0.0.0.0/0'),
        entry(101, 'deny', '10.0.0.0/8'),
      ],
      options: { replacement_cidrs: ['10.0.0.0/8', '192.168.0.0/16'] },
      expected: [
        '~ inbound entry 100 allow all from 0.0.0.0/0 -> 99 allow all from 10.0.0.0/8, 100 allow all from 192.168.0.0/16',
      ],
    },
    {
      what: 'with an existing replacement',
      entries: [entry(50, 'allow', '10.0.0.0/8'), entry(100, 'allow', '0.0.0.0/0')],
      options: { replacement_cidrs: ['10.0.0.0/8'] },
      expected: ['- inbound entry 100 allow all from 0.0.0.0/0'],
    },
    {
      what: 'with an existing replacement after an entry that denies',
      entries: [
        entry(100, 'allow', '0.0.0.0/0'),
        entry(150, 'deny', '10.1.0.0/16'),
        entry(200, 'allow', '10.0.0.0/8'),
      ],
      options: { replacement_cidrs: ['10.0.0.0/8'] },
      expected: ['~ inbound entry 100 allow all from 0.0.0.0/0 -> 100 allow all from 10.0.0.0/8'],
    },
  ])('$what', async ({ entries, options, expected }) => {
    const changes = changesOf(entries, { allow_isolation: true, ...options });
    const lines = await Promise.all(changes.map((change) => describeChange(withoutCuts(change))));

    expect(lines).toEqual(expected.map((line) => `${line} (${ACL})`));
  });

  test.each([
    { what: 'at the first number', denied: [2], open: 1 },
    { what: 'at the last number', denied: [32_765], open: 32_766 },
    { what: 'between entries that deny', denied: [97, 99], open: 98 },
  ])('too few free numbers $what are a reason that says what to do', ({ denied, open }) => {
    const entries = [open, ...denied]
      .map((number) =>
        number === open ? entry(number, 'allow', '0.0.0.0/0') : entry(number, 'deny', '10.1.0.0/16'),
      )
      .sort((one, other) => one.ruleNumber - other.ruleNumber);

    expect(planOf(entries, { replacement_cidrs: ['10.0.0.0/8', '192.168.0.0/16'] })).toEqual({
      notApplicable: `network ACL ${ACL} has too few free rule numbers around entry ${open} for the 2 entries that replace it: renumber the entries around it, or set fewer replacement_cidrs`,
    });
  });

  test.each([
    { ports: { from: 80, to: 443 }, icmp: null, protocol: '6', text: 'tcp 80-443' },
    { ports: { from: 53, to: 53 }, icmp: null, protocol: '17', text: 'udp 53' },
    { ports: null, icmp: { type: -1, code: -1 }, protocol: '1', text: 'icmp' },
    { ports: null, icmp: { type: 8, code: 0 }, protocol: '1', text: 'icmp type 8 code 0' },
    { ports: null, icmp: null, protocol: '50', text: 'protocol 50' },
  ])('an entry is described as $text', async ({ ports, icmp, protocol, text }) => {
    const change = {
      kind: 'network-acl-entry-restore',
      resource: ACL,
      open: null,
      over: null,
      remove: [{ ...entry(100, 'allow', '10.0.0.0/8', protocol, ports), icmp }],
    };

    await expect(describeChange(change)).resolves.toBe(
      `- inbound entry 100 allow ${text} from 10.0.0.0/8 (${ACL})`,
    );
  });
});

describe('options', () => {
  test.each([
    { given: '10.1.2.3/8', kept: '10.0.0.0/8' },
    { given: '192.168.1.129/25', kept: '192.168.1.128/25' },
    { given: '203.0.113.7/32', kept: '203.0.113.7/32' },
    { given: '2001:DB8:0:0::1/32', kept: '2001:db8::/32' },
    { given: '2001:db8:ffff:ffff::/49', kept: '2001:db8:ffff:8000::/49' },
    { given: '2001:db8::1/128', kept: '2001:db8::1/128' },
    { given: 'vpc', kept: 'vpc' },
  ])('$given is normalized to $kept, as in AWS', ({ given, kept }) => {
    expect(ofDefault.options.parse({ replacement_cidrs: [given] })).toMatchObject({
      replacement_cidrs: [kept],
    });
  });

  test('a normalized network is unchanged by normalization, and contains the given address', () => {
    fc.assert(
      fc.property(fc.ipV4(), fc.integer({ min: 1, max: 32 }), (address, prefix) => {
        const parse = (cidr: string): string =>
          ofDefault.options.parse({ replacement_cidrs: [cidr] }).replacement_cidrs[0] ?? '';

        const kept = parse(`${address}/${prefix}`);

        expect(parse(kept)).toBe(kept);
        expect(isWithin(address, kept)).toBe(true);
      }),
    );
  });

  test.each(['0.0.0.0/0', '::/0', '10.0.0.0', '10.0.0.0/33', '2001:db8::/129', 'everything', '10.0.0/8', ''])(
    'a replacement %j is refused',
    (cidr) => {
      expect(ofDefault.options.safeParse({ replacement_cidrs: [cidr] }).success).toBe(false);
    },
  );
});

const sessionOf = (endpoint: string) =>
  testSession({ endpoint, account: ACL_ACCOUNT, region: 'eu-central-1' });

const open = (): NetworkAclEntry[] => [entry(100, 'allow', '0.0.0.0/0')];

describe('the inspection of a network ACL', () => {
  async function assess(rule: typeof ofDefault, acl: ScriptedAcl) {
    await using aws = await scriptedNetworkAcls({ [ACL]: acl });
    return (await rule.assess(sessionOf(aws.endpoint), [ACL], { allow_isolation: true })).get(ACL);
  }

  test.each([
    {
      what: 'a default one',
      acl: { isDefault: true, subnets: [] },
      byDefault: 'violation',
      bySubnet: 'not_applicable',
    },
    {
      what: 'a default one of a subnet',
      acl: { isDefault: true, subnets: ['subnet-1'] },
      byDefault: 'violation',
      bySubnet: 'violation',
    },
    {
      what: 'one of a subnet',
      acl: { isDefault: false, subnets: ['subnet-1'] },
      byDefault: 'not_applicable',
      bySubnet: 'violation',
    },
    {
      what: 'one that nothing uses',
      acl: { isDefault: false, subnets: [] },
      byDefault: 'not_applicable',
      bySubnet: 'not_applicable',
    },
  ])('$what is judged by the rules that apply to it', async ({ acl, byDefault, bySubnet }) => {
    await expect(assess(ofDefault, { ...acl, entries: open() })).resolves.toMatchObject({ state: byDefault });
    await expect(assess(ofSubnet, { ...acl, entries: open() })).resolves.toMatchObject({ state: bySubnet });
  });

  test.each([
    { what: 'all protocols from everywhere', entry: entry(100, 'allow', '0.0.0.0/0'), state: 'violation' },
    {
      what: 'all protocols from everywhere over IPv6',
      entry: entry(100, 'allow', '::/0'),
      state: 'violation',
    },
    {
      what: 'one protocol from everywhere',
      entry: entry(100, 'allow', '0.0.0.0/0', '6'),
      state: 'compliant',
    },
    { what: 'all protocols from somewhere', entry: entry(100, 'allow', '10.0.0.0/8'), state: 'compliant' },
    { what: 'an entry that denies', entry: entry(100, 'deny', '0.0.0.0/0'), state: 'compliant' },
  ])('$what: $state', async ({ entry, state }) => {
    await expect(assess(ofDefault, { isDefault: true, entries: [entry] })).resolves.toMatchObject({ state });
  });

  test("reads entries, subnets, tags and the CIDRs of the VPC, without AWS's own entries", async () => {
    await expect(
      assess(ofSubnet, { subnets: ['subnet-1'], tags: { team: 'blue' }, entries: open() }),
    ).resolves.toMatchObject({
      seen: {
        isDefault: false,
        subnets: [{ id: 'subnet-1', ipv4: true, ipv6: true }],
        vpcCidrs: ['172.31.0.0/16', '100.64.0.0/16', '2001:db8:1::/56'],
        entries: open(),
      },
      tags: { team: 'blue' },
    });
  });

  test('finds one of a shared VPC not applicable, and a missing one gone', async () => {
    await using aws = await scriptedNetworkAcls({
      [ACL]: { isDefault: true, owner: '999988887777', entries: open() },
    });

    const assessments = await ofDefault.assess(sessionOf(aws.endpoint), [ACL, 'acl-0123abcd'], {});

    expect(assessments.get(ACL)).toEqual({
      state: 'not_applicable',
      reason: `network ACL ${ACL} belongs to account 999988887777, which shares its VPC: only the owner can change it`,
    });
    expect(assessments.get('acl-0123abcd')).toEqual({ state: 'gone' });
  });

  test('reads all of them, on any number of pages', async () => {
    const ids = Array.from({ length: 25 }, (_, n) => `acl-000000${n + 10}`);
    await using aws = await scriptedNetworkAcls(
      Object.fromEntries(ids.map((id) => [id, { isDefault: true, entries: open() }])),
    );

    const assessments = await ofDefault.assess(sessionOf(aws.endpoint), ids, { allow_isolation: true });

    expect([...assessments].map(([id, { state }]) => [id, state])).toEqual(
      ids.map((id) => [id, 'violation']),
    );
    expect(aws.calls.filter(({ form }) => form.get('Action') === 'DescribeVpcs')).toHaveLength(1);
  });
});

describe('the applied plan', () => {
  test('makes the network ACL compliant, and its inverses, last first, restore it', async () => {
    const acl: ScriptedAcl = {
      subnets: ['subnet-1'],
      entries: [
        entry(50, 'deny', '10.1.0.0/16', '6', { from: 22, to: 22 }),
        ...open(),
        entry(200, 'allow', '::/0'),
      ],
    };
    const before = [...acl.entries];
    await using aws = await scriptedNetworkAcls({ [ACL]: acl });
    const session = sessionOf(aws.endpoint);
    const options = { replacement_cidrs: ['10.0.0.0/8', '192.168.0.0/16'], allow_isolation: true };
    const assessment = (await ofSubnet.assess(session, [ACL], options)).get(ACL);
    if (assessment?.state !== 'violation') throw new Error('expected a violation');
    const read = actionsOf(aws.calls);

    const done: Change[] = [];
    for (const change of assessment.plan) done.push(await applyChange(session, change));
    const after = (await ofSubnet.assess(session, [ACL], options)).get(ACL);
    const written = actionsOf(aws.calls);
    const calls = aws.calls.length;
    for (const change of done.toReversed()) {
      const inverse = await inverseOf(change);
      if (inverse !== undefined) await applyChange(session, inverse);
    }

    expect(assessment.plan.map(({ kind }) => kind)).toEqual(Array(2).fill('network-acl-entry-narrow'));
    expect(after).toEqual({ state: 'compliant' });
    expect(acl.entries.sort((one, other) => one.ruleNumber - other.ruleNumber)).toEqual(before);
    for (const { permissions } of [ofDefault, ofSubnet]) {
      expect(grantedActions(permissions.read)).toEqual(read);
      expect(grantedActions(permissions.read, permissions.write)).toEqual(written);
      expect(grantedActions(permissions.undo)).toEqual(actionsOf(aws.calls.slice(calls)));
    }
  });
});
