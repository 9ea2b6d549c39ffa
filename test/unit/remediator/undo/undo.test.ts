import { beforeEach, describe, expect, test } from 'vitest';
import type { Fix } from '../../../../lambdas/model/requests.ts';
import { modelSession } from '../../../lab/aws-model/session.ts';
import { GroupAccount, openRule, RDP, SSH } from '../support/group-account.ts';
import { awsError, jobOf, REGION, RemediatorInMemory, RULE } from '../support/remediator-in-memory.ts';
import { UndoDesk } from '../support/undo-desk.ts';

const GROUP = 'sg-0000000a';
const OTHER = 'sg-0000000b';
const MINUTE = 60_000;

let account: GroupAccount;
let desk: UndoDesk;

beforeEach(() => {
  account = new GroupAccount({
    [GROUP]: [openRule('sgr-01', 20, 23), openRule('sgr-02', 22, 22)],
    [OTHER]: [openRule('sgr-03', 22, 22)],
  });
  desk = new UndoDesk(account.remediator);
});

/** Fixes a group, and lets AWS's reads catch up. @returns the fix */
async function fixed(group = GROUP, rule = SSH): Promise<Fix> {
  const { remediator } = account;
  const job = account.job(rule, group);
  const asOf = new Date(remediator.now).toISOString();
  await remediator.attempt({ ...job, poll: { ...job.poll, asOf } });
  for (let next = remediator.later.shift(); next !== undefined; next = remediator.later.shift()) {
    remediator.now += next.delaySeconds * 1000;
    await remediator.attempt(next.job);
  }
  remediator.now += 20 * MINUTE;
  const [fix] = desk.fixesOf(group);
  if (fix === undefined) throw new Error(`${group} was not fixed`);
  return fix;
}

describe('an undo', () => {
  test('records who requested it, what it undoes, and the changes that it made', async () => {
    const fix = await fixed();

    const [outcome] = await desk.undo([fix], { reason: 'cut our bastion off' });

    expect(outcome).toMatchObject({
      outcome: 'undone',
      finding: { rule: SSH, region: REGION, resource: GROUP },
      plan: [
        { line: expect.stringMatching(/^~ ingress tcp 20-21 .* -> tcp 20-23, without tcp 23 /) },
        { line: '+ ingress tcp 22 from 0.0.0.0/0' },
      ],
      undo: {
        request: { principal: 'AROAOPERATOR:ada' },
        by: 'ada@example.com',
        reason: 'cut our bastion off',
        undoes: fix.evidence,
      },
    });
    expect(account.ports(GROUP)).toEqual(['tcp 20-23', 'tcp 22-22']);
  });

  test('is in the history of the finding, and removes what it reverted from the recent changes', async () => {
    const fix = await fixed();
    await desk.undo([fix]);

    const [known] = [...account.remediator.table.findings.values()];
    const changed = account.remediator.table.changed.get(GROUP)?.changes ?? [];

    expect(known?.changes.map(({ outcome }) => outcome)).toEqual(['remediated', 'undone']);
    expect(changed.map(({ undo }) => undo)).toEqual([true, true]);
  });

  test('has its own session, with the permissions for undo', async () => {
    const fix = await fixed();
    const sessions: { name: string; actions: string[] }[] = [];
    const open = account.remediator.openSession;
    account.remediator.openSession = (request, now, life) => {
      const actions = request.permissions.flatMap((permission) => permission.actions);
      sessions.push({ name: request.name, actions });
      if (open === undefined) throw new Error('there are no sessions');
      return open(request, now, life);
    };

    await desk.undo([fix]);

    expect(sessions).toEqual([
      {
        name: expect.stringMatching(/^undo\.security-group-ssh-open@\d+$/),
        actions: expect.arrayContaining(['ec2:ModifySecurityGroupRules']),
      },
    ]);
  });

  test('waits neither for a window nor for a limit, and continues during a pause', async () => {
    const fix = await fixed();
    account.remediator.pause = 'all';

    expect(await desk.undo([fix])).toMatchObject([{ outcome: 'undone' }]);
  });

  test('announces its evidence before it is written, for lists of outcomes', async () => {
    const fix = await fixed();

    await desk.undo([fix]);

    const undone = [...account.remediator.objects.keys()].at(-1) ?? '';
    expect([...desk.announced]).toEqual([undone]);
  });

  test('is stopped by all+undo, before and between its calls', async () => {
    const fix = await fixed();
    account.remediator.pause = 'all+undo';
    const before = desk.ask([fix]);
    await desk.act(before);
    const untouched = account.ports(GROUP);
    account.remediator.pause = 'none';
    account.after = ({ operation }) => {
      if (operation !== 'ModifySecurityGroupRules' && operation !== 'AuthorizeSecurityGroupIngress') return;
      account.remediator.pause = 'all+undo';
    };
    const [amid] = await desk.undo([fix]);
    account.after = () => {};
    account.remediator.pause = 'none';
    const [then] = await desk.undo([fix]);

    expect(desk.result(before)).toMatchObject({
      state: 'refused',
      reason: expect.stringMatching(/undo is paused/),
    });
    expect(untouched).toEqual(['tcp 20-21', 'tcp 23-23']);
    expect(amid).toMatchObject({
      outcome: 'undo_refused',
      gate: 'pause',
      reason: expect.stringMatching(/already undone: "~ ingress/),
    });
    // A later request continues where that one was stopped.
    expect(then).toMatchObject({ outcome: 'undone' });
    expect(account.ports(GROUP)).toEqual(['tcp 20-23', 'tcp 22-22']);
  });

  test('of an undo is refused, with the reason', async () => {
    const fix = await fixed();
    await desk.undo([fix]);
    const undone = [...account.remediator.objects.keys()].at(-1) ?? '';

    const [outcome] = await desk.undo([{ ...fix, evidence: undone }]);

    expect(outcome).toMatchObject({
      outcome: 'undo_refused',
      reason: expect.stringMatching(/records an undo, which cannot be undone\. To fix .* again, release/),
    });
  });

  test('of a fix that is already undone is refused', async () => {
    const fix = await fixed();
    await desk.undo([fix]);

    const [outcome] = await desk.undo([fix]);

    expect(outcome).toMatchObject({
      outcome: 'undo_refused',
      reason: expect.stringMatching(/was already undone at 2026-/),
    });
  });

  test('of a finding that was not changed is refused', async () => {
    account.setRules(GROUP, [openRule('sgr-01', 443, 443)]);
    await account.remediator.attempt(account.job(SSH, GROUP));
    const [evidence = ''] = [...account.remediator.objects.keys()];

    const [outcome] = await desk.undo([{ rule: SSH, region: REGION, resource: GROUP, evidence }]);

    expect(outcome).toMatchObject({
      outcome: 'undo_refused',
      reason: expect.stringMatching(/nothing was changed: its outcome is compliant/),
    });
  });

  test('that cannot be read back says that it was applied', async () => {
    const remediator = new RemediatorInMemory({ deploy: ['old'] });
    await remediator.attempt(jobOf('deploy'));
    remediator.now += 20 * MINUTE;
    const before = remediator.account.changed.length;
    remediator.account.fault = () =>
      remediator.account.changed.length > before ? { code: 'AccessDenied', status: 403 } : undefined;
    const undo = new UndoDesk(remediator);

    const outcomes = await undo.undo(undo.fixesOf('deploy'));

    expect(outcomes).toMatchObject([
      {
        outcome: 'undo_refused',
        reason: expect.stringMatching(/^the undo was applied, but could not be read back: AccessDenied/),
        applied: [{}],
      },
    ]);
  });

  describe('of a fix of which the result of a change is unknown', () => {
    const words = (key: string) =>
      expect.stringContaining(
        `"~ access key ${key} of deploy: Active -> Inactive (created 2025-01-01, never used)" may have been made, and is not undone: check deploy`,
      );

    /** AWS answers nothing from the change of a key on, until the last attempt has ended. */
    async function withoutAnswer(key: string) {
      const remediator = new RemediatorInMemory({ deploy: ['old-1', 'old-2'] });
      let isSilent = false;
      remediator.account.fault = ({ operation, key: changed }) => {
        if (isSilent) return 'cut';
        isSilent = operation === 'UpdateAccessKey' && changed === key;
        return isSilent ? 'lost' : undefined;
      };
      for (const number of [1, 2, 3, 4, 5])
        await remediator.attempt(jobOf('deploy'), { number, last: number === 5 });
      remediator.account.fault = () => undefined;
      remediator.now += 20 * MINUTE;
      const [evidence = ''] = [...remediator.objects.keys()];
      const fix = { rule: RULE, region: 'global', resource: 'deploy', evidence };
      return new UndoDesk(remediator).undo([fix]);
    }

    test('says what it does not undo', async () => {
      expect(await withoutAnswer('old-2')).toMatchObject([{ outcome: 'undone', reason: words('old-2') }]);
    });

    test('is refused with that reason if nothing else was changed', async () => {
      expect(await withoutAnswer('old-1')).toMatchObject([
        { outcome: 'undo_refused', reason: words('old-1') },
      ]);
    });
  });

  test('of a fix that is not in the evidence is refused, and has no outcome', async () => {
    const fix = await fixed();
    const objects = account.remediator.objects.size;
    const forged: Fix[] = [
      { ...fix, resource: OTHER },
      { ...fix, evidence: fix.evidence.replace(/[0-9a-f]{64}/, '0'.repeat(64)) },
      { ...fix, rule: 'no-such-rule' },
      { ...fix, resource: 'all' },
      { ...fix, region: 'us-east-1' },
    ];
    const message = desk.ask(forged);

    const { outcomes } = await desk.act(message);

    expect(outcomes).toEqual([]);
    expect(desk.result(message)?.results.map(({ reason }) => reason)).toEqual([
      expect.stringMatching(/has no line for/),
      expect.stringMatching(/has no line for/),
      'there is no rule no-such-rule',
      'all is not the id of a resource of security-group-ssh-open',
      'the remediator of eu-central-1 cannot undo a fix in us-east-1',
    ]);
    expect(account.remediator.objects.size).toBe(objects);
  });
});

describe('what someone has changed since the fix', () => {
  test('is not overwritten: the undo is refused, and the reason says what changed', async () => {
    const fix = await fixed();
    account.setRules(GROUP, [openRule('sgr-01', 8000, 8080), openRule('sgr-09', 23, 23)]);
    const before = account.ports(GROUP);

    const [outcome] = await desk.undo([fix]);

    expect(outcome).toMatchObject({
      outcome: 'undo_refused',
      reason: expect.stringMatching(
        /the resource has changed since the fix: sg-0000000a: its rule tcp 20-21 .* is now tcp 8000-8080 /,
      ),
      applied: [],
    });
    expect(account.ports(GROUP)).toEqual(before);
  });

  test('is reported with who changed it, if CloudTrail may be queried', async () => {
    const fix = await fixed();
    account.setRules(GROUP, [openRule('sgr-01', 8000, 8080)]);
    const open = account.remediator.openSession;
    const asked: unknown[] = [];
    account.remediator.openSession = (request, now, life) => {
      const actions = request.permissions.flatMap((permission) => permission.actions);
      if (!actions.includes('cloudtrail:LookupEvents')) {
        if (open === undefined) throw new Error('there are no sessions');
        return open(request, now, life);
      }
      expect(actions).toEqual(['cloudtrail:LookupEvents']);
      return modelSession({ account: request.account, region: request.region }, now, async ({ input }) => {
        asked.push(input);
        const eventOf = (arn: string) => ({
          ReadOnly: 'false',
          CloudTrailEvent: JSON.stringify({
            eventName: 'ModifySecurityGroupRules',
            eventTime: '2026-06-30T12:05:00Z',
            userIdentity: { arn },
          }),
        });
        const role = 'arn:aws:sts::111122223333:assumed-role';
        return {
          Events: [
            eventOf(`${role}/cspm-remediation/undo.${SSH}@1782820800`),
            eventOf(`${role}/cspm-remediation/netskope.${SSH}@1782820800`),
            eventOf(`${role}/admins/eve`),
          ],
        };
      });
    };

    const [outcome] = await desk.undo([fix]);

    expect(outcome).toMatchObject({
      outcome: 'undo_refused',
      reason: expect.stringMatching(
        /\(changed by arn:aws:sts::111122223333:assumed-role\/admins\/eve: ModifySecurityGroupRules at 2026-06-30T12:05:00Z\)/,
      ),
    });
    expect(asked).toMatchObject([
      { LookupAttributes: [{ AttributeKey: 'ResourceName', AttributeValue: GROUP }] },
    ]);
  });

  test('stays, and the rest of the fix is undone with force', async () => {
    const fix = await fixed();
    account.setRules(GROUP, [openRule('sgr-01', 8000, 8080)]);

    const [outcome] = await desk.undo([fix], { force: true });

    expect(outcome).toMatchObject({
      outcome: 'undone',
      reason: expect.stringMatching(/^not undone: "~ ingress tcp 20-23 .*is now tcp 8000-8080/),
      undo: { force: true },
    });
    expect(account.ports(GROUP)).toEqual(['tcp 22-22', 'tcp 8000-8080']);
  });

  test('does not prevent the undo if it concerns something else', async () => {
    const fix = await fixed();
    account.setRules(GROUP, [...(account.group(GROUP)?.rules ?? []), openRule('sgr-09', 443, 443)]);

    expect(await desk.undo([fix])).toMatchObject([{ outcome: 'undone' }]);
    expect(account.ports(GROUP)).toEqual(['tcp 20-23', 'tcp 22-22', 'tcp 443-443']);
  });

  test('between the read and the write is not overwritten', async () => {
    const fix = await fixed();
    let looks = 0;
    account.before = ({ operation }) => {
      if (operation === 'DescribeSecurityGroupRules') looks += 1;
      // Each of the two changes is compared with a read.
      if (looks === 3) account.setRules(GROUP, [openRule('sgr-01', 8000, 8080)]);
    };

    const [outcome] = await desk.undo([fix]);

    expect(outcome).toMatchObject({ outcome: 'undo_refused' });
    expect(account.ports(GROUP)).toContain('tcp 8000-8080');
  });
});

describe('several fixes of one resource', () => {
  beforeEach(() => {
    account.setRules(GROUP, [openRule('sgr-01', 20, 4000)]);
  });

  test('an older one alone is refused, and the reason lists the newer ones', async () => {
    const older = await fixed(GROUP, SSH);
    await fixed(GROUP, RDP);
    const before = account.ports(GROUP);

    const [outcome] = await desk.undo([older]);

    expect(outcome).toMatchObject({
      outcome: 'undo_refused',
      reason: expect.stringMatching(
        /a later change must be undone first, or with it: security-group-rdp-open at 2026-.*\(~ ingress/,
      ),
    });
    expect(account.ports(GROUP)).toEqual(before);
  });

  test('are undone newest first', async () => {
    await fixed(GROUP, SSH);
    await fixed(GROUP, RDP);

    const outcomes = await desk.undo(desk.fixesOf(GROUP));

    expect(outcomes.map(({ outcome, finding }) => [finding.rule, outcome])).toEqual([
      [RDP, 'undone'],
      [SSH, 'undone'],
    ]);
    expect(account.ports(GROUP)).toEqual(['tcp 20-4000']);
  });

  test('the older one may be undone later', async () => {
    const older = await fixed(GROUP, SSH);
    const newer = await fixed(GROUP, RDP);
    await desk.undo([newer]);

    expect(await desk.undo([older])).toMatchObject([{ outcome: 'undone' }]);
    expect(account.ports(GROUP)).toEqual(['tcp 20-4000']);
  });
});

describe('AWS’s answers to the calls of an undo', () => {
  test('a refusal is the reason, with the permission that the role lacks', async () => {
    const fix = await fixed();
    account.before = ({ operation }) => {
      if (operation === 'ModifySecurityGroupRules') throw awsError('UnauthorizedOperation', 403);
    };

    const [outcome] = await desk.undo([fix]);

    expect(outcome).toMatchObject({
      outcome: 'undo_refused',
      reason: expect.stringMatching(/UnauthorizedOperation.*undo = true/),
    });
  });

  test('a call that is throttled is sent again', async () => {
    const fix = await fixed();
    let times = 0;
    account.before = ({ operation }) => {
      if (operation !== 'ModifySecurityGroupRules' || times === 2) return;
      times += 1;
      throw awsError('RequestLimitExceeded', 503);
    };

    expect(await desk.undo([fix])).toMatchObject([{ outcome: 'undone' }]);
    expect(times).toBe(2);
  });

  test('a call that is not possible now is attempted again, and reported at the end', async () => {
    const fix = await fixed();
    account.before = ({ operation }) => {
      if (operation === 'ModifySecurityGroupRules') throw awsError('ServiceUnavailable', 503);
    };
    const message = desk.ask([fix]);

    const first = await desk.act(message);
    const last = await desk.act(message, { number: 5, last: true });

    expect(first).toMatchObject({ outcomes: [], failures: [{ name: 'ServiceUnavailable' }] });
    expect(last.outcomes).toMatchObject([
      {
        outcome: 'undo_refused',
        reason: expect.stringMatching(/not finished after 5 attempts\. Submit another request to continue/),
      },
    ]);
    expect(desk.result(message)).toMatchObject({ state: 'done' });
  });

  test('a missing role is the reason', async () => {
    const fix = await fixed();
    account.remediator.openSession = () => {
      throw awsError('AccessDenied', 403);
    };

    const [outcome] = await desk.undo([fix]);

    expect(outcome).toMatchObject({
      outcome: 'undo_refused',
      gate: 'role',
      reason: expect.stringMatching(/deploy modules\/target/),
    });
  });
});
