import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { MODULE_VERSION } from '../../../lambdas/model/module-version.ts';
import type { Answer } from '../../lab/scripted-aws/scripted-aws.ts';
import { runCli } from './support/run-cli.ts';
import { ACCOUNT, HOME, jsonError, NAME, SmallAws } from './support/small-aws.ts';

let aws: SmallAws;
beforeEach(async () => {
  aws = await SmallAws.start();
});
afterEach(() => aws[Symbol.asyncDispose]());

const SILENT: Answer = 'cut';

describe('an error is one line that says what to do', () => {
  test.each<[string, string[], Answer | undefined, number, RegExp]>([
    [
      'no such deployment',
      ['status', '--name', 'elsewhere'],
      undefined,
      3,
      new RegExp(
        `there is no deployment "elsewhere" in account ${ACCOUNT}, region ${HOME}: .*--region.*--name`,
      ),
    ],
    [
      'no rights',
      ['status'],
      jsonError('AccessDeniedException', 400, 'User: ada is not authorized to perform: ssm:GetParameter'),
      4,
      new RegExp(`ssm:GetParameter\\. Attach the policy ${NAME}-viewer`),
    ],
    [
      'expired credentials',
      ['status'],
      jsonError('ExpiredTokenException'),
      5,
      /have expired: .*aws sso login/,
    ],
    [
      'unknown credentials',
      ['status'],
      jsonError('UnrecognizedClientException'),
      5,
      /does not know these credentials/,
    ],
    ['no answer', ['status'], SILENT, 6, /AWS can't be reached/],
    ['AWS is down', ['status'], jsonError('InternalServerError', 500), 6, /after all retries: .*Try again/],
    ['throttling', ['status'], jsonError('ThrottlingException'), 6, /after all retries/],
    [
      'an unknown option',
      ['status', '--acount', ACCOUNT],
      undefined,
      2,
      /unknown option '--acount' \(Did you mean --account\?\)\. See cspm-remediation status --help\.$/m,
    ],
    [
      'an unknown command',
      ['statu'],
      undefined,
      2,
      /unknown command 'statu' \(Did you mean status\?\)\. See cspm-remediation --help\.$/m,
    ],
    [
      'an unknown rule',
      ['status', 'ssh'],
      undefined,
      2,
      /unknown rule "ssh": expected one of .*security-group-ssh-open/,
    ],
    [
      'a malformed account',
      ['status', '--account', '42'],
      undefined,
      2,
      /account: expected an AWS account id of twelve digits.*\. See cspm-remediation status --help\.$/m,
    ],
    [
      'an unknown outcome',
      ['outcomes', '--outcome', 'failed', 'nope'],
      undefined,
      2,
      /: unknown outcome "nope": expected one of remediated, .*undo_refused\. See cspm-remediation outcomes --help\.$/m,
    ],
    [
      'a region that is not protected',
      ['status', '--region', 'sa-east-1'],
      undefined,
      2,
      /does not protect the region sa-east-1: expected one of eu-central-1, us-east-1/,
    ],
  ])('%s', async (_, argv, answer, code, line) => {
    aws.fault = () => answer;

    const ran = await runCli(aws, argv);

    expect(ran).toMatchObject({ code, out: '' });
    expect(ran.error).toMatch(line);
    expect(ran.error.trimEnd().split('\n')).toHaveLength(1);
    expect(ran.error).toMatch(/^cspm-remediation: /);
  });

  test('what nobody foresaw keeps its stack', async () => {
    aws.parameters.set(`${HOME} /${NAME}/pause`, 'none');
    aws.fault = ({ operation }) =>
      operation === 'AmazonSSM.GetParameter' ? jsonError('ValidationException') : undefined;

    const { code, error } = await runCli(aws, ['status']);

    expect(code).toBe(1);
    expect(error).toMatch(/^cspm-remediation: ValidationException/);
    expect(error).toContain('    at ');
  });
});

test.each<[string, { readonly region?: string; readonly endpoint?: string }, RegExp]>([
  [
    'a region',
    { region: 'eu central' },
    /: "eu central" is not a region: set --region or AWS_REGION to a protected/,
  ],
  [
    'an endpoint',
    { endpoint: 'notaurl' },
    /: the endpoint "notaurl" is not a URL: correct AWS_ENDPOINT_URL, /,
  ],
])(
  '%s that can be none is one line, before any call',
  async (_, { region = HOME, endpoint = aws.endpoint }, line) => {
    const ran = await runCli({ endpoint }, ['status'], { region });

    expect(ran).toMatchObject({ code: 2, out: '' });
    expect(ran.error).toMatch(line);
    expect(ran.error.trimEnd().split('\n')).toHaveLength(1);
    expect(aws.calls).toEqual([]);
  },
);

test('a deployment is found from any of its regions', async () => {
  const { code, out } = await runCli(aws, ['status', '--json'], { region: 'us-east-1' });

  expect(code).toBe(0);
  expect(JSON.parse(out)).toMatchObject({
    home_region: HOME,
    regions: [{ region: HOME }, { region: 'us-east-1' }],
  });
});

test('a parameter of a newer form is named, with what to do', async () => {
  aws.parameters.set(`${HOME} /${NAME}/deployment`, JSON.stringify({ version: 2, home_region: HOME }));

  const { code, error } = await runCli(aws, ['status']);

  expect(code).toBe(3);
  expect(error).toMatch(/version: .*use the version that came with the deployed module/);
});

test('the version, and the help, need no AWS', async () => {
  const version = await runCli({ endpoint: 'http://127.0.0.1:1' }, ['--version']);
  const help = await runCli({ endpoint: 'http://127.0.0.1:1' }, ['undo', '--help']);

  expect(version).toEqual({ code: 0, out: `${MODULE_VERSION}\n`, error: '' });
  expect(help).toMatchObject({ code: 0, out: expect.stringContaining('--with-newer'), error: '' });
});

test('a profile that is not in the configuration files is named', async () => {
  for (const name of ['AWS_SHARED_CREDENTIALS_FILE', 'AWS_CONFIG_FILE']) vi.stubEnv(name, '/nowhere');
  vi.stubEnv('AWS_EC2_METADATA_DISABLED', 'true');

  const { code, error } = await runCli(aws, ['status', '--profile', 'auditor'], { isSignedOut: true });

  vi.unstubAllEnvs();
  expect(code).toBe(5);
  expect(error).toMatch(/no AWS credentials in the profile auditor \(.*\): sign in again/);
});

test('without credentials it says how to get some', async () => {
  for (const name of ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_PROFILE'])
    vi.stubEnv(name, undefined);
  for (const name of ['AWS_SHARED_CREDENTIALS_FILE', 'AWS_CONFIG_FILE']) vi.stubEnv(name, '/nowhere');
  vi.stubEnv('AWS_EC2_METADATA_DISABLED', 'true');

  const { code, error } = await runCli(aws, ['status'], { isSignedOut: true });

  vi.unstubAllEnvs();
  expect(code).toBe(5);
  expect(error).toMatch(/no AWS credentials \(.*\): sign in again/);
});
