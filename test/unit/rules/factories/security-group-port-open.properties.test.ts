import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Change } from '../../../../lambdas/changes/change.ts';
import { canTakeBack, inverseOf, takeBackChange } from '../../../../lambdas/changes/index.ts';
import {
  type ExistingRule,
  type IngressRule,
  ruleKey,
} from '../../../../lambdas/changes/security-group/ingress-rule.ts';
import { changeKind as shrink } from '../../../../lambdas/changes/security-group/rule-shrink.ts';
import { StalePlanError } from '../../../../lambdas/model/errors.ts';
import { rule as admin } from '../../../../lambdas/rules/security-group-admin-ports-open/rule.ts';
import { rule as rdp } from '../../../../lambdas/rules/security-group-rdp-open/rule.ts';
import { rule as ssh } from '../../../../lambdas/rules/security-group-ssh-open/rule.ts';
import {
  type Interference,
  lets,
  SecurityGroupModel,
  type Traffic,
} from '../../../lab/traffic/security-groups.ts';
import { cases } from '../../support/cases.ts';

type AllTraffic = 'split' | 'revoke';

const WORLD = ['0.0.0.0/0', '::/0'];
const SOURCES = [...WORLD, '10.0.0.0/8', '203.0.113.7/32', '2001:db8::/32', 'pl-0a1b2c3d', '/sg-0aaaaaaa'];
const PORTS = [0, 1, 20, 21, 22, 23, 443, 3388, 3389, 3390, 65_534, 65_535];

/** The traffic that each rule must close, independently of the rule's code. */
const closes: ReadonlyMap<typeof ssh, (traffic: Traffic) => boolean> = new Map([
  [ssh, ({ protocol, port }) => protocol === 'tcp' && port === 22],
  [rdp, ({ protocol, port }) => (protocol === 'tcp' || protocol === 'udp') && port === 3389],
  [
    admin,
    ({ protocol, port }) =>
      (protocol === 'tcp' && port === 22) || (['tcp', 'udp'].includes(protocol) && port === 3389),
  ],
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
/** Inbound rules, arbitrary within what a group can have. AWS does not allow two with the same protocol, ports and source. */
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
const anyRule = fc.constantFrom(ssh, rdp, admin);

function plan(rule: typeof ssh, group: SecurityGroupModel, all_traffic: AllTraffic): readonly Change[] {
  const changes = rule.code.plan(
    group.id,
    { name: 'web', vpc: 'vpc-1', rules: group.rules },
    { all_traffic },
  );
  if ('notApplicable' in changes) throw new Error('expected changes');
  return changes;
}

/** All traffic at the boundaries of rules. */
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

/** Reports whether a group should let a probe in after the rules have closed their ports, no more and no less. */
function shouldLet(
  rules: readonly ExistingRule[],
  probe: Traffic,
  by: readonly (typeof ssh)[],
  option: AllTraffic,
): boolean {
  const world = WORLD.includes(probe.source);
  if (world && by.some((rule) => closes.get(rule)?.(probe))) return false;
  const ping = probe.source.includes(':') ? 'icmpv6' : 'icmp';
  const kept = option === 'split' ? ['tcp', 'udp', ping] : [];
  return rules.some(
    (rule) => lets(rule, probe) && !(world && rule.protocol === '-1' && !kept.includes(probe.protocol)),
  );
}

function expectFixed(
  group: SecurityGroupModel,
  before: readonly ExistingRule[],
  by: readonly (typeof ssh)[],
  option: AllTraffic,
): void {
  const wrong = probes([...before, ...group.rules]).filter(
    (probe) => group.lets(probe) !== shouldLet(before, probe, by, option),
  );
  expect(wrong.slice(0, 5)).toEqual([]);
}

/** Applies the plan. @returns the applied changes, as in the record */
async function fix(rule: typeof ssh, group: SecurityGroupModel, option: AllTraffic): Promise<Change[]> {
  const applied: Change[] = [];
  for (const change of plan(rule, group, option)) applied.push(await group.apply(change));
  return applied;
}

/**
 * Determines the progress of a change whose last call was not answered, and takes back what it added without effect, as
 * the next attempt does. @returns what remains of it, as in the record
 */
async function settle(group: SecurityGroupModel, noted: Change): Promise<Change[]> {
  if (!(await canTakeBack(noted))) return [noted];
  const { done, made } = await takeBackChange(group.session, noted, { isNoted: true, isLagOver: true });
  return [done ?? made ?? []].flat();
}

async function undo(group: SecurityGroupModel, applied: readonly Change[]): Promise<void> {
  for (const change of applied.toReversed()) {
    const inverse = await inverseOf(change);
    if (inverse !== undefined) await group.apply(inverse);
  }
}

/** Expects the original rules. Their ids are the same, except for revoked rules, which AWS recreates with new ids. */
function expectAsBefore(
  group: SecurityGroupModel,
  before: readonly ExistingRule[],
  applied: readonly Change[],
): void {
  expect(group.content).toEqual(new SecurityGroupModel(before).content);
  const revoked = JSON.stringify(applied.filter(({ kind }) => kind === 'security-group-rules-revoke'));
  const kept = before.filter(({ id }) => !revoked.includes(id));
  expect(group.rules.map(({ id }) => id)).toEqual(expect.arrayContaining(kept.map(({ id }) => id)));
}

/** An action of someone else, on the rule with this number if it concerns one. */
type Act =
  | { readonly kind: 'revoke' | 'narrow' | 'move' | 'describe'; readonly number: number }
  | { readonly kind: 'add'; readonly rule: ExistingRule };

const anyAct: fc.Arbitrary<Act> = fc.oneof(
  fc.record({
    kind: fc.constantFrom('revoke' as const, 'narrow' as const, 'move' as const, 'describe' as const),
    number: fc.nat(11),
  }),
  fc.record({
    kind: fc.constant('add' as const),
    rule: fc
      .tuple(traffic, fc.constantFrom(...SOURCES), labels)
      .map(([ports, source, label]) => ({ ...ports, source, ...label, id: 'sgr-0000000000000aaaa' }))
      // A rule that opens the port again is a new finding of the next poll.
      .filter((added) => !opensAny(added)),
  }),
);

function opensAny(rule: ExistingRule): boolean {
  return (
    WORLD.includes(rule.source) &&
    [22, 3389].some((port) =>
      ['tcp', 'udp'].some((protocol) => lets(rule, { source: rule.source, protocol, port })),
    )
  );
}

/** The rule as the actor leaves it; undefined if it is revoked. */
function changedBy(act: Exclude<Act, { kind: 'add' }>, rule: ExistingRule): ExistingRule | undefined {
  switch (act.kind) {
    case 'revoke':
      return undefined;
    case 'narrow':
      return rule.protocol === 'tcp' || rule.protocol === 'udp' ? { ...rule, fromPort: rule.toPort } : rule;
    case 'move':
      return rule.source.includes(':')
        ? { ...rule, source: '2001:db8::7/128' }
        : { ...rule, source: '198.51.100.7/32' };
    case 'describe':
      return rule;
  }
}

/** Applies the action to both groups, unless AWS would refuse it or the rule has been changed already. */
function interfere(act: Act, group: SecurityGroupModel, meant: SecurityGroupModel, next: string): void {
  if (act.kind === 'add') {
    if ([...group.rules, ...meant.rules].some((rule) => ruleKey(rule) === ruleKey(act.rule))) return;
    group.rules = [...group.rules, act.rule];
    meant.rules = [...meant.rules, act.rule];
    return;
  }
  const target = meant.rules[act.number % Math.max(meant.rules.length, 1)];
  const standing = group.rules.find(({ id }) => id === target?.id);
  if (target === undefined || standing === undefined || ruleKey(standing) !== ruleKey(target)) return;
  const to = changedBy(act, target);
  if (to !== undefined) {
    // EC2 supports no condition: a change of the same rule between the last read and the write is overwritten.
    if (next === 'ec2:ModifySecurityGroupRules' || next === 'ec2:RevokeSecurityGroupIngress') return;
    const others = [...group.rules, ...meant.rules].filter(({ id }) => id !== target.id);
    if (others.some((rule) => ruleKey(rule) === ruleKey(to))) return;
  }
  for (const one of [group, meant])
    one.rules = one.rules.flatMap((rule) => (rule.id !== target.id ? rule : (to ?? [])));
}

/** Plans again while a plan is stale, as the remediator does. */
async function fixAgainstOthers(
  rule: typeof ssh,
  group: SecurityGroupModel,
  option: AllTraffic,
): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      await fix(rule, group, option);
      return;
    } catch (error) {
      if (!(error instanceof StalePlanError) || attempt === 3) throw error;
    }
  }
}

const runs = { numRuns: cases(50) };

function partsOf(change: Change): IngressRule[] {
  const { after, pieces } = shrink.schema.parse(change);
  return [after, ...pieces];
}

const order = fc.constantFrom([ssh, rdp], [rdp, ssh]);

describe('for any rules of a group,', () => {
  test('the plan closes the port to the world, and changes nothing else', async () => {
    await fc.assert(
      fc.asyncProperty(anyRule, anyRules, anyOption, async (rule, rules, option) => {
        const group = new SecurityGroupModel(rules);

        await fix(rule, group, option);

        expectFixed(group, rules, [rule], option);
        expect(plan(rule, group, option)).toEqual([]);
      }),
      runs,
    );
  });

  test('closed traffic stays closed, and traffic to keep stays open, after every call', async () => {
    await fc.assert(
      fc.asyncProperty(anyRule, anyRules, anyOption, async (rule, rules, option) => {
        const group = new SecurityGroupModel(rules);
        const samples = probes(rules);
        const check = (): undefined => {
          for (const probe of samples) {
            const was = rules.some((each) => lets(each, probe));
            const allowed = shouldLet(rules, probe, [rule], option) ? [true] : [was, false];
            if (!allowed.includes(group.lets(probe)))
              expect({ ...probe, let: group.lets(probe) }).toEqual(allowed);
          }
        };
        group.before = check;

        await fix(rule, group, option);

        check();
      }),
      runs,
    );
  });

  test('a plan that is applied twice changes nothing the second time', async () => {
    await fc.assert(
      fc.asyncProperty(anyRule, anyRules, anyOption, async (rule, rules, option) => {
        const group = new SecurityGroupModel(rules);
        const changes = plan(rule, group, option);
        for (const change of changes) await group.apply(change);
        const after = group.rules;

        for (const change of changes) await expect(group.apply(change)).rejects.toThrow(StalePlanError);

        expect(group.rules).toEqual(after);
      }),
      runs,
    );
  });

  test('the inverses of the applied changes, last first, restore the original rules', async () => {
    await fc.assert(
      fc.asyncProperty(anyRule, anyRules, anyOption, async (rule, rules, option) => {
        const group = new SecurityGroupModel(rules);
        const applied = await fix(rule, group, option);

        await undo(group, applied);

        expectAsBefore(group, rules, applied);
      }),
      runs,
    );
  });

  test('fixes of two rules, undone last first, restore the original rules with their ids', async () => {
    await fc.assert(
      fc.asyncProperty(order, anyRules, anyOption, async ([one, other], rules, option) => {
        const group = new SecurityGroupModel(rules);
        const applied = [
          ...(await fix(one ?? ssh, group, option)),
          ...(await fix(other ?? rdp, group, option)),
        ];
        expectFixed(group, rules, [ssh, rdp], option);

        await undo(group, applied);

        expectAsBefore(group, rules, applied);
      }),
      runs,
    );
  });

  test('an attempt that ends between two changes is completed by the next', async () => {
    await fc.assert(
      fc.asyncProperty(anyRule, anyRules, anyOption, fc.nat(12), async (rule, rules, option, cutOff) => {
        const group = new SecurityGroupModel(rules);

        for (const change of plan(rule, group, option).slice(0, cutOff)) await group.apply(change);
        await fix(rule, group, option);

        expectFixed(group, rules, [rule], option);
      }),
      runs,
    );
  });

  test('a lost answer to any call leaves a correct record: the next attempt completes the fix, and the undo is exact', async () => {
    const anyFault = fc.constantFrom<Interference>('lost', 'cut');
    await fc.assert(
      fc.asyncProperty(
        anyRule,
        anyRules,
        anyOption,
        fc.nat(8),
        anyFault,
        async (rule, rules, option, at, fault) => {
          const group = new SecurityGroupModel(rules);
          const records: Change[] = [];
          group.before = (_operation, number) => (number === at ? fault : undefined);
          const end = (): void => {
            group.before = () => undefined;
          };
          let noted: Change | undefined;
          try {
            for (const change of plan(rule, group, option)) {
              noted = undefined;
              records.push(
                await group.apply(change, (soFar) => {
                  noted = soFar;
                }),
              );
            }
            end();
          } catch {
            end();
            if (noted !== undefined) records.push(...(await settle(group, noted)));
            records.push(...(await fix(rule, group, option)));
          }

          expectFixed(group, rules, [rule], option);
          await undo(group, records);
          expectAsBefore(group, rules, records);
        },
      ),
      runs,
    );
  });

  test('another actor between any two calls causes no new access, no other cut, and no leftover part', async () => {
    await fc.assert(
      fc.asyncProperty(
        anyRule,
        anyRules,
        anyOption,
        anyAct,
        fc.nat(9),
        async (rule, rules, option, act, at) => {
          const group = new SecurityGroupModel(rules);
          // The same group with only the actor's changes shows the actor's intention.
          const meant = new SecurityGroupModel(rules);
          group.before = (operation, number) => {
            if (number === at) interfere(act, group, meant, operation);
            return undefined;
          };

          await fixAgainstOthers(rule, group, option);

          expectFixed(group, meant.rules, [rule], option);
        },
      ),
      { numRuns: runs.numRuns * 3 },
    );
  });

  test('no rule is added twice, or if it already exists', () => {
    fc.assert(
      fc.property(anyRule, anyRules, anyOption, (rule, rules, option) => {
        const added = plan(rule, new SecurityGroupModel(rules), option).flatMap((change) =>
          change.kind === 'security-group-rule-shrink' ? partsOf(change) : [],
        );

        const keys = [...rules, ...added].map(ruleKey);

        expect(keys).toEqual([...new Set(keys)]);
      }),
      runs,
    );
  });
});
