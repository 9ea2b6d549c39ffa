import { DescribeVpcsCommand, EC2Client } from '@aws-sdk/client-ec2';
import { AssumeRoleCommand, STSClient } from '@aws-sdk/client-sts';
import { ConfiguredRetryStrategy } from '@smithy/core/retry';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type ScriptedAws, scriptedAws, xmlAnswer } from '../scripted-aws/scripted-aws.ts';
import { ACCOUNT, through } from './clients.ts';
import { type AwsProxy, startAwsProxy } from './index.ts';

const TARGET = '444455556666';
const FUNCTION_KEY = 'ASIAFUNCTION';
const SESSION_KEY = 'ASIASESSION';
const USER_KEY = 'AKIAUSER';

let upstream: ScriptedAws;
let proxy: AwsProxy;

/** Returns the owner of a key, as the local AWS does. */
function identity(authorization: string): { account: string; arn: string } {
  if (authorization.includes(FUNCTION_KEY)) {
    return { account: ACCOUNT, arn: `arn:aws:sts::${ACCOUNT}:assumed-role/remediator/name-remediator` };
  }
  if (authorization.includes(USER_KEY))
    return { account: ACCOUNT, arn: `arn:aws:iam::${ACCOUNT}:user/alice` };
  throw new Error(`unexpected question about ${authorization}`);
}

beforeEach(async () => {
  upstream = await scriptedAws(({ form, headers }) => {
    switch (form.get('Action')) {
      case 'AssumeRole':
        return xmlAnswer(
          `<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>${SESSION_KEY}</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken></Credentials><AssumedRoleUser><AssumedRoleId>AROA:rule</AssumedRoleId><Arn>arn:aws:sts::${TARGET}:assumed-role/target/rule</Arn></AssumedRoleUser></AssumeRoleResult></AssumeRoleResponse>`,
        );
      case 'GetCallerIdentity': {
        const { account, arn } = identity(headers.authorization ?? '');
        return xmlAnswer(
          `<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>${arn}</Arn><UserId>u</UserId><Account>${account}</Account></GetCallerIdentityResult></GetCallerIdentityResponse>`,
        );
      }
      case 'GetRole':
        return xmlAnswer(
          `<GetRoleResponse><GetRoleResult><Role><Path>/cspm/</Path><Arn>arn:aws:iam::${ACCOUNT}:role/cspm/${form.get('RoleName')}</Arn></Role></GetRoleResult></GetRoleResponse>`,
        );
      default:
        return xmlAnswer('<DescribeVpcsResponse><vpcSet/></DescribeVpcsResponse>');
    }
  });
  proxy = await startAwsProxy({ upstream: () => upstream.endpoint });
});
afterEach(async () => {
  await proxy.stop();
  await upstream[Symbol.asyncDispose]();
});

const describeVpcs = (accessKeyId: string) =>
  new EC2Client(through(proxy, accessKeyId)).send(new DescribeVpcsCommand({}));

const asked = () =>
  upstream.calls.map(({ form }) => form.get('Action')).filter((name) => name !== 'DescribeVpcs');

test("twelve digits are an account's root", async () => {
  await describeVpcs(ACCOUNT);

  expect(proxy.calls[0]?.principal).toEqual({ account: ACCOUNT });
  expect(asked()).toEqual([]);
});

test('the owner of an unseen key is requested once, and its role has its path', async () => {
  await describeVpcs(FUNCTION_KEY);
  await describeVpcs(FUNCTION_KEY);

  expect(proxy.calls.map(({ principal }) => principal)).toEqual(
    Array(2).fill({
      account: ACCOUNT,
      arn: `arn:aws:sts::${ACCOUNT}:assumed-role/remediator/name-remediator`,
      roleArn: `arn:aws:iam::${ACCOUNT}:role/cspm/remediator`,
      sessionName: 'name-remediator',
    }),
  );
  expect(asked()).toEqual(['GetCallerIdentity', 'GetRole']);
});

test("a user's key belongs to the user", async () => {
  await describeVpcs(USER_KEY);

  expect(proxy.calls[0]?.principal).toEqual({ account: ACCOUNT, arn: `arn:aws:iam::${ACCOUNT}:user/alice` });
});

test('a session is known from the answer to AssumeRole: role, name, session policy, and the principal that assumed it', async () => {
  const Policy = JSON.stringify({ Version: '2012-10-17', Statement: [] });
  await new STSClient(through(proxy, FUNCTION_KEY)).send(
    new AssumeRoleCommand({
      RoleArn: `arn:aws:iam::${TARGET}:role/path/target`,
      RoleSessionName: 'rule',
      Policy,
    }),
  );

  await describeVpcs(SESSION_KEY);

  expect(proxy.calls.at(-1)?.principal).toEqual({
    account: TARGET,
    arn: `arn:aws:sts::${TARGET}:assumed-role/target/rule`,
    roleArn: `arn:aws:iam::${TARGET}:role/path/target`,
    sessionName: 'rule',
    sessionPolicy: Policy,
    assumedBy: expect.objectContaining({ roleArn: `arn:aws:iam::${ACCOUNT}:role/cspm/remediator` }),
  });
});

test('a session is known even if its answer was lost', async () => {
  proxy.inject({ operation: 'AssumeRole', times: 1, effect: 'cut-after' });
  const once = new STSClient({ ...through(proxy), retryStrategy: new ConfiguredRetryStrategy(1) });
  const assume = new AssumeRoleCommand({
    RoleArn: `arn:aws:iam::${TARGET}:role/path/target`,
    RoleSessionName: 'rule',
  });
  await expect(once.send(assume)).rejects.toThrow();

  await describeVpcs(SESSION_KEY);

  expect(proxy.calls.at(-1)?.principal.account).toBe(TARGET);
});

test('a fault can be limited to the account of a session', async () => {
  await new STSClient(through(proxy)).send(
    new AssumeRoleCommand({ RoleArn: `arn:aws:iam::${TARGET}:role/path/target`, RoleSessionName: 'rule' }),
  );
  const injection = proxy.inject({ account: TARGET, effect: 'denied' });

  await describeVpcs(ACCOUNT);
  const denied = await describeVpcs(SESSION_KEY).catch((error: unknown) => error);

  expect(denied).toMatchObject({ name: 'UnauthorizedOperation' });
  expect(injection.hits).toBe(1);
});
