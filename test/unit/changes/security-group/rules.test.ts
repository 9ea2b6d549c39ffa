import { describe, expect, test } from 'vitest';
import type { Change, TakenPart } from '../../../../lambdas/changes/change.ts';
import { applyChange, inverseOf, isChangeVisible } from '../../../../lambdas/changes/index.ts';
import type { ExistingRule, IngressRule } from '../../../../lambdas/changes/security-group/ingress-rule.ts';
import { changeKind as authorizeKind } from '../../../../lambdas/changes/security-group/rules-authorize.ts';
import { changeKind as revokeKind } from '../../../../lambdas/changes/security-group/rules-revoke.ts';
import { testSession } from '../../../lab/accounts/session.ts';
import { ec2Error, type ReceivedCall, scriptedAws } from '../../../lab/scripted-aws/scripted-aws.ts';
import { answerForSecurityGroups, type ScriptedGroup } from '../../../lab/scripted-aws/security-groups.ts';

const GROUP = 'sg-0123456789abcdef0';

function piece(text: string, more: Partial<IngressRule> = {}): IngressRule {
  const [, protocol = '', from = '', to = from, source = ''] =
    /^(\S+) (\d+)(?:-(\d+))? from (\S+)$/.exec(text) ?? [];
  return { protocol, fromPort: Number(from), toPort: Number(to), source, description: '', tags: {}, ...more };
}

const standing = (id: string, text: string, more: Partial<IngressRule> = {}): ExistingRule => ({
  ...piece(text, more),
  id,
});

const authorize = (...rules: IngressRule[]) => ({
  kind: 'security-group-rules-authorize',
  resource: GROUP,
  rules,
});
const revoke = (...rules: ExistingRule[]) => ({
  kind: 'security-group-rules-revoke',
  resource: GROUP,
  rules,
});

/** The same, as part of a plan. */
const planned = (rule: ExistingRule, remains: IngressRule[] = []) => ({ ...revoke(rule), remains });

const sessionOf = (endpoint: string) =>
  testSession({ endpoint, account: '111122223333', region: 'eu-central-1' });
const actionOf = ({ form }: ReceivedCall): string | null => form.get('Action');

/** A group of `groups`, behind a real HTTP server. */
function serve(group: ScriptedGroup) {
  return scriptedAws(answerForSecurityGroups({ [GROUP]: group }));
}

describe('rules are added', () => {
  test('with one call each, with descriptions and tags, for both address families', async () => {
    const group: ScriptedGroup = { rules: [] };
    const label = { description: 'web', tags: { team: 'blue' } };
    await using aws = await serve(group);

    const applied = await applyChange(
      sessionOf(aws.endpoint),
      authorize(piece('tcp 20-21 from 0.0.0.0/0', label), piece('tcp 23-443 from ::/0', label)),
    );

    expect(aws.calls.map(actionOf)).toEqual([
      'DescribeSecurityGroupRules',
      'AuthorizeSecurityGroupIngress',
      'AuthorizeSecurityGroupIngress',
    ]);
    expect(group.rules).toMatchObject([
      { fromPort: 20, toPort: 21, source: '0.0.0.0/0', ...label },
      { fromPort: 23, toPort: 443, source: '::/0', ...label },
    ]);
    expect(authorizeKind.schema.parse(applied).made).toEqual(group.rules);
  });

  test('except for existing ones, which an undo must not remove', async () => {
    const group: ScriptedGroup = { rules: [standing('sgr-01', 'tcp 20-21 from 0.0.0.0/0')] };
    await using aws = await serve(group);
    const session = sessionOf(aws.endpoint);

    const applied = await applyChange(
      session,
      authorize(piece('tcp 20-21 from 0.0.0.0/0'), piece('tcp 23 from 0.0.0.0/0')),
    );
    const inverse = await inverseOf(applied);
    if (inverse !== undefined) await applyChange(session, inverse);

    expect(authorizeKind.schema.parse(applied).made).toMatchObject([{ fromPort: 23 }]);
    expect(group.rules.map(({ id }) => id)).toEqual(['sgr-01']);
  });

  test('all or none: a group without room is left unchanged, and the error says what to do', async () => {
    const before = [standing('sgr-01', 'tcp 22 from 0.0.0.0/0')];
    const group: ScriptedGroup = { rules: before, quota: 2 };
    await using aws = await serve(group);

    const application = applyChange(
      sessionOf(aws.endpoint),
      authorize(piece('tcp 1 from 0.0.0.0/0', { tags: { team: 'blue' } }), piece('tcp 2 from 0.0.0.0/0')),
    );

    await expect(application).rejects.toMatchObject({
      name: 'ChangeRefusedError',
      message: expect.stringContaining('nothing was changed'),
    });
    expect(group.rules).toEqual(before);
  });

  test('and what could be taken back is recorded, even if the rest could not', async () => {
    const group: ScriptedGroup = { rules: [], quota: 3 };
    const answer = answerForSecurityGroups({ [GROUP]: group });
    let revokes = 0;
    await using aws = await scriptedAws((call) => {
      if (actionOf(call) === 'RevokeSecurityGroupIngress') revokes += 1;
      // Its owner removes the first one, so that each is revoked separately.
      if (revokes === 1) group.rules = group.rules.filter(({ fromPort }) => fromPort !== 1);
      return revokes === 4 ? ec2Error('UnauthorizedOperation') : answer(call);
    });
    const parts: TakenPart[] = [];
    const notes: Change[] = [];
    const rules = [1, 2, 3, 4].map((port) => piece(`tcp ${port} from 0.0.0.0/0`));

    const application = applyChange(
      sessionOf(aws.endpoint),
      authorize(...rules),
      (soFar) => void notes.push(soFar),
      { tookBack: (part) => parts.push(part) },
    );

    await expect(application).rejects.toMatchObject({ name: 'TakeBackError' });
    expect(group.rules).toMatchObject([{ fromPort: 3 }]);
    expect(parts).toMatchObject([
      { made: { made: [{ fromPort: 2 }] }, taken: { revoked: [{ fromPort: 2 }] } },
    ]);
    expect(notes.at(-1)).toMatchObject({ made: [{ fromPort: 1 }, { fromPort: 3 }] });
  });

  test('with a call that is not answered: no read shows whether it had an effect', async () => {
    const group: ScriptedGroup = { rules: [] };
    const answer = answerForSecurityGroups({ [GROUP]: group });
    await using aws = await scriptedAws((call) => {
      const answered = answer(call);
      return actionOf(call) === 'AuthorizeSecurityGroupIngress' ? 'cut' : answered;
    });

    const change = authorize(piece('tcp 23 from 0.0.0.0/0'));
    await expect(applyChange(sessionOf(aws.endpoint), change)).rejects.toThrow('socket hang up');

    expect(group.rules).toHaveLength(1);
    expect(aws.calls.map(actionOf)).toEqual(['DescribeSecurityGroupRules', 'AuthorizeSecurityGroupIngress']);
  });
});

test('not to a group that is gone: the error says so', async () => {
  await using aws = await scriptedAws(answerForSecurityGroups({}));

  const application = applyChange(sessionOf(aws.endpoint), authorize(piece('tcp 23 from 0.0.0.0/0')));

  await expect(application).rejects.toMatchObject({ name: 'ChangeRefusedError', because: 'gone' });
});

test.each([
  { what: 'a revocation', change: (rules: ExistingRule[]) => revoke(...rules) },
  {
    what: 'a widening',
    change: (rules: ExistingRule[]) => ({
      kind: 'security-group-rule-widen',
      resource: GROUP,
      before: null,
      after: standing('sgr-0f', 'tcp 20-443 from 0.0.0.0/0'),
      pieces: [],
      made: rules,
    }),
  },
])('$what notes what was revoked, even if a later call is refused', async ({ change }) => {
  const rules = [1, 2, 3].map((port) => standing(`sgr-0${port}`, `tcp ${port} from 0.0.0.0/0`));
  const group: ScriptedGroup = { rules };
  const answer = answerForSecurityGroups({ [GROUP]: group });
  let revokes = 0;
  await using aws = await scriptedAws((call) => {
    if (actionOf(call) === 'RevokeSecurityGroupIngress') revokes += 1;
    if (revokes === 1) group.rules = group.rules.filter(({ id }) => id !== 'sgr-01');
    return revokes === 4 ? ec2Error('UnauthorizedOperation') : answer(call);
  });
  const notes: Change[] = [];

  const application = applyChange(sessionOf(aws.endpoint), change(rules), (soFar) => void notes.push(soFar));

  await expect(application).rejects.toMatchObject({ name: 'UnauthorizedOperation' });
  expect(notes.at(-1)).toMatchObject({ revoked: [{ id: 'sgr-02' }] });
});

describe('a plan’s revocation', () => {
  const open = standing('sgr-01', 'tcp 22 from 0.0.0.0/0');
  const low = piece('tcp 20-21 from 0.0.0.0/0');

  test.each([
    { what: 'gone', stands: [] },
    { what: 'narrowed by its owner', stands: [standing('sgr-01', 'tcp 22 from 203.0.113.7/32')] },
    { what: 'unchanged, while a rule that the plan depends on is gone', stands: [open], remains: [low] },
  ])('of a rule that is $what is stale, and changes nothing', async ({ stands, remains = [] }) => {
    const group: ScriptedGroup = { rules: stands };
    await using aws = await serve(group);

    const application = applyChange(sessionOf(aws.endpoint), planned(open, remains));

    await expect(application).rejects.toMatchObject({ name: 'StalePlanError' });
    expect(aws.calls.map(actionOf)).toEqual(['DescribeSecurityGroupRules']);
    expect(group.rules).toEqual(stands);
  });

  test.each([{ isInDefaultVpc: false }, { isInDefaultVpc: true }])(
    'of a rule that its owner narrows between the read and the call changes nothing: $isInDefaultVpc',
    async (vpc) => {
      const narrowed = { ...open, source: '10.0.0.0/8' };
      const group: ScriptedGroup = { ...vpc, rules: [open] };
      const answer = answerForSecurityGroups({ [GROUP]: group });
      await using aws = await scriptedAws((call) => {
        if (actionOf(call) === 'RevokeSecurityGroupIngress') group.rules = [narrowed];
        return answer(call);
      });

      const application = applyChange(sessionOf(aws.endpoint), planned(open));

      await expect(application).rejects.toMatchObject({ name: 'StalePlanError' });
      expect(group.rules).toEqual([narrowed]);
    },
  );

  test('records the rule that was removed, even if someone had replaced it with the same rule', async () => {
    const again = { ...open, id: 'sgr-0a', description: 'again' };
    const group: ScriptedGroup = { rules: [open] };
    const answer = answerForSecurityGroups({ [GROUP]: group });
    await using aws = await scriptedAws((call) => {
      if (actionOf(call) === 'RevokeSecurityGroupIngress') group.rules = [again];
      return answer(call);
    });

    const applied = await applyChange(sessionOf(aws.endpoint), planned(open));

    expect(revokeKind.schema.parse(applied).revoked).toEqual([again]);
  });

  test('of a rule that someone else removes between the read and the call is not recorded as ours', async () => {
    const group: ScriptedGroup = { rules: [open] };
    const answer = answerForSecurityGroups({ [GROUP]: group });
    await using aws = await scriptedAws((call) => {
      if (actionOf(call) === 'RevokeSecurityGroupIngress') group.rules = [];
      return answer(call);
    });

    const application = applyChange(sessionOf(aws.endpoint), planned(open));

    await expect(application).rejects.toMatchObject({ name: 'StalePlanError' });
  });

  test('is visible in current reads', async () => {
    const group: ScriptedGroup = { rules: [open] };
    await using aws = await serve(group);
    const session = sessionOf(aws.endpoint);
    const applied = await applyChange(session, planned(open));

    const visible = await isChangeVisible(session, applied);
    group.rules = [open];
    const lagging = await isChangeVisible(session, applied);

    expect([visible, lagging]).toEqual([true, false]);
  });
});

describe('rules are revoked', () => {
  const rules = [standing('sgr-01', 'tcp 22 from 0.0.0.0/0'), standing('sgr-02', 'tcp 22 from ::/0')];
  const legitimate = standing('sgr-03', 'tcp 22 from 203.0.113.7/32', { description: 'office' });

  test('by their content, with one call, and no other rules', async () => {
    const group: ScriptedGroup = { rules: [...rules, legitimate] };
    await using aws = await serve(group);

    const applied = await applyChange(sessionOf(aws.endpoint), revoke(...rules));

    expect(aws.calls).toHaveLength(1);
    expect(group.rules).toEqual([legitimate]);
    expect(revokeKind.schema.parse(applied).revoked).toEqual(rules);
  });

  test('and restored by the inverse, with descriptions and tags, except for tags that AWS reserves', async () => {
    const rule = standing('sgr-01', 'tcp 22 from 0.0.0.0/0', {
      description: 'it',
      tags: { team: 'blue', 'aws:cloudformation:stack-name': 'web' },
    });
    const group: ScriptedGroup = { rules: [rule] };
    await using aws = await serve(group);
    const session = sessionOf(aws.endpoint);

    const applied = await applyChange(session, revoke(rule));
    const inverse = await inverseOf(applied);
    if (inverse !== undefined) await applyChange(session, inverse);

    expect(group.rules).toMatchObject([
      { fromPort: 22, source: '0.0.0.0/0', description: 'it', tags: { team: 'blue' } },
    ]);
  });

  test('except for one that is already gone, which an undo must not restore', async () => {
    const group: ScriptedGroup = { rules: rules.slice(1) };
    await using aws = await serve(group);

    const applied = await applyChange(sessionOf(aws.endpoint), revoke(...rules));

    expect(group.rules).toEqual([]);
    expect(revokeKind.schema.parse(applied).revoked).toEqual(rules.slice(1));
  });

  test.each(['InvalidGroup.NotFound', 'InvalidSecurityGroupID.NotFound'])(
    'in a group that is gone (%s): there is nothing to do and nothing to undo',
    async (code) => {
      await using aws = await scriptedAws(() => ec2Error(code));

      const applied = await applyChange(sessionOf(aws.endpoint), revoke(...rules));

      await expect(inverseOf(applied)).resolves.toBeUndefined();
    },
  );

  test('once, even if the call is not answered: an undo must restore them', async () => {
    const group: ScriptedGroup = { rules };
    const answer = answerForSecurityGroups({ [GROUP]: group });
    let calls = 0;
    await using aws = await scriptedAws((call) => {
      calls += 1;
      const answered = answer(call);
      return calls === 1 ? 'cut' : answered;
    });

    const applied = await applyChange(sessionOf(aws.endpoint), revoke(...rules));

    expect(revokeKind.schema.parse(applied).revoked).toEqual(rules);
  });

  test('also if the call had no effect and the next read is from before they were added', async () => {
    const group: ScriptedGroup = { rules };
    const answer = answerForSecurityGroups({ [GROUP]: group });
    const old = answerForSecurityGroups({ [GROUP]: { rules: [] } });
    let calls = 0;
    await using aws = await scriptedAws((call) => {
      calls += 1;
      if (calls === 1) return 'cut';
      return calls === 2 ? old(call) : answer(call);
    });

    const applied = await applyChange(sessionOf(aws.endpoint), revoke(...rules));

    expect(group.rules).toEqual([]);
    expect(revokeKind.schema.parse(applied).revoked).toEqual(rules);
  });

  test('a denial is thrown as AWS returned it', async () => {
    await using aws = await scriptedAws(() => ec2Error('UnauthorizedOperation', 'not you'));

    const application = applyChange(sessionOf(aws.endpoint), revoke(...rules));

    await expect(application).rejects.toMatchObject({ name: 'UnauthorizedOperation' });
  });
});
