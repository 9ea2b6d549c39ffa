import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { pauseSchema } from '../../../../cli/commands/pause/result.ts';
import { resumeSchema } from '../../../../cli/commands/resume/result.ts';
import { PRODUCTION, SSH, STAGING } from '../support/records.ts';
import { runCli } from '../support/run-cli.ts';
import { HOME, jsonError, NAME, SmallAws } from '../support/small-aws.ts';

const KEYS = 'iam-access-key-unrotated';

let aws: SmallAws;
beforeEach(async () => {
  aws = await SmallAws.start();
});
afterEach(() => aws[Symbol.asyncDispose]());

const pauseOf = (region: string) => aws.parameters.get(`${region} /${NAME}/pause`);

describe('pause and resume', () => {
  test.each<[string, string[], string, string]>([
    ['all', [], 'none', 'all'],
    ['undo, too', ['--undo'], 'none', 'all+undo'],
    ['a rule in addition to another', ['CIS-1-2-0-4-1'], 's3-bucket-public', `s3-bucket-public,${SSH}`],
    ['an account', ['--account', PRODUCTION], 'none', `account:${PRODUCTION}`],
    ['everything, which is already paused', [], 'all', 'all'],
  ])('pause %s, in all regions', async (_, argv, before, after) => {
    for (const region of [HOME, 'us-east-1']) aws.parameters.set(`${region} /${NAME}/pause`, before);

    const { code, out } = await runCli(aws, ['pause', ...argv, '--json']);

    expect(code).toBe(0);
    expect(pauseSchema.parse(JSON.parse(out))).toEqual({
      regions: [HOME, 'us-east-1'].map((region) => ({ region, pause: after, before })),
    });
    expect([pauseOf(HOME), pauseOf('us-east-1')]).toEqual([after, after]);
  });

  test.each<[string, string[], string, string]>([
    ['everything', [], `all,${SSH}`, 'none'],
    ['one rule', [SSH], `${SSH},account:${PRODUCTION}`, `account:${PRODUCTION}`],
    ['the last one', ['--account', PRODUCTION], `account:${PRODUCTION}`, 'none'],
    ['an unknown value', [], 'everything', 'none'],
  ])('resume %s', async (_, argv, before, after) => {
    aws.parameters.set(`${HOME} /${NAME}/pause`, before);

    const { out } = await runCli(aws, ['resume', ...argv, '--region', HOME, '--json']);

    expect(resumeSchema.parse(JSON.parse(out))).toEqual({
      regions: [{ region: HOME, pause: after, before }],
    });
    expect(pauseOf('us-east-1')).toBe('none');
  });

  test('a region that does not answer is named, and does not delay the others', async () => {
    aws.fault = ({ operation, region }) =>
      operation === 'AmazonSSM.PutParameter' && region === HOME
        ? jsonError('AccessDeniedException', 400, 'no')
        : undefined;

    const { code, out } = await runCli(aws, ['pause']);

    expect(code).toBe(7);
    expect(out).toMatch(/^eu-central-1 +not set +no\. Attach the policy cspm-auto-remediation-operator/m);
    expect(out).toMatch(/^us-east-1 +all +was none$/m);
  });

  describe('while somebody else sets the pause', () => {
    const KEY = `${HOME} /${NAME}/pause`;

    /** Lets somebody else write these values, each immediately before a write of this command. */
    const others = (...values: string[]): void => {
      aws.fault = ({ operation, region }) => {
        const value = operation === 'AmazonSSM.PutParameter' && region === HOME ? values.shift() : undefined;
        if (value !== undefined) aws.putParameter(KEY, value);
        return undefined;
      };
    };

    test.each<[string, string[], string, string[], string]>([
      [
        'what they paused stays paused',
        ['pause', SSH],
        'none',
        [`account:${STAGING}`],
        `account:${STAGING},${SSH}`,
      ],
      ['however often they write', ['pause'], 'none', [SSH, `${SSH},${KEYS}`], `${SSH},${KEYS},all`],
      ['what they resumed is not paused again', ['pause', SSH], KEYS, ['none'], SSH],
      ['what they paused is not resumed', ['resume', SSH], SSH, [`${SSH},all`], 'all'],
    ])('%s', async (_, argv, before, values, after) => {
      aws.parameters.set(KEY, before);
      others(...values);

      const { code, out } = await runCli(aws, [...argv, '--region', HOME, '--json']);

      expect({ code, pause: pauseOf(HOME) }).toEqual({ code: 0, pause: after });
      expect(pauseSchema.parse(JSON.parse(out)).regions).toEqual([
        { region: HOME, pause: after, before: values.at(-1) },
      ]);
    });

    test('says so if it cannot read what it overwrote', async () => {
      others(`account:${STAGING}`);
      const { fault } = aws;
      aws.fault = (call) =>
        String(call.input['Name']).includes(':')
          ? jsonError('AccessDeniedException', 400, 'no')
          : fault?.(call);

      const { code, out } = await runCli(aws, ['pause', SSH, '--region', HOME, '--json']);

      expect(code).toBe(7);
      expect(pauseSchema.parse(JSON.parse(out)).regions).toEqual([
        {
          region: HOME,
          problem: `set to ${SSH}, but somebody else set it at the same time, and what they set could not be read: no. Attach the policy ${NAME}-operator to the role that you use; agree with them, and set it again`,
        },
      ]);
    });

    test('gives up after some attempts, and says what is set', async () => {
      others(...['1', '2', '3', '4', '5', '6'].map((digit) => `account:${digit.repeat(12)}`));

      const { code, out } = await runCli(aws, ['pause', SSH, '--region', HOME, '--json']);

      expect({ code, pause: pauseOf(HOME) }).toEqual({ code: 7, pause: `account:444444444444,${SSH}` });
      expect(pauseSchema.parse(JSON.parse(out)).regions[0]?.problem).toBe(
        `set to account:444444444444,${SSH}, but somebody else keeps setting it, last to account:555555555555: agree with them, and set it again`,
      );
    });
  });

  test('refuses to pause undos of only some rules', async () => {
    expect(await runCli(aws, ['pause', SSH, '--undo'])).toMatchObject({ code: 2 });
    expect(pauseOf(HOME)).toBe('none');
  });

  test('an unknown rule pauses nothing', async () => {
    const { code, error } = await runCli(aws, ['pause', 'ssh-open']);

    expect({ code, pause: pauseOf(HOME) }).toEqual({ code: 2, pause: 'none' });
    expect(error).toMatch(/unknown rule "ssh-open"/);
  });
});

test('closes a breaker in the named accounts', async () => {
  const argv = ['resume', '--breaker', SSH, '--account', PRODUCTION, '--reason', 'role repaired', '--json'];

  const { out } = await runCli(aws, argv);
  const without = await runCli(aws, ['resume', '--breaker', SSH]);

  const said = {
    at: '2026-11-24T12:00:00.000Z',
    by: 'arn:aws:sts::111111111111:assumed-role/operator/ada',
    reason: 'role repaired',
  };
  expect(resumeSchema.parse(JSON.parse(out))).toEqual({
    closed: [{ rule: SSH, account: PRODUCTION, ...said }],
  });
  expect(aws.item(`resume#${SSH}#${PRODUCTION}`, 'breaker')).toMatchObject({ version: 1, ...said });
  expect(without).toMatchObject({ code: 2 });
  expect(without.error).toMatch(/--breaker requires --account/);
});

test('says in which accounts a breaker is closed if AWS refuses the next', async () => {
  aws.fault = ({ operation, input }) =>
    operation === 'DynamoDB.PutItem' && JSON.stringify(input).includes(STAGING)
      ? jsonError('AccessDeniedException', 400, 'no')
      : undefined;

  const argv = ['resume', '--breaker', SSH, '--account', PRODUCTION, STAGING];
  const { code, error } = await runCli(aws, argv);

  expect(code).toBe(7);
  expect(error).toContain(
    `the breaker is closed in ${PRODUCTION}, but not in ${STAGING}: no. Attach the policy ${NAME}-operator`,
  );
  expect(aws.item(`resume#${SSH}#${PRODUCTION}`, 'breaker')).toBeDefined();
});

test('closes no breaker, and ends no pause, if rules are named as well', async () => {
  aws.parameters.set(`${HOME} /${NAME}/pause`, SSH);

  const argv = ['resume', SSH, '--breaker', SSH, '--account', PRODUCTION];
  const { code, error } = await runCli(aws, argv);

  expect(code).toBe(2);
  expect(error).toContain(
    '--breaker cannot be combined with rules, whose pause would end: run resume once for each',
  );
  expect(pauseOf(HOME)).toBe(SSH);
  expect(aws.item(`resume#${SSH}#${PRODUCTION}`, 'breaker')).toBeUndefined();
});
