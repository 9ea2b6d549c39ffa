import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { explainError } from '../../../cli/errors.ts';
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
    ...['', 'My deployment', 'acme/pause:2'].map((name): [string, string[], undefined, number, RegExp] => [
      `what cannot be the name of a deployment: "${name}"`,
      ['status', '--name', name],
      undefined,
      2,
      new RegExp(`--name "${name}" is not the name of a deployment: expected lowercase letters, digits and`),
    ]),
    [
      'a key that the caller may not use',
      ['status'],
      jsonError('KmsAccessDenied', 400, "The caller doesn't have the required KMS access"),
      4,
      new RegExp(`KMS access\\. Attach the policy ${NAME}-viewer`),
    ],
    [
      'missing permissions',
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
      /does not recognize these credentials/,
    ],
    ['no answer', ['status'], SILENT, 6, /AWS cannot be reached/],
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

  test('an unexpected error has a stack trace', async () => {
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
  'reports %s that is invalid in one line, before any call',
  async (_, { region = HOME, endpoint = aws.endpoint }, line) => {
    const ran = await runCli({ endpoint }, ['status'], { region });

    expect(ran).toMatchObject({ code: 2, out: '' });
    expect(ran.error).toMatch(line);
    expect(ran.error.trimEnd().split('\n')).toHaveLength(1);
    expect(aws.calls).toEqual([]);
  },
);

const HTML = '<!DOCTYPE html><html><head><title>Sign in</title></head><body><p>Hello<br>you</body></html>';
const page = (status: number, body = HTML): Answer => ({
  status,
  body,
  headers: { 'content-type': 'text/html', location: 'http://sign.in/' },
});

describe('an answer that is not from AWS is reported in one line', () => {
  test.each([
    ['a page', page(200)],
    ['a redirect', page(302)],
    ['a redirect without a body', page(302, '')],
    ['a forbidden page', page(403)],
    ['a proxy that asks for a sign-in', page(407)],
    ['a proxy that cannot reach AWS', page(502)],
    ['a page that is also XML', page(403, '<html><body>no</body></html>')],
    ['JSON of another service', { status: 404, body: '{"detail":"Not Found"}' }],
  ] satisfies [string, Answer][])('%s', async (_, answer) => {
    for (const only of ['', 'sts.']) {
      aws.fault = ({ operation }) => (operation.includes(only) ? answer : undefined);

      const ran = await runCli(aws, only === '' ? ['status'] : ['status', '--name', 'elsewhere']);

      expect(ran).toMatchObject({ code: 6, out: '' });
      expect(ran.error).toMatch(
        /^cspm-remediation: what answered .* is not AWS \(HTTP \d+, .*\): check the proxy, .*AWS_ENDPOINT_URL/,
      );
      expect(ran.error.trimEnd().split('\n')).toHaveLength(1);
    }
  });

  test('an endpoint that does not speak TLS', async () => {
    const ran = await runCli({ endpoint: aws.endpoint.replace('http:', 'https:') }, ['status']);

    expect(ran).toMatchObject({ code: 6, out: '' });
    expect(ran.error).toMatch(/^cspm-remediation: no trusted TLS connection to AWS \(EPROTO: /);
    expect(ran.error).toContain('NODE_EXTRA_CA_CERTS');
    expect(ran.error.trimEnd().split('\n')).toHaveLength(1);
  });

  test.each([
    'SELF_SIGNED_CERT_IN_CHAIN',
    'DEPTH_ZERO_SELF_SIGNED_CERT',
    'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
    'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
    'CERT_HAS_EXPIRED',
    'ERR_TLS_CERT_ALTNAME_INVALID',
  ])('a certificate error with the code %s', (code) => {
    const error = Object.assign(new Error('self-signed'), { code, $metadata: { attempts: 1 } });

    expect(explainError(error, 'viewer')).toEqual({
      line: expect.stringMatching(new RegExp(`\\(${code}: self-signed\\): .*NODE_EXTRA_CA_CERTS`)),
      exitCode: 6,
      isBug: false,
    });
  });
});

test.each(['localhost:4566', 'ftp://localhost', 'nonsense'])(
  'refuses the endpoint %s in the environment before any call',
  async (url) => {
    for (const name of ['AWS_ENDPOINT_URL', 'AWS_ENDPOINT_URL_STS']) {
      const ran = await runCli(aws, ['status'], { region: HOME, environment: { [name]: url } });

      expect(ran).toMatchObject({ code: 2, out: '' });
      expect(ran.error).toMatch(
        new RegExp(`^cspm-remediation: the endpoint "${url}" is not an HTTP URL: correct ${name}, `),
      );
      expect(ran.error.trimEnd().split('\n')).toHaveLength(1);
    }
    expect(aws.calls).toEqual([]);
  },
);

test('does not check endpoints that the environment ignores', async () => {
  const environment = { AWS_IGNORE_CONFIGURED_ENDPOINT_URLS: 'true', AWS_ENDPOINT_URL: 'localhost:4566' };

  expect(await runCli(aws, ['status'], { region: HOME, environment })).toMatchObject({ code: 0 });
});

test.each<[string, Readonly<Record<string, string>>, string]>([
  ['AWS_REGION', { AWS_REGION: 'us-east-1', AWS_DEFAULT_REGION: HOME }, 'us-east-1'],
  ['AWS_DEFAULT_REGION', { AWS_DEFAULT_REGION: 'us-east-1' }, 'us-east-1'],
  ['AWS_DEFAULT_REGION', { AWS_REGION: '', AWS_DEFAULT_REGION: 'us-east-1' }, 'us-east-1'],
  ['the profile', { AWS_DEFAULT_REGION: '' }, 'eu-central-1'],
])('the region is the one of %s', async (_, environment, expected) => {
  const directory = await mkdtemp(path.join(tmpdir(), 'cli-region-'));
  const file = path.join(directory, 'config');
  await writeFile(file, '[profile operator]\nregion = eu-central-1\n');
  for (const name of ['AWS_REGION', 'AWS_DEFAULT_REGION']) vi.stubEnv(name, undefined);
  vi.stubEnv('AWS_CONFIG_FILE', file);
  vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', '/nowhere');

  const ran = await runCli(aws, ['status', '--profile', 'operator'], { environment });

  vi.unstubAllEnvs();
  await rm(directory, { recursive: true });
  expect(ran).toMatchObject({ code: 0 });
  expect(aws.calls[0]?.region).toBe(expected);
});

test.each([{}, { AWS_REGION: HOME }])(
  'names a malformed region, with the environment %j',
  async (environment) => {
    vi.stubEnv('AWS_REGION', undefined);
    for (const name of ['AWS_SHARED_CREDENTIALS_FILE', 'AWS_CONFIG_FILE']) vi.stubEnv(name, '/nowhere');

    const { code, error } = await runCli(aws, ['status', '--region', 'x/y'], { environment });

    vi.unstubAllEnvs();
    expect(code).toBe(2);
    expect(error).toContain(
      '--region "x/y" is not a region: expected an AWS region code such as eu-central-1',
    );
    expect(aws.calls).toEqual([]);
  },
);

test('finds a deployment from any of its regions', async () => {
  const { code, out } = await runCli(aws, ['status', '--json'], { region: 'us-east-1' });

  expect(code).toBe(0);
  expect(JSON.parse(out)).toMatchObject({
    home_region: HOME,
    regions: [{ region: HOME }, { region: 'us-east-1' }],
  });
});

test('names a parameter in a newer format, and says what to do', async () => {
  aws.parameters.set(`${HOME} /${NAME}/deployment`, JSON.stringify({ version: 2, home_region: HOME }));

  const { code, error } = await runCli(aws, ['status']);

  expect(code).toBe(3);
  expect(error).toMatch(/version: .*use the version that came with the deployed module/);
});

test('prints the version and help without AWS', async () => {
  const version = await runCli({ endpoint: 'http://127.0.0.1:1' }, ['--version']);
  const help = await runCli({ endpoint: 'http://127.0.0.1:1' }, ['undo', '--help']);

  expect(version).toEqual({ code: 0, out: `${MODULE_VERSION}\n`, error: '' });
  expect(help).toMatchObject({ code: 0, out: expect.stringContaining('--with-newer'), error: '' });
});

test('names a profile that is not in the configuration files', async () => {
  for (const name of ['AWS_SHARED_CREDENTIALS_FILE', 'AWS_CONFIG_FILE']) vi.stubEnv(name, '/nowhere');
  vi.stubEnv('AWS_EC2_METADATA_DISABLED', 'true');

  const { code, error } = await runCli(aws, ['status', '--profile', 'auditor'], { isSignedOut: true });

  vi.unstubAllEnvs();
  expect(code).toBe(5);
  expect(error).toMatch(/no AWS credentials in the profile auditor \(.*\): sign in again/);
});

test('says how to get credentials if there are none', async () => {
  for (const name of ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_PROFILE'])
    vi.stubEnv(name, undefined);
  for (const name of ['AWS_SHARED_CREDENTIALS_FILE', 'AWS_CONFIG_FILE']) vi.stubEnv(name, '/nowhere');
  vi.stubEnv('AWS_EC2_METADATA_DISABLED', 'true');

  const { code, error } = await runCli(aws, ['status'], { isSignedOut: true });

  vi.unstubAllEnvs();
  expect(code).toBe(5);
  expect(error).toMatch(/no AWS credentials \(.*\): sign in again/);
});
