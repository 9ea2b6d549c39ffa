import { describe, expect, test } from 'vitest';
import type { Outcome } from '../../../../lambdas/model/outcome.ts';
import { sdkError } from '../../../lab/aws-model/session.ts';
import { GroupAccount, openRule, SSH } from '../support/group-account.ts';
import { Killed } from '../support/lifeline.ts';
import { awsError } from '../support/remediator-in-memory.ts';

const WEB = 'sg-0000000a';
const API = 'sg-0000000b';
const LAST = { number: 5, last: true };

/** A group to which an interrupted attempt added `tcp 20-21`, and whose wide rule its owner has since revoked. */
async function withLeftover(): Promise<GroupAccount> {
  const account = new GroupAccount({ [WEB]: [openRule('sgr-1', 20, 443)] });
  const onStep = () => {
    if (account.writes.length >= 1) throw new Killed('the function was ended');
  };
  await account.remediator.attempt(account.job(SSH, WEB), { onStep }).catch(() => undefined);
  revokesWideRule(account);
  expect(account.ports(WEB)).toEqual(['tcp 20-21']);
  return account;
}

function revokesWideRule(account: GroupAccount): void {
  const rules = account.group(WEB)?.rules ?? [];
  account.setRules(
    WEB,
    rules.filter(({ id }) => id !== 'sgr-1'),
  );
}

const outcomeOf = ({ remediator }: GroupAccount, resource = WEB): Outcome | undefined =>
  [...remediator.outcomes.values()].find(({ finding }) => finding.resource === resource);

describe('what an attempt left remains pending when the last attempt fails', () => {
  test.each(['session', 'readOperatorItems', 'pause', 'settings'] as const)(
    'because %s does not answer: a later job takes it back',
    async (port) => {
      const account = await withLeftover();
      const { remediator } = account;
      remediator.fault = (name) => (name === port ? awsError('ServiceUnavailable', 503) : undefined);
      const { inProgress, unfinished } = await remediator.attempt(account.job(SSH, WEB), LAST);
      remediator.fault = () => undefined;

      await account.remediator.workOffLater();

      expect(inProgress).toMatchObject([
        {
          reason: expect.stringMatching(/^an attempt was interrupted at .* could not be taken back yet: /),
          stillOpen: expect.objectContaining({ name: 'TakeBackError' }),
        },
      ]);
      expect(unfinished).toEqual([]);
      expect(account.ports(WEB)).toEqual([]);
      expect(outcomeOf(account)).toMatchObject({ outcome: 'compliant' });
    },
  );

  test('because AWS refuses to take it back: each attempt reports it, and later jobs retry until it is gone', async () => {
    const account = await withLeftover();
    const { remediator } = account;
    account.before = ({ operation }) => {
      if (operation === 'RevokeSecurityGroupIngress')
        throw sdkError('UnauthorizedOperation', 'denied', 403, 'r');
    };
    for (const number of [2, 3, 4]) await remediator.attempt(account.job(SSH, WEB), { number, last: false });
    const said = outcomeOf(account);
    const { inProgress } = await remediator.attempt(account.job(SSH, WEB), LAST);
    const look = remediator.later.splice(0);
    for (const { job } of look) await remediator.attempt(job, LAST);
    account.before = () => {};

    await account.remediator.workOffLater();

    expect(said).toMatchObject({ outcome: 'failed', stillOpen: true });
    expect(inProgress).toMatchObject([{ stillOpen: { name: 'TakeBackError' } }]);
    expect(look).toHaveLength(1);
    expect(account.ports(WEB)).toEqual([]);
    expect(outcomeOf(account)).toMatchObject({ outcome: 'compliant' });
    expect(outcomeOf(account)).not.toHaveProperty('stillOpen');
  });

  test('and no later job can be sent: the job is then a dead letter, the outcome says so, and a redrive takes it back', async () => {
    const account = await withLeftover();
    const { remediator } = account;
    const silent = ['settings', 'lookAgain'];
    remediator.fault = (name) => (silent.includes(name) ? awsError('ServiceUnavailable', 503) : undefined);
    await remediator.attempt(account.job(SSH, WEB), LAST);
    const said = outcomeOf(account);
    remediator.fault = () => undefined;

    await remediator.attempt(account.job(SSH, WEB));
    await account.remediator.workOffLater();

    expect(said).toMatchObject({ outcome: 'failed', deadLetter: true, stillOpen: true });
    expect(account.ports(WEB)).toEqual([]);
  });

  test('a finding for which nothing was begun is a dead letter, as usual', async () => {
    const account = new GroupAccount({ [WEB]: [openRule('sgr-1', 20, 443)] });
    const { remediator } = account;
    remediator.fault = (name) => (name === 'settings' ? awsError('ServiceUnavailable', 503) : undefined);

    const { inProgress, unfinished } = await remediator.attempt(account.job(SSH, WEB), LAST);

    expect(inProgress).toEqual([]);
    expect(unfinished).toHaveLength(1);
    expect(outcomeOf(account)).toMatchObject({ outcome: 'failed', deadLetter: true });
    expect(outcomeOf(account)).not.toHaveProperty('stillOpen');
  });
});

describe.each([
  ['because of a bug', new Error('bug')],
  ['because AWS refuses it', awsError('AccessDenied', 403)],
] as const)('room under a limit that cannot be released, %s', (_, error) => {
  test.each([false, true])(
    'does not affect what is recorded and taken back (last attempt: %s)',
    async (last) => {
      const account = new GroupAccount({
        [WEB]: [openRule('sgr-1', 20, 443)],
        [API]: [openRule('sgr-2', 22, 22)],
      });
      const { remediator } = account;
      account.before = ({ operation, input }) => {
        if (operation === 'ModifySecurityGroupRules') throw sdkError('Unavailable', 'down', 503, 'r');
        if (JSON.stringify(input).includes(API) && operation === 'RevokeSecurityGroupIngress')
          throw sdkError('UnauthorizedOperation', 'denied', 403, 'r');
      };
      remediator.fault = (name) => (name === 'release' ? error : undefined);
      const { failures } = await remediator.attempt(account.job(SSH, WEB, API), {
        number: last ? 5 : 1,
        last,
      });
      account.before = () => {};
      remediator.fault = () => undefined;
      revokesWideRule(account);
      const said = outcomeOf(account, API);

      if (!last) await remediator.attempt(account.job(SSH, WEB, API), { number: 2 });
      await account.remediator.workOffLater();

      expect(failures).toContain(error);
      expect(said).toMatchObject({
        outcome: 'failed',
        reason: expect.stringContaining('UnauthorizedOperation'),
      });
      expect(account.ports(WEB)).toEqual([]);
      expect(outcomeOf(account)).toMatchObject({ outcome: 'compliant' });
    },
  );
});
