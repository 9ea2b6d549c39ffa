import { describe, expect, test } from 'vitest';
import type { Change } from '../../../../lambdas/changes/change.ts';
import { applyChange, describeChange, inverseOf } from '../../../../lambdas/changes/index.ts';
import type { ExistingRule } from '../../../../lambdas/changes/security-group/ingress-rule.ts';
import { rule as admin } from '../../../../lambdas/rules/security-group-admin-ports-open/rule.ts';
import { rule as rdp } from '../../../../lambdas/rules/security-group-rdp-open/rule.ts';
import { rule as ssh } from '../../../../lambdas/rules/security-group-ssh-open/rule.ts';
import { testSession } from '../../../lab/accounts/session.ts';
import { actionsOf, grantedActions } from '../../../lab/scripted-aws/called-actions.ts';
import { scriptedAws } from '../../../lab/scripted-aws/scripted-aws.ts';
import { answerForSecurityGroups, type ScriptedGroup } from '../../../lab/scripted-aws/security-groups.ts';

type AllTraffic = 'split' | 'revoke';

const GROUP = 'sg-0123456789abcdef0';

function plan(rule: typeof ssh, rules: ExistingRule[], all_traffic: AllTraffic): readonly Change[] {
  const changes = rule.code.plan(GROUP, { name: 'web', vpc: 'vpc-1', rules }, { all_traffic });
  if ('notApplicable' in changes) throw new Error('expected changes');
  return changes;
}

describe('the lines of a plan', () => {
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
    rules: ExistingRule[],
    option: AllTraffic = 'split',
  ): Promise<string[]> {
    const changes = await Promise.all(plan(rule, rules, option).map(describeChange));
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
      expected: ['~ ingress tcp 20-443 from 0.0.0.0/0 "it" (sgr-1) -> tcp 20-21, tcp 23-443'],
    },
    {
      what: 'a range that begins with the port',
      rules: ['tcp 22-23 from ::/0'],
      expected: ['~ ingress tcp 22-23 from ::/0 "it" (sgr-1) -> tcp 23'],
    },
    {
      what: 'a range that ends with the port',
      rules: ['tcp 0-22 from 0.0.0.0/0'],
      expected: ['~ ingress tcp 0-22 from 0.0.0.0/0 "it" (sgr-1) -> tcp 0-21'],
    },
    {
      what: 'both address families, with legitimate sources and other ports',
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
      what: 'parts that already exist',
      rules: ['tcp 20-443 from 0.0.0.0/0', 'tcp 23-443 from 0.0.0.0/0', 'tcp 20-21 from 10.0.0.0/8'],
      expected: ['~ ingress tcp 20-443 from 0.0.0.0/0 "it" (sgr-1) -> tcp 20-21 (tcp 23-443 stands already)'],
    },
    {
      what: 'a range whose parts all exist, after rules for the port alone and shrunk rules',
      rules: [
        'tcp 20-23 from 0.0.0.0/0',
        'tcp 20-21 from 0.0.0.0/0',
        'tcp 23 from 0.0.0.0/0',
        'tcp 22-443 from 0.0.0.0/0',
        'tcp 22 from 0.0.0.0/0',
      ],
      expected: [
        '- ingress tcp 22 from 0.0.0.0/0 "it" (sgr-5)',
        '~ ingress tcp 22-443 from 0.0.0.0/0 "it" (sgr-4) -> tcp 23-443',
        '- ingress tcp 20-23 from 0.0.0.0/0 "it" (sgr-1)',
      ],
    },
    {
      what: 'all traffic',
      rules: ['-1 from 0.0.0.0/0'],
      expected: [
        '~ ingress all traffic from 0.0.0.0/0 "it" (sgr-1) -> tcp 0-21, tcp 23-65535, udp 0-65535, icmp: protocols other than tcp, udp, and ICMP are no longer allowed',
      ],
    },
    {
      what: 'all traffic, over IPv6',
      rules: ['-1 from ::/0'],
      expected: [
        '~ ingress all traffic from ::/0 "it" (sgr-1) -> tcp 0-21, tcp 23-65535, udp 0-65535, icmpv6: protocols other than tcp, udp, and ICMP are no longer allowed',
      ],
    },
    {
      what: 'all traffic, which is revoked by the option',
      option: 'revoke' as const,
      rules: ['-1 from 0.0.0.0/0', '-1 from 10.0.0.0/8'],
      expected: ['- ingress all traffic from 0.0.0.0/0 "it" (sgr-1): everything that it opened is closed'],
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
      '- ingress tcp 3389 from 0.0.0.0/0 (sgr-1)',
      '~ ingress udp 3388-3389 from 0.0.0.0/0 (sgr-2) -> udp 3388',
    ]);
  });

  test('two ports are closed in one change, and a range of which nothing remains is revoked', async () => {
    count = 0;
    const stands = [
      'tcp 20-4000 from 0.0.0.0/0',
      'udp 22-3389 from ::/0',
      'tcp 22 from 0.0.0.0/0',
      'tcp 3389 from ::/0',
      'udp 22 from 0.0.0.0/0',
    ].map((text) => standing(text));

    const plan = await lines(admin, stands);

    expect(plan).toEqual([
      '- ingress tcp 22 from 0.0.0.0/0 (sgr-3)',
      '- ingress tcp 3389 from ::/0 (sgr-4)',
      '~ ingress tcp 20-4000 from 0.0.0.0/0 (sgr-1) -> tcp 20-21, tcp 23-3388, tcp 3390-4000',
      '~ ingress udp 22-3389 from ::/0 (sgr-2) -> udp 22-3388',
    ]);
  });

  test('a group that the rule for one port has fixed is compliant if no other port is open', async () => {
    count = 0;
    const stands = ['tcp 20-443 from 0.0.0.0/0'].map((text) => standing(text));

    const [shrink] = plan(ssh, stands, 'split');
    const left = ['tcp 23-443 from 0.0.0.0/0', 'tcp 20-21 from 0.0.0.0/0'].map((text) => standing(text));

    expect(shrink?.kind).toBe('security-group-rule-shrink');
    expect(plan(admin, left, 'split')).toEqual([]);
  });

  test('parts have the description and tags of the wide rule, except for tags that AWS reserves', () => {
    count = 0;
    const tags = { team: 'blue', 'aws:cloudformation:stack-name': 'web' };
    const wide = { ...standing('tcp 20-443 from 0.0.0.0/0', 'web'), tags };

    const [first] = plan(ssh, [wide], 'split');

    expect(first).toMatchObject({
      before: wide,
      after: { fromPort: 23, toPort: 443 },
      pieces: [{ fromPort: 20, toPort: 21, description: 'web', tags: { team: 'blue' } }],
    });
  });

  test('unknown or misspelled options are refused', () => {
    expect(ssh.options.safeParse({ all_traffic: 'close' }).success).toBe(false);
    expect(ssh.options.safeParse({ all_trafic: 'split' }).success).toBe(false);
    expect(ssh.options.parse({})).toEqual({ all_traffic: 'split' });
  });
});

describe('the inspection of groups', () => {
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

  test('finds one that opens the port, with its tags and all its inbound rules', async () => {
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

  test('finds one without such a rule, or without any, compliant, and a missing one gone', async () => {
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

  test('finds one that another account shares not applicable', async () => {
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

  test('takes two calls for 25 groups, and reads all pages', async () => {
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

  const from = (source: string, id: string, more: Partial<ExistingRule> = {}): ExistingRule => ({
    ...open,
    id,
    source,
    ...more,
  });
  test.each([
    {
      what: 'a prefix list',
      rules: [from('pl-0a1b2c3d', 'sgr-01'), from('pl-0a1b2c3d', 'sgr-02', { protocol: '-1' })],
      notes: ['prefix list pl-0a1b2c3d opens port 22 to its entries, which this rule does not check'],
    },
    {
      what: 'the world in two blocks',
      rules: [from('0.0.0.0/1', 'sgr-01'), from('128.0.0.0/1', 'sgr-02', { fromPort: 0, toPort: 100 })],
      notes: [
        '0.0.0.0/1, 128.0.0.0/1 together open port 22 to all IPv4 addresses, which this rule does not check',
      ],
    },
    {
      what: 'the world except for private blocks, partly listed twice',
      rules: ['128.0.0.0/1', '64.0.0.0/2', '32.0.0.0/3', '16.0.0.0/4', '11.0.0.0/8', '128.0.0.0/2'].map(
        (source, n) => from(source, `sgr-0${n}`),
      ),
      notes: [
        '128.0.0.0/1, 64.0.0.0/2, 32.0.0.0/3, 16.0.0.0/4 and 2 more together open port 22 to 94% of all IPv4 addresses, which this rule does not check',
      ],
    },
    {
      what: 'all global IPv6 addresses',
      rules: [from('2000::/4', 'sgr-01'), from('3000::/4', 'sgr-02')],
      notes: [
        '2000::/4, 3000::/4 together open port 22 to all global IPv6 addresses, which this rule does not check',
      ],
    },
    {
      what: 'no note on smaller blocks, other ports, other groups, or the world on another port',
      rules: [
        from('10.0.0.0/8', 'sgr-01'),
        from('2001:db8::/32', 'sgr-02'),
        from('0.0.0.0/1', 'sgr-03', { fromPort: 443, toPort: 443 }),
        from('128.0.0.0/2', 'sgr-04'),
        from('pl-0a1b2c3d', 'sgr-05', { protocol: 'udp' }),
        from('/sg-0aaaaaaa', 'sgr-06'),
        from('0.0.0.0/0', 'sgr-07', { fromPort: 443, toPort: 443 }),
      ],
      notes: undefined,
    },
  ])('names sources that it does not check: $what', async ({ rules, notes }) => {
    await using aws = await scriptedAws(answerForSecurityGroups({ [GROUP]: { rules } }));

    const assessments = await ssh.assess(sessionOf(aws.endpoint), [GROUP], {});

    expect(assessments.get(GROUP)).toEqual({ state: 'compliant', ...(notes !== undefined && { notes }) });
  });

  test.each([
    { what: 'tcp without ports', rule: { ...open, fromPort: -1, toPort: -1 } },
    { what: 'tcp by its number', rule: { ...open, protocol: '6' } },
  ])('parses $what as EC2 defines it', async ({ rule }) => {
    await using aws = await scriptedAws(answerForSecurityGroups({ [GROUP]: { rules: [rule] } }));

    const assessments = await ssh.assess(sessionOf(aws.endpoint), [GROUP], {});

    expect(assessments.get(GROUP)).toMatchObject({ state: 'violation' });
  });

  test('finds a fixed group compliant, and both rules use exactly their declared permissions', async () => {
    const group: ScriptedGroup = {
      rules: [
        { ...open, fromPort: 20, toPort: 443 },
        { ...open, id: 'sgr-02' },
      ],
    };
    const before = group.rules;
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
      if (inverse !== undefined) await applyChange(session, inverse);
    }

    expect(after).toEqual({ state: 'compliant' });
    expect(group.rules).toEqual([before[0], { ...before[1], id: expect.stringMatching(/^sgr-f/) }]);
    for (const { permissions } of [ssh, rdp]) {
      expect(grantedActions(permissions.read)).toEqual(read);
      expect(grantedActions(permissions.read, permissions.write)).toEqual(written);
      expect(grantedActions(permissions.undo)).toEqual(actionsOf(aws.calls.slice(calls)));
    }
  });
});
