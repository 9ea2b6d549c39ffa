import { describe, expect, test } from 'vitest';
import { checkingChanges } from '../../../../lambdas/aws/session-client.ts';
import type { Change, TakenPart } from '../../../../lambdas/changes/change.ts';
import { inverseOf, isChangeVisible, takeBackChange } from '../../../../lambdas/changes/index.ts';
import type { ExistingRule, IngressRule } from '../../../../lambdas/changes/security-group/ingress-rule.ts';
import type { RuleShrink } from '../../../../lambdas/changes/security-group/schemas.ts';
import { BlockedError } from '../../../../lambdas/model/errors.ts';
import { type Interference, SecurityGroupModel } from '../../../lab/traffic/security-groups.ts';

const LOOK = 'ec2:DescribeSecurityGroupRules';
const ADD = 'ec2:AuthorizeSecurityGroupIngress';
const MODIFY = 'ec2:ModifySecurityGroupRules';
const REVOKE = 'ec2:RevokeSecurityGroupIngress';

function part(text: string, more: Partial<IngressRule> = {}): IngressRule {
  const [, protocol = '', from = '-1', to = from, source = ''] =
    /^(\S+)(?: (\d+)(?:-(\d+))?)? from (\S+)$/.exec(text) ?? [];
  return {
    protocol,
    fromPort: Number(from),
    toPort: Number(to),
    source,
    description: 'web',
    tags: {},
    ...more,
  };
}
const rule = (id: string, text: string, more: Partial<IngressRule> = {}): ExistingRule => ({
  ...part(text, more),
  id,
});

const wide = rule('sgr-01', 'tcp 20-443 from 0.0.0.0/0');
const office = rule('sgr-02', 'tcp 22 from 203.0.113.7/32');
const low = part('tcp 20-21 from 0.0.0.0/0');
const high = part('tcp 23-443 from 0.0.0.0/0');

const shrink = (group: SecurityGroupModel, more: Partial<RuleShrink> = {}): RuleShrink => ({
  kind: 'security-group-rule-shrink',
  resource: group.id,
  before: wide,
  after: high,
  pieces: [low],
  ...more,
});

/** Formats a rule, with `new` for the id of a rule that was added: `sgr-01 tcp 23-443 0.0.0.0/0`. */
const lines = (group: SecurityGroupModel): string[] =>
  group.rules.map(
    ({ id, protocol, fromPort, toPort, source }) =>
      `${id.startsWith('sgr-f') ? 'new' : id} ${protocol} ${fromPort}-${toPort} ${source}`,
  );

/** Does something before the nth call of an operation. */
function meddle(
  group: SecurityGroupModel,
  operation: string,
  nth: number,
  act: () => Interference | undefined,
): void {
  let seen = 0;
  group.before = (called) => {
    if (called !== operation) return undefined;
    seen += 1;
    return seen === nth ? act() : undefined;
  };
}

const without = (group: SecurityGroupModel, id: string): undefined => {
  group.rules = group.rules.filter((each) => each.id !== id);
};
const changed = (group: SecurityGroupModel, to: ExistingRule): undefined => {
  group.rules = group.rules.map((each) => (each.id === to.id ? to : each));
};

/** Expects an error with this name. @returns its message */
async function failure(application: Promise<unknown>, name: string): Promise<string> {
  const error = await application.then(
    () => new Error('it was applied'),
    (reason: unknown) => reason,
  );
  expect(error).toMatchObject({ name });
  return error instanceof Error ? error.message : '';
}

describe('a wide rule is shrunk', () => {
  test('in place: the other part is added first; id, description, and tags stay', async () => {
    const tags = { team: 'blue', 'aws:cloudformation:stack-name': 'web' };
    const group = new SecurityGroupModel([{ ...wide, tags }, office]);
    const notes: Change[] = [];

    const applied = await group.apply(shrink(group), (soFar) => notes.push(soFar));

    expect(group.calls).toEqual([LOOK, ADD, LOOK, MODIFY]);
    expect(group.rules.slice(0, 2)).toEqual([{ ...wide, tags, fromPort: 23 }, office]);
    expect(group.rules.slice(2)).toMatchObject([{ fromPort: 20, toPort: 21, description: 'web' }]);
    expect(notes).toMatchObject([
      { made: [], mayBeMade: true },
      { made: [], unconfirmed: 'adding' },
      { made: [{ fromPort: 20 }] },
      { made: [{ fromPort: 20 }], unconfirmed: 'shrinking' },
      { shrunk: { id: 'sgr-01', fromPort: 23 } },
    ]);
    expect(applied).toEqual(notes.at(-1));
    expect(applied).not.toHaveProperty('unconfirmed');
  });

  test('without a second read if nothing is added', async () => {
    const group = new SecurityGroupModel([wide]);

    await group.apply({ ...shrink(group), pieces: [] });

    expect(group.calls).toEqual([LOOK, MODIFY]);
  });

  test('over IPv6', async () => {
    const group = new SecurityGroupModel([{ ...wide, source: '::/0' }]);
    const change = {
      ...shrink(group),
      before: { ...wide, source: '::/0' },
      after: { ...high, source: '::/0' },
    };

    await group.apply({ ...change, pieces: [] });

    expect(lines(group)).toEqual(['sgr-01 tcp 23-443 ::/0']);
  });

  test('with its current description', async () => {
    const group = new SecurityGroupModel([{ ...wide, description: 'web servers' }]);

    await group.apply(shrink(group));

    expect(group.rules[0]).toMatchObject({ id: 'sgr-01', description: 'web servers' });
  });
});

test('a rule that is shrunk keeps the description that its owner sets while the other part is added', async () => {
  const group = new SecurityGroupModel([wide]);
  meddle(group, LOOK, 2, () => changed(group, { ...wide, description: 'web servers' }));

  const applied = await group.apply(shrink(group));

  expect(group.rules[0]).toMatchObject({ id: 'sgr-01', fromPort: 23, description: 'web servers' });
  expect(applied).toMatchObject({ before: { description: 'web servers' } });
});

test('a part whose description its owner changes while parts are taken back stays', async () => {
  const group = new SecurityGroupModel([wide]);
  const pieces = [low, part('tcp 23-80 from 0.0.0.0/0'), part('tcp 82-100 from 0.0.0.0/0')];
  const theirs = (): ExistingRule[] =>
    group.rules.map((each) => (each.fromPort === 23 ? { ...each, description: 'theirs' } : each));
  let revocations = 0;
  group.before = (operation, number) => {
    if (operation === LOOK && number > 0) without(group, 'sgr-01');
    if (operation !== REVOKE) return undefined;
    revocations += 1;
    // Each act happens after the read that precedes the call.
    if (revocations === 1) group.rules = group.rules.filter(({ fromPort }) => fromPort !== 20);
    if (revocations === 1) group.rules = theirs();
    return undefined;
  };

  const change = { ...shrink(group), after: part('tcp 101-443 from 0.0.0.0/0'), pieces };
  await failure(group.apply(change), 'StalePlanError');

  expect(group.rules).toMatchObject([{ fromPort: 23, toPort: 80, description: 'theirs' }]);
});

describe('nothing is opened if the rule differs from the plan', () => {
  const narrowed = rule('sgr-01', 'tcp 443 from 0.0.0.0/0');
  const elsewhere = rule('sgr-01', 'tcp 20-443 from 203.0.113.0/24');

  test.each([
    {
      what: 'revoked',
      act: (group: SecurityGroupModel) => without(group, 'sgr-01'),
      left: [],
      words: 'was removed after it was read',
    },
    {
      what: 'narrowed',
      act: (group: SecurityGroupModel) => changed(group, narrowed),
      left: ['sgr-01 tcp 443-443 0.0.0.0/0'],
      words: 'was tcp 20-443 from 0.0.0.0/0 when it was read and is tcp 443 from 0.0.0.0/0 now',
    },
    {
      what: 'given another source',
      act: (group: SecurityGroupModel) => changed(group, elsewhere),
      left: ['sgr-01 tcp 20-443 203.0.113.0/24'],
      words: 'is tcp 20-443 from 203.0.113.0/24 now',
    },
  ])(
    '$what by its owner: before the first read, or while the other part is added',
    async ({ act, left, words }) => {
      const early = new SecurityGroupModel([wide]);
      const late = new SecurityGroupModel([wide]);
      meddle(early, LOOK, 1, () => act(early));
      meddle(late, LOOK, 2, () => act(late));

      const first = await failure(early.apply(shrink(early)), 'StalePlanError');
      const second = await failure(late.apply(shrink(late)), 'StalePlanError');

      expect([first, second]).toEqual([expect.stringContaining(words), expect.stringContaining(words)]);
      expect([lines(early), lines(late)]).toEqual([left, left]);
      expect([early.calls, late.calls]).toEqual([[LOOK], [LOOK, ADD, LOOK, LOOK, REVOKE]]);
    },
  );

  test('revoked between the second read and the change', async () => {
    const group = new SecurityGroupModel([wide, office]);
    meddle(group, MODIFY, 1, () => without(group, 'sgr-01'));

    await failure(group.apply(shrink(group)), 'StalePlanError');

    expect(lines(group)).toEqual(['sgr-02 tcp 22-22 203.0.113.7/32']);
  });

  test('shrunk for SSH in the meantime: a plan for RDP from an older read opens nothing', async () => {
    const all = rule('sgr-01', 'tcp 0-65535 from 0.0.0.0/0');
    const group = new SecurityGroupModel([all]);
    const ssh = { ...shrink(group), before: all, after: part('tcp 23-65535 from 0.0.0.0/0') };
    await group.apply({ ...ssh, pieces: [part('tcp 0-21 from 0.0.0.0/0')] });
    const rdp = { ...shrink(group), before: all, after: part('tcp 3390-65535 from 0.0.0.0/0') };
    const standing = lines(group);

    await failure(group.apply({ ...rdp, pieces: [part('tcp 0-3388 from 0.0.0.0/0')] }), 'StalePlanError');

    expect(lines(group)).toEqual(standing);
    expect(group.lets({ source: '0.0.0.0/0', protocol: 'tcp', port: 22 })).toBe(false);
  });

  test('a part that existed when the plan was made is gone', async () => {
    const group = new SecurityGroupModel([wide]);

    await failure(group.apply({ ...shrink(group), pieces: [], remains: [low] }), 'StalePlanError');

    expect(lines(group)).toEqual(['sgr-01 tcp 20-443 0.0.0.0/0']);
  });

  test('what was taken back is recorded, even if the rest cannot be taken back', async () => {
    const group = new SecurityGroupModel([wide]);
    const pieces = ['tcp 20-21', 'tcp 23-30', 'tcp 33'].map((traffic) => part(`${traffic} from 0.0.0.0/0`));
    const change = shrink(group, { after: part('tcp 40-443 from 0.0.0.0/0'), pieces });
    const parts: TakenPart[] = [];
    const notes: Change[] = [];
    let revokes = 0;
    group.refuse = (operation) => {
      if (operation === MODIFY) return 'UnauthorizedOperation';
      if (operation !== REVOKE) return undefined;
      revokes += 1;
      // Its owner removes one rule, so that the call for all is refused, and each is revoked separately.
      if (revokes === 1)
        group.rules = group.rules.filter(({ fromPort, toPort }) => fromPort !== 20 || toPort !== 21);
      return revokes === 4 ? 'UnauthorizedOperation' : undefined;
    };

    const message = await failure(
      group.apply(change, (soFar) => notes.push(soFar), { tookBack: (each) => parts.push(each) }),
      'TakeBackError',
    );

    expect(parts).toMatchObject([
      { made: { made: [{ fromPort: 23 }] }, taken: { revoked: [{ fromPort: 23 }] } },
    ]);
    expect(notes.at(-1)).toMatchObject({ made: [{ fromPort: 20 }, { fromPort: 33 }] });
    expect(message).toContain('tcp 33');
    expect(message).not.toContain('tcp 23-30');
    expect(lines(group)).toEqual(['sgr-01 tcp 20-443 0.0.0.0/0', 'new tcp 33-33 0.0.0.0/0']);
  });

  test('the error lists what cannot be taken back', async () => {
    const group = new SecurityGroupModel([wide]);
    group.before = (called, number) => {
      if (number === 2) without(group, 'sgr-01');
      return called === REVOKE ? 'cut' : undefined;
    };

    const message = await failure(group.apply(shrink(group)), 'TakeBackError');

    expect(message).toMatch(/may still exist: tcp 20-21 from 0\.0\.0\.0\/0 "web" \(sgr-f\w+\)/);
  });
});

describe('a call that is not answered', () => {
  test('and adds parts is not resolved by a read, which may be older than the plan', async () => {
    const group = new SecurityGroupModel([wide]);
    meddle(group, ADD, 1, () => 'lost');
    const notes: Change[] = [];

    await expect(group.apply(shrink(group), (soFar) => notes.push(soFar))).rejects.toThrow();

    expect(group.calls).toEqual([LOOK, ADD]);
    expect(notes.at(-1)).toMatchObject({ made: [], unconfirmed: 'adding' });
  });

  test('and shrinks the rule is resolved by a read that shows the added part', async () => {
    const group = new SecurityGroupModel([wide]);
    meddle(group, MODIFY, 1, () => 'lost');

    const applied = await group.apply(shrink(group));

    expect(group.calls).toEqual([LOOK, ADD, LOOK, MODIFY, LOOK]);
    expect(applied).toMatchObject({ made: [{ fromPort: 20 }], shrunk: { id: 'sgr-01' } });
    expect(lines(group)).toEqual(['sgr-01 tcp 23-443 0.0.0.0/0', 'new tcp 20-21 0.0.0.0/0']);
  });

  test('and whose rule the next read does not show leaves the part noted, because that read may be stale', async () => {
    const group = new SecurityGroupModel([wide]);
    meddle(group, MODIFY, 1, () => {
      without(group, 'sgr-01');
      return 'cut';
    });
    const notes: Change[] = [];

    await expect(group.apply(shrink(group), (soFar) => notes.push(soFar))).rejects.toThrow('socket hang up');

    expect(notes.at(-1)).toMatchObject({ made: [{ fromPort: 20 }], unconfirmed: 'shrinking' });
    expect(lines(group)).toEqual(['new tcp 20-21 0.0.0.0/0']);
  });

  test('and had no effect leaves the part noted, because the wide rule still exists', async () => {
    const group = new SecurityGroupModel([wide]);
    meddle(group, MODIFY, 1, () => 'cut');
    const notes: Change[] = [];

    await expect(group.apply(shrink(group), (soFar) => notes.push(soFar))).rejects.toThrow('socket hang up');

    expect(notes.at(-1)).toMatchObject({ made: [{ fromPort: 20 }], unconfirmed: 'shrinking' });
    const inverse = await inverseOf(notes.at(-1) ?? shrink(group));
    if (inverse !== undefined) await group.apply(inverse);
    expect(group.rules).toEqual([wide]);
  });
});

describe('a rule that AWS can’t modify', () => {
  const notThis = (group: SecurityGroupModel): void => {
    group.refuse = (operation) => (operation === MODIFY ? 'UnsupportedOperation' : undefined);
  };

  test('is replaced: its parts are added, and then it is revoked; the undo restores the same rule', async () => {
    const group = new SecurityGroupModel([wide]);
    notThis(group);

    const applied = await group.apply(shrink(group));
    const shrunk = lines(group);
    const inverse = await inverseOf(applied);
    if (inverse !== undefined) await group.apply(inverse);

    expect(shrunk).toEqual(['new tcp 20-21 0.0.0.0/0', 'new tcp 23-443 0.0.0.0/0']);
    expect(lines(group)).toEqual(['new tcp 20-443 0.0.0.0/0']);
  });

  test('leaves nothing if it is removed in the meantime', async () => {
    const group = new SecurityGroupModel([wide]);
    notThis(group);
    meddle(group, REVOKE, 1, () => without(group, 'sgr-01'));

    await failure(group.apply(shrink(group)), 'StalePlanError');

    expect(lines(group)).toEqual([]);
  });

  test('because the narrow rule already exists: the existing rule stays, and an undo leaves it', async () => {
    const group = new SecurityGroupModel([wide]);
    const theirs = rule('sgr-09', 'tcp 23-443 from 0.0.0.0/0', { description: 'theirs' });
    meddle(group, MODIFY, 1, () => {
      group.rules = [...group.rules, theirs];
      return undefined;
    });

    const applied = await group.apply(shrink(group));
    const shrunk = lines(group);
    const inverse = await inverseOf(applied);
    if (inverse !== undefined) await group.apply(inverse);

    expect(shrunk).toEqual(['new tcp 20-21 0.0.0.0/0', 'sgr-09 tcp 23-443 0.0.0.0/0']);
    expect(lines(group)).toEqual(['sgr-09 tcp 23-443 0.0.0.0/0', 'new tcp 20-443 0.0.0.0/0']);
  });

  test('is not replaced if AWS denies the call: what was added is taken back', async () => {
    const group = new SecurityGroupModel([wide]);
    group.refuse = (operation) => (operation === MODIFY ? 'UnauthorizedOperation' : undefined);

    await failure(group.apply(shrink(group)), 'UnauthorizedOperation');

    expect(group.rules).toEqual([wide]);
  });
});

describe('a group without room', () => {
  test('is left unchanged, and the error says what to do; a rule that looks like a part stays', async () => {
    const group = new SecurityGroupModel([wide]);
    const alike = rule('sgr-09', 'tcp 20-21 from 0.0.0.0/0');
    group.refuse = (operation) => {
      if (operation !== ADD) return undefined;
      group.rules = [...group.rules, alike];
      return 'RulesPerSecurityGroupLimitExceeded';
    };

    const message = await failure(group.apply(shrink(group)), 'ChangeRefusedError');

    expect(message).toContain(
      'has no room for 1 more rule (RulesPerSecurityGroupLimitExceeded): nothing was changed',
    );
    expect(group.rules).toEqual([wide, alike]);
  });
});

describe('undoing', () => {
  async function shrunkGroup() {
    const group = new SecurityGroupModel([wide, office]);
    const inverse = await inverseOf(await group.apply(shrink(group)));
    if (inverse === undefined) throw new Error('expected an inverse');
    return { group, inverse };
  }

  test('widens the rule in place, and then revokes what was added', async () => {
    const { group, inverse } = await shrunkGroup();

    const undone = await group.apply(inverse);

    expect(group.rules).toEqual([wide, office]);
    expect(group.calls.slice(4)).toEqual([LOOK, MODIFY, LOOK, REVOKE]);
    const redo = await inverseOf(undone);
    if (redo !== undefined) await group.apply(redo);
    expect(lines(group)[0]).toBe('sgr-01 tcp 23-443 0.0.0.0/0');
  });

  test.each([
    {
      what: 'the part was added',
      old: ({ rules }: SecurityGroupModel) => rules.map((each) => (each.id === wide.id ? wide : each)),
    },
    { what: 'anything was changed', old: () => [wide, office] },
  ])('restores the group, although its first reads are from before $what', async ({ old }) => {
    for (const reads of [1, 2, 3]) {
      const { group, inverse } = await shrunkGroup();
      let seen = 0;
      let current: readonly ExistingRule[] | undefined;
      group.before = (operation) => {
        if (current !== undefined) group.rules = current;
        current = undefined;
        if (operation !== LOOK || seen === reads) return undefined;
        seen += 1;
        current = group.rules;
        group.rules = old(group);
        return undefined;
      };

      await group.apply(inverse);

      expect(group.rules).toEqual([wide, office]);
    }
  });

  test('revokes the parts even if no read shows them yet', async () => {
    const { group, inverse } = await shrunkGroup();
    const made = group.rules.filter(({ id }) => id !== wide.id && id !== office.id);
    group.before = (operation) => {
      const others = group.rules.filter(({ id }) => !made.some((each) => each.id === id));
      const isThere = operation !== LOOK && group.calls.filter((each) => each === REVOKE).length < 2;
      group.rules = isThere ? [...others, ...made] : others;
      return undefined;
    };

    await group.apply(inverse);

    expect(group.calls.at(-1)).toBe(REVOKE);
    expect(group.rules).toEqual([wide, office]);
  });

  test('of two shrinks of the same rule restores the group, although reads still show the second one', async () => {
    const all = rule('sgr-01', 'tcp 0-65535 from 0.0.0.0/0');
    const group = new SecurityGroupModel([all]);
    const above = part('tcp 3390-65535 from 0.0.0.0/0');
    const first = await group.apply(
      shrink(group, { before: all, after: above, pieces: [part('tcp 0-3388 from 0.0.0.0/0')] }),
    );
    const [, between = all] = group.rules;
    const second = await group.apply(
      shrink(group, {
        before: between,
        after: part('tcp 23-3388 from 0.0.0.0/0'),
        pieces: [part('tcp 0-21 from 0.0.0.0/0')],
      }),
    );
    const shrunkTwice = group.rules;
    const inverses = await Promise.all([inverseOf(second), inverseOf(first)]);
    if (inverses[0] !== undefined) await group.apply(inverses[0]);
    let current: readonly ExistingRule[] | undefined;
    group.before = (operation) => {
      if (current !== undefined) group.rules = current;
      current = operation === LOOK ? group.rules : undefined;
      if (current !== undefined) group.rules = shrunkTwice;
      return undefined;
    };

    if (inverses[1] !== undefined) await group.apply(inverses[1]);
    group.before('', 0);

    expect(group.rules).toEqual([all]);
  });

  test('is completed by a second attempt', async () => {
    const { group, inverse } = await shrunkGroup();
    meddle(group, REVOKE, 1, () => 'cut');
    await expect(group.apply(inverse)).rejects.toThrow('socket hang up');
    group.before = () => undefined;

    await group.apply(inverse);

    expect(group.rules).toEqual([wide, office]);
  });

  test.each([
    {
      what: 'gone',
      act: (group: SecurityGroupModel) => without(group, 'sgr-01'),
      words: 'is gone, so it cannot be widened again',
    },
    {
      what: 'changed',
      act: (group: SecurityGroupModel) => changed(group, rule('sgr-01', 'tcp 443 from 0.0.0.0/0')),
      words: 'was left as tcp 23-443 from 0.0.0.0/0 and is now tcp 443 from 0.0.0.0/0',
    },
  ])('is refused if the rule is $what', async ({ act, words }) => {
    const { group, inverse } = await shrunkGroup();
    act(group);
    const standing = group.rules;

    const message = await failure(group.apply(inverse), 'ChangeRefusedError');

    expect(message.replaceAll("'", '’')).toContain(words);
    expect(group.rules).toEqual(standing);
  });

  test('leaves an added part that its owner has since narrowed', async () => {
    const { group, inverse } = await shrunkGroup();
    const added = group.rules.at(-1);
    if (added === undefined) throw new Error('expected a part');
    changed(group, { ...added, source: '203.0.113.0/24' });

    await group.apply(inverse);

    expect(lines(group)).toContain('new tcp 20-21 203.0.113.0/24');
  });

  test('of a change without a recorded result removes what looks like its parts', async () => {
    const group = new SecurityGroupModel([wide]);
    await group.apply(shrink(group));

    const inverse = await inverseOf(shrink(group));
    if (inverse !== undefined) await group.apply(inverse);

    expect(group.rules).toEqual([wide]);
  });
});

describe('an interrupted application', () => {
  const added = rule('sgr-05', 'tcp 20-21 from 0.0.0.0/0');
  const theirs = rule('sgr-06', 'tcp 20-21 from 0.0.0.0/0', { description: 'theirs' });
  const end = rule('sgr-07', 'tcp 23-443 from 0.0.0.0/0');
  const narrowed = rule('sgr-01', 'tcp 443 from 0.0.0.0/0');
  const shrunk = { ...wide, fromPort: 23 };
  const late = { isLagOver: true };
  const soon = { isLagOver: false };

  test.each([
    { what: 'the wide rule is gone', standing: [added, office], left: [office], state: 'settled' },
    { what: 'the wide rule is different', standing: [narrowed, added], left: [narrowed], state: 'settled' },
    { what: 'the wide rule is unchanged', standing: [wide, added], left: [wide], state: 'settled' },
    // A read from before the part was added may show the earlier rule.
    {
      what: 'someone else’s rule exists instead of the added one',
      standing: [theirs],
      left: [theirs],
      state: 'pending',
    },
  ])('is taken back if $what', async ({ standing, left, state }) => {
    const planned = new SecurityGroupModel(standing);
    const noted = new SecurityGroupModel(standing);

    const begun = shrink(planned, { made: [], mayBeMade: true });
    const parts: TakenPart[] = [];
    const known = { isNoted: true, ...late };
    const change = await takeBackChange(planned.session, begun, known, (part) => parts.push(part));
    const settled = await takeBackChange(noted.session, shrink(noted, { made: [added] }), {
      isNoted: true,
      ...soon,
    });

    expect([planned.rules, noted.rules]).toEqual([left, left]);
    expect([change.state, settled.state]).toEqual(['settled', state]);
    expect(parts.map(({ taken }) => taken.kind)).toEqual(
      left.length < standing.length ? ['security-group-rules-revoke'] : [],
    );
  });

  test('leaves what another change made or depends on, and records that it had been added', async () => {
    const group = new SecurityGroupModel([added]);
    const other = shrink(group, { before: office, after: part('tcp 23 from 203.0.113.7/32') });
    const known = { isNoted: true, ...late };
    const begun = shrink(group, { made: [], mayBeMade: true });
    const makes = { ...other, made: [added], shrunk: null };
    const { pieces: _, ...rest } = other;
    const restsOn = { ...rest, pieces: [], remains: [low], made: [], shrunk: null };

    const theirs = await takeBackChange(group.session, begun, { ...known, others: [makes] });
    const unknown = await takeBackChange(group.session, begun, { ...known, others: [restsOn] });

    expect(group.rules).toEqual([added]);
    expect(theirs).toEqual({ state: 'settled' });
    expect(unknown).toMatchObject({ state: 'settled', made: { made: [added] } });
  });

  test('that ended before its first call added nothing, even if rules look like its parts', async () => {
    const standing = [added, narrowed];
    const group = new SecurityGroupModel(standing);

    const change = await takeBackChange(group.session, shrink(group), { isNoted: false, ...late });

    expect(change).toEqual({ state: 'settled' });
    expect(group.rules).toEqual(standing);
  });

  test.each([
    { what: 'a read that must be current', noted: [], isLagOver: true },
    { what: 'a read with a noted id', noted: [added], isLagOver: false },
  ])('was completed if $what shows the wide rule as planned', async ({ noted, isLagOver }) => {
    const group = new SecurityGroupModel([shrunk, added]);
    const mayBeMade = noted.length === 0 ? { mayBeMade: true as const } : {};
    const begun = shrink(group, { made: noted, unconfirmed: 'shrinking', ...mayBeMade });

    const { state, done } = await takeBackChange(group.session, begun, {
      isNoted: true,
      isLagOver,
    });

    expect(state).toBe('settled');
    expect(done).toMatchObject({ made: [added], shrunk });
    expect(group.rules).toEqual([shrunk, added]);
  });

  test('is pending while a read without the wide rule may be older than that rule', async () => {
    const group = new SecurityGroupModel([theirs]);
    const begun = shrink(group, { made: [added], unconfirmed: 'shrinking' });

    const change = await takeBackChange(group.session, begun, { isNoted: true, ...soon });

    expect(change).toEqual({ state: 'pending' });
    expect(group.calls).toEqual([LOOK]);
  });

  test('is pending while a read that shows the wide rule as planned may be from before it was wide', async () => {
    const group = new SecurityGroupModel([shrunk, theirs]);

    const begun = shrink(group, { made: [], mayBeMade: true });
    const { state, done } = await takeBackChange(group.session, begun, { isNoted: true, ...soon });

    expect([state, done]).toEqual(['pending', undefined]);
    expect(group.rules).toEqual([shrunk, theirs]);
  });

  test('is pending while reads may not show yet that the wide rule was shrunk', async () => {
    const group = new SecurityGroupModel([wide, added]);
    const change = shrink(group, { made: [added], unconfirmed: 'shrinking' });

    const { state } = await takeBackChange(group.session, change, { isNoted: true, ...soon });

    expect(state).toBe('pending');
    expect(group.rules).toEqual([wide, added]);
  });

  test('is taken back even if no read shows it yet, but not if someone has added the same rule again', async () => {
    const hidden = new SecurityGroupModel([added]);
    const replaced = new SecurityGroupModel([theirs]);
    // Reads show the earlier state until something is written.
    hidden.before = (operation) => {
      hidden.rules = operation === LOOK ? [] : [added];
      return undefined;
    };

    await takeBackChange(hidden.session, shrink(hidden, { made: [added] }), { isNoted: true, ...soon });
    await takeBackChange(replaced.session, shrink(replaced, { made: [added] }), { isNoted: true, ...soon });

    expect([hidden.rules, replaced.rules]).toEqual([[], [theirs]]);
  });

  test('leaves a part whose description its owner has changed, even if the first reads are older', async () => {
    const described = { ...added, description: 'theirs' };
    const group = new SecurityGroupModel([]);
    meddle(group, LOOK, 3, () => {
      group.rules = [described];
      return undefined;
    });

    await takeBackChange(group.session, shrink(group, { made: [added] }), { isNoted: true, ...soon });

    expect(group.rules).toEqual([described]);
    expect(group.calls).toEqual([LOOK, LOOK, LOOK]);
  });

  test('is recorded even if the rest is on hold, and is not later confused with another rule', async () => {
    const mate = rule('sgr-fb', 'tcp 30 from 0.0.0.0/0');
    const group = new SecurityGroupModel([office, added, mate]);
    const noted = shrink(group, { pieces: [low, part('tcp 30 from 0.0.0.0/0')], made: [added, mate] });
    const parts: TakenPart[] = [];
    const takeBack = (since: readonly Change[]) =>
      takeBackChange(group.session, noted, { isNoted: true, ...late, since }, (each) => parts.push(each));
    let checks = 0;
    const held = () => {
      checks += 1;
      // Its owner removes one rule before the first call, which is refused as a whole. Each rule is then revoked separately.
      if (checks === 1) without(group, 'sgr-fb');
      if (checks === 3) throw new BlockedError('paused');
    };

    const first = await checkingChanges(held, () => takeBack([]));
    const theirs = { ...added, id: 'sgr-0c' };
    group.rules = [office, theirs];
    const second = await takeBack(parts.map(({ taken }) => taken));

    expect([first.state, second.state]).toEqual(['pending', 'settled']);
    expect(parts).toMatchObject([{ taken: { revoked: [{ id: added.id }] } }]);
    expect(group.rules).toEqual([office, theirs]);
  });

  test('stays if the wide rule was revoked for its parts', async () => {
    const standing = [added, end];
    const group = new SecurityGroupModel(standing);
    const change = shrink(group, { made: standing, replaces: true });

    const { state } = await takeBackChange(group.session, change, { isNoted: true, ...late });

    expect(state).toBe('unconfirmed');
    expect(group.rules).toEqual(standing);
  });
});

test('stale reads show the unchanged rule', async () => {
  const group = new SecurityGroupModel([wide]);
  const applied = await group.apply(shrink(group));

  const visible = await isChangeVisible(group.session, applied);
  group.rules = [wide];
  const lagging = await isChangeVisible(group.session, applied);

  expect([visible, lagging]).toEqual([true, false]);
});
