import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Change } from '../../../lambdas/changes/change.ts';
import { applyChange, describeChange, inverseOf } from '../../../lambdas/changes/index.ts';
import { type ExistingRule, ruleKey } from '../../../lambdas/changes/security-group/ingress-rule.ts';
import { changeKind as authorize } from '../../../lambdas/changes/security-group/rules-authorize.ts';
import { rule as rdp } from '../../../lambdas/rules/security-group-rdp-open/rule.ts';
import { rule as ssh } from '../../../lambdas/rules/security-group-ssh-open/rule.ts';
import { actionsOf, grantedActions } from '../../lab/called-actions.ts';
import { scriptedAws } from '../../lab/scripted-aws.ts';
import { answerForSecurityGroups, type ScriptedGroup } from '../../lab/scripted-security-groups.ts';
import { lets, SecurityGroupModel, type Traffic } from '../../lab/security-group-model.ts';
import { testSession } from '../../lab/session.ts';

type AllTraffic = 'split' | 'revoke';

const GROUP = 'sg-0123456789abcdef0';
const WORLD = ['0.0.0.0/0', '::/0'];
const SOURCES = [...WORLD, '10.0.0.0/8', '203.0.113.7/32', '2001:db8::/32', 'pl-0a1b2c3d', '/sg-0aaaaaaa'];
const PORTS = [0, 1, 20, 21, 22, 23, 443, 3388, 3389, 3390, 65_534, 65_535];

/** What each rule must close. Written out here, so that it is not what the rule itself thinks. */
const closes: ReadonlyMap<typeof ssh, (traffic: Traffic) => boolean> = new Map([
  [ssh, ({ protocol, port }) => protocol === 'tcp' && port === 22],
  [rdp, ({ protocol, port }) => (protocol === 'tcp' || protocol === 'udp') && port === 3389],
]);

const port = fc.oneof(fc.constantFrom(...PORTS), fc.integer({ min: 0, max: 65_535 }));
const traffic = fc.oneof(
  fc
    .tuple(fc.constantFrom('tcp', 'udp'), port, port)
    .map(([protocol, a, b]) => ({ protocol, fromPort: Math.min(a, b), toPort: Math.max(a, b) })),
  fc
    .tuple(fc.constantFrom('icmp', 'icmpv6'), fc.constantFrom(-1, 0, 8))
    .map(([protocol, type]) => ({ protocol, fromPort: type, toPort: -1 })),
  fc.constantFrom('-1', '47', '50').map((protocol) => ({ protocol, fromPort: -1, toPort: -1 })),
);
const labels = fc.record({
  description: fc.constantFrom('', 'web', 'load balancer'),
  tags: fc.constantFrom({}, { team: 'blue' }, { team: 'red', cost: '12' }),
});
/** Any inbound rules that a group can hold: AWS lets no two have the same protocol, ports and source. */
const anyRules = fc
  .uniqueArray(
    fc
      .tuple(traffic, fc.oneof(fc.constantFrom(...WORLD), fc.constantFrom(...SOURCES)), labels)
      .map(([ports, source, label]) => ({ ...ports, source, ...label, id: '' })),
    { selector: ruleKey, maxLength: 12 },
  )
  .map((rules) =>
    rules.map((rule, index) => ({ ...rule, id: `sgr-${(index + 1).toString(16).padStart(17, '0')}` })),
  );
const anyOption = fc.constantFrom<AllTraffic>('split', 'revoke');
const anyRule = fc.constantFrom(ssh, rdp);

function plan(rule: typeof ssh, group: SecurityGroupModel, all_traffic: AllTraffic): readonly Change[] {
  const changes = rule.code.plan(GROUP, { name: 'web', vpc: 'vpc-1', rules: group.rules }, { all_traffic });
  if ('notApplicable' in changes) throw new Error('expected changes');
  return changes;
}

/** All traffic at whose borders rules can differ. */
function probes(rules: readonly ExistingRule[]): Traffic[] {
  const ports = new Set(PORTS);
  for (const { fromPort, toPort } of rules) {
    for (const near of [fromPort - 1, fromPort, toPort, toPort + 1]) {
      if (near >= 0 && near <= 65_535) ports.add(near);
    }
  }
  return SOURCES.flatMap((source) => [
    ...['tcp', 'udp'].flatMap((protocol) => [...ports].map((port) => ({ source, protocol, port }))),
    ...['icmp', 'icmpv6'].flatMap((protocol) => [0, 3, 8].map((port) => ({ source, protocol, port }))),
    ...['47', '50', '51'].map((protocol) => ({ source, protocol, port: -1 })),
  ]);
}

/** What a group with these rules may let in once it is cured of `cures`: no more, and no less. */
function shouldLet(
  rules: readonly ExistingRule[],
  probe: Traffic,
  cures: readonly (typeof ssh)[],
  option: AllTraffic,
): boolean {
  const world = WORLD.includes(probe.source);
  if (world && cures.some((rule) => closes.get(rule)?.(probe))) return false;
  const ping = probe.source.includes(':') ? 'icmpv6' : 'icmp';
  const kept = option === 'split' ? ['tcp', 'udp', ping] : [];
  return rules.some(
    (rule) => lets(rule, probe) && !(world && rule.protocol === '-1' && !kept.includes(probe.protocol)),
  );
}

function expectCured(
  group: SecurityGroupModel,
  before: readonly ExistingRule[],
  cures: readonly (typeof ssh)[],
  option: AllTraffic,
): void {
  for (const probe of probes([...before, ...group.rules])) {
    expect({ ...probe, let: group.lets(probe) }).toEqual({
      ...probe,
      let: shouldLet(before, probe, cures, option),
    });
  }
}

describe('for any rules of a group', () => {
  test('the plan closes the port to the world, and nothing else changes', () => {
    fc.assert(
      fc.property(anyRule, anyRules, anyOption, (rule, rules, option) => {
        const group = new SecurityGroupModel(rules);

        for (const change of plan(rule, group, option)) group.apply(change);

        expectCured(group, rules, [rule], option);
      }),
    );
  });

  test('a cured group needs no plan', () => {
    fc.assert(
      fc.property(anyRule, anyRules, anyOption, (rule, rules, option) => {
        const group = new SecurityGroupModel(rules);
        for (const change of plan(rule, group, option)) group.apply(change);

        expect(plan(rule, group, option)).toEqual([]);
      }),
    );
  });

  test('the inverses of what was applied, last first, give the first rules back', async () => {
    await fc.assert(
      fc.asyncProperty(anyRule, anyRules, anyOption, async (rule, rules, option) => {
        const group = new SecurityGroupModel(rules);
        const before = group.content;
        const applied = plan(rule, group, option).map((change) => group.apply(change));

        for (const change of applied.toReversed()) {
          const inverse = await inverseOf(change);
          if (inverse !== undefined) group.apply(inverse);
        }

        expect(group.content).toEqual(before);
      }),
    );
  });

  test('a try that is cut off anywhere is finished by the next, and nothing legitimate is cut in between', () => {
    fc.assert(
      fc.property(anyRule, anyRules, anyOption, fc.nat(12), (rule, rules, option, cutOff) => {
        const group = new SecurityGroupModel(rules);
        const expectNothingCut = (): void => {
          for (const probe of probes(rules)) {
            if (shouldLet(rules, probe, [rule], option)) {
              expect({ ...probe, let: group.lets(probe) }).toEqual({ ...probe, let: true });
            }
          }
        };

        for (const change of plan(rule, group, option).slice(0, cutOff)) {
          group.apply(change);
          expectNothingCut();
        }
        for (const change of plan(rule, group, option)) {
          group.apply(change);
          expectNothingCut();
        }

        expectCured(group, rules, [rule], option);
      }),
    );
  });

  test('a group that both rules name ends cured of both, whatever the order', () => {
    fc.assert(
      fc.property(fc.boolean(), anyRules, anyOption, (sshFirst, rules, option) => {
        const group = new SecurityGroupModel(rules);
        const order = sshFirst ? [ssh, rdp] : [rdp, ssh];

        for (const rule of order) for (const change of plan(rule, group, option)) group.apply(change);

        expectCured(group, rules, order, option);
        expect(order.flatMap((rule) => plan(rule, group, option))).toEqual([]);
      }),
    );
  });

  test('everything is added by the first change, so that a group without room for it is left as it was', () => {
    fc.assert(
      fc.property(anyRule, anyRules, anyOption, (rule, rules, option) => {
        const kinds = plan(rule, new SecurityGroupModel(rules), option).map((change) => change.kind);

        expect(kinds.slice(1)).not.toContain('security-group-rules-authorize');
      }),
    );
  });

  test('no rule is added twice, or where it stands already', () => {
    fc.assert(
      fc.property(anyRule, anyRules, anyOption, (rule, rules, option) => {
        const added = plan(rule, new SecurityGroupModel(rules), option)
          .filter((change) => change.kind === 'security-group-rules-authorize')
          .flatMap((change) => authorize.schema.parse(change).rules);

        const keys = [...rules, ...added].map(ruleKey);

        expect(keys).toEqual([...new Set(keys)]);
      }),
    );
  });
});

describe('the plan, as a person reads it', () => {
  let count = 0;
  function standing(text: string, description = ''): ExistingRule {
    const [, protocol = '', from = '-1', to = from, source = ''] =
      /^(\S+)(?: (-?\d+)(?:-(\d+))?)? from (\S+)$/.exec(text) ?? [];
    count += 1;
    return {
      id: `sgr-${count.toString(16).padStart(17, '0')}`,
      protocol,
      fromPort: Number(from),
      toPort: Number(to),
      source,
      description,
      tags: {},
    };
  }
  async function lines(
    rule: typeof ssh,
    rules: readonly ExistingRule[],
    option: AllTraffic = 'split',
  ): Promise<string[]> {
    const changes = await Promise.all(plan(rule, new SecurityGroupModel(rules), option).map(describeChange));
    return changes.map((line) => line.replaceAll(/sgr-0*/g, 'sgr-'));
  }

  test.each([
    {
      what: 'exactly the port',
      rules: ['tcp 22 from 0.0.0.0/0'],
      expected: ['- ingress tcp 22 from 0.0.0.0/0 "it" (sgr-1)'],
    },
    {
      what: 'a wider range',
      rules: ['tcp 20-443 from 0.0.0.0/0'],
      expected: [
        '+ ingress tcp 20-21, tcp 23-443 from 0.0.0.0/0 "it"',
        '- ingress tcp 20-443 from 0.0.0.0/0 "it" (sgr-1)',
      ],
    },
    {
      what: 'a range that begins with the port',
      rules: ['tcp 22-23 from ::/0'],
      expected: ['+ ingress tcp 23 from ::/0 "it"', '- ingress tcp 22-23 from ::/0 "it" (sgr-1)'],
    },
    {
      what: 'a range that ends with the port',
      rules: ['tcp 0-22 from 0.0.0.0/0'],
      expected: ['+ ingress tcp 0-21 from 0.0.0.0/0 "it"', '- ingress tcp 0-22 from 0.0.0.0/0 "it" (sgr-1)'],
    },
    {
      what: 'both address families, legitimate sources and other ports beside them',
      rules: [
        'tcp 22 from 0.0.0.0/0',
        'tcp 22 from ::/0',
        'tcp 22 from 203.0.113.7/32',
        'tcp 443 from 0.0.0.0/0',
        'udp 22 from 0.0.0.0/0',
      ],
      expected: ['- ingress tcp 22 from 0.0.0.0/0 "it" (sgr-1)', '- ingress tcp 22 from ::/0 "it" (sgr-2)'],
    },
    {
      what: 'pieces that stand there already',
      rules: ['tcp 20-443 from 0.0.0.0/0', 'tcp 23-443 from 0.0.0.0/0', 'tcp 20-21 from 10.0.0.0/8'],
      expected: [
        '+ ingress tcp 20-21 from 0.0.0.0/0 "it"',
        '- ingress tcp 20-443 from 0.0.0.0/0 "it" (sgr-1)',
      ],
    },
    {
      what: 'all traffic',
      rules: ['-1 from 0.0.0.0/0'],
      expected: [
        '+ ingress tcp 0-21, tcp 23-65535, udp 0-65535, icmp from 0.0.0.0/0 "it"',
        '- ingress all traffic from 0.0.0.0/0 "it" (sgr-1): protocols other than tcp, udp and ICMP end with it',
      ],
    },
    {
      what: 'all traffic, over IPv6',
      rules: ['-1 from ::/0'],
      expected: [
        '+ ingress tcp 0-21, tcp 23-65535, udp 0-65535, icmpv6 from ::/0 "it"',
        '- ingress all traffic from ::/0 "it" (sgr-1): protocols other than tcp, udp and ICMP end with it',
      ],
    },
    {
      what: 'all traffic, to be revoked',
      option: 'revoke' as const,
      rules: ['-1 from 0.0.0.0/0', '-1 from 10.0.0.0/8'],
      expected: ['- ingress all traffic from 0.0.0.0/0 "it" (sgr-1): all that it opened ends with it'],
    },
  ])('$what', async ({ rules, option, expected }) => {
    count = 0;
    const stands = rules.map((text) => standing(text, 'it'));

    const plan = await lines(ssh, stands, option);

    expect(plan).toEqual(expected);
  });

  test('RDP is closed for tcp and udp', async () => {
    count = 0;
    const stands = ['tcp 3389 from 0.0.0.0/0', 'udp 3388-3389 from 0.0.0.0/0'].map((text) => standing(text));

    const plan = await lines(rdp, stands);

    expect(plan).toEqual([
      '+ ingress udp 3388 from 0.0.0.0/0',
      '- ingress tcp 3389 from 0.0.0.0/0 (sgr-1)',
      '- ingress udp 3388-3389 from 0.0.0.0/0 (sgr-2)',
    ]);
  });

  test('pieces carry description and tags of the wide rule, but for the tags that AWS keeps for itself', () => {
    count = 0;
    const tags = { team: 'blue', 'aws:cloudformation:stack-name': 'web' };
    const wide = { ...standing('tcp 22-23 from 0.0.0.0/0', 'web'), tags };

    const [first] = plan(ssh, new SecurityGroupModel([wide]), 'split');

    expect(first).toMatchObject({
      rules: [{ fromPort: 23, toPort: 23, description: 'web', tags: { team: 'blue' } }],
    });
    expect(authorize.schema.parse(first).rules[0]?.tags).toEqual({ team: 'blue' });
  });

  test('options that are unknown or misspelt are refused', () => {
    expect(ssh.options.safeParse({ all_traffic: 'close' }).success).toBe(false);
    expect(ssh.options.safeParse({ all_trafic: 'split' }).success).toBe(false);
    expect(ssh.options.parse({})).toEqual({ all_traffic: 'split' });
  });
});

describe('what is seen of groups', () => {
  const open: ExistingRule = {
    id: 'sgr-01',
    protocol: 'tcp',
    fromPort: 22,
    toPort: 22,
    source: '0.0.0.0/0',
    description: 'it',
    tags: { team: 'blue' },
  };
  const sessionOf = (endpoint: string) =>
    testSession({ endpoint, account: '111122223333', region: 'eu-central-1' });

  test('one that opens the port violates the rule, and shows its tags and all its inbound rules', async () => {
    const office = { ...open, id: 'sgr-02', source: '203.0.113.7/32', description: '', tags: {} };
    await using aws = await scriptedAws(
      answerForSecurityGroups({ [GROUP]: { rules: [open, office], tags: { stage: 'live' } } }),
    );

    const assessments = await ssh.assess(sessionOf(aws.endpoint), [GROUP], {});

    expect(assessments.get(GROUP)).toMatchObject({
      state: 'violation',
      seen: { name: 'web', vpc: 'vpc-0123abcd', rules: [open, office] },
      tags: { stage: 'live' },
    });
  });

  test('one without such a rule, or without any, is compliant; one that is not there is gone', async () => {
    await using aws = await scriptedAws(
      answerForSecurityGroups({
        'sg-00000001': { rules: [{ ...open, fromPort: 443, toPort: 443 }] },
        'sg-00000002': { rules: [] },
      }),
    );

    const assessments = await ssh.assess(
      sessionOf(aws.endpoint),
      ['sg-00000001', 'sg-00000002', 'sg-00000003'],
      {},
    );

    expect([...assessments.values()].map(({ state }) => state)).toEqual(['compliant', 'compliant', 'gone']);
  });

  test('one that another account shares is not ours', async () => {
    await using aws = await scriptedAws(
      answerForSecurityGroups({ [GROUP]: { owner: '999988887777', rules: [open] } }),
    );

    const assessments = await ssh.assess(sessionOf(aws.endpoint), [GROUP], {});

    expect(assessments.get(GROUP)).toEqual({
      state: 'not_applicable',
      reason:
        'the group belongs to account 999988887777, which shares it with 111122223333: only its owner can change it',
    });
  });

  test('25 take two calls; all pages are read', async () => {
    const ids = Array.from({ length: 25 }, (_, n) => `sg-000000${n + 10}`);
    const groups: Record<string, ScriptedGroup> = Object.fromEntries(
      ids.map((id) => [id, { rules: [open] }]),
    );
    await using aws = await scriptedAws(answerForSecurityGroups(groups));
    await using paged = await scriptedAws(answerForSecurityGroups(groups, 7));

    const assessments = await ssh.assess(sessionOf(aws.endpoint), ids, {});
    const assessmentsOfPages = await ssh.assess(sessionOf(paged.endpoint), ids, {});

    expect(aws.calls).toHaveLength(2);
    expect([...assessments.values()].map(({ state }) => state)).toEqual(ids.map(() => 'violation'));
    expect(assessmentsOfPages).toEqual(assessments);
  });

  test.each([
    { what: 'tcp without ports', rule: { ...open, fromPort: -1, toPort: -1 } },
    { what: 'tcp by its number', rule: { ...open, protocol: '6' } },
  ])('$what is read as EC2 means it', async ({ rule }) => {
    await using aws = await scriptedAws(answerForSecurityGroups({ [GROUP]: { rules: [rule] } }));

    const assessments = await ssh.assess(sessionOf(aws.endpoint), [GROUP], {});

    expect(assessments.get(GROUP)).toMatchObject({ state: 'violation' });
  });

  test('a group that is cured is compliant when it is read back; both rules call what they declare', async () => {
    const group: ScriptedGroup = { rules: [{ ...open, fromPort: 20, toPort: 443 }] };
    await using aws = await scriptedAws(answerForSecurityGroups({ [GROUP]: group }));
    const session = sessionOf(aws.endpoint);
    const assessment = (await ssh.assess(session, [GROUP], {})).get(GROUP);
    const read = actionsOf(aws.calls);
    if (assessment?.state !== 'violation') throw new Error('expected a violation');

    const done: Change[] = [];
    for (const change of assessment.plan) done.push(await applyChange(session, change));
    const after = (await ssh.assess(session, [GROUP], {})).get(GROUP);
    const written = actionsOf(aws.calls);
    const calls = aws.calls.length;
    for (const change of done.toReversed()) {
      const inverse = await inverseOf(change);
      // Made twice: the second time what it adds stands there, so that it has to look.
      for (const again of [inverse, inverse]) if (again !== undefined) await applyChange(session, again);
    }

    expect(after).toEqual({ state: 'compliant' });
    for (const { permissions } of [ssh, rdp]) {
      expect(grantedActions(permissions.read)).toEqual(read);
      expect(grantedActions(permissions.read, permissions.write)).toEqual(written);
      expect(grantedActions(permissions.undo)).toEqual(actionsOf(aws.calls.slice(calls)));
    }
  });
});
