import {
  DescribeRouteTablesCommand,
  DescribeSubnetsCommand,
  DescribeVpcsCommand,
  EC2Client,
} from '@aws-sdk/client-ec2';
import {
  AttachRolePolicyCommand,
  CreatePolicyCommand,
  CreateRoleCommand,
  GetRoleCommand,
  IAMClient,
  PutRolePolicyCommand,
} from '@aws-sdk/client-iam';
import { GetObjectCommand, PutBucketPolicyCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import {
  CreateQueueCommand,
  GetQueueUrlCommand,
  SetQueueAttributesCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { GetParameterCommand, PutParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import { afterAll, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest';
import { AccountBuilder } from '../../lab/accounts/account-builder.ts';
import { type AwsProxy, startAwsProxy } from '../../lab/aws-proxy/index.ts';
import { PermissionJudge } from '../../lab/permissions/index.ts';
import { freshAccount } from '../harness/product.ts';
import { takeOn } from './target-account.ts';

const REGION = 'eu-central-1';
const endpoint = inject('localAwsEndpoint');
const account = freshAccount();
const other = freshAccount();

let proxy: AwsProxy;
let judge: PermissionJudge;
let roles = 0;

beforeAll(async () => {
  proxy = await startAwsProxy({ upstream: () => endpoint });
  judge = new PermissionJudge({ upstream: () => endpoint });
  proxy.intercept(judge.intercept);
  await new SSMClient(asRoot()).send(new PutParameterCommand({ Name: '/here', Value: 'x', Type: 'String' }));
});
beforeEach(() => judge.clear());
afterAll(() => proxy.stop());

/** Settings of a client that acts as an account's root, without the proxy. */
function asRoot(id = account) {
  return { endpoint, region: REGION, credentials: { accessKeyId: id, secretAccessKey: 'test' } };
}

const iam = new IAMClient(asRoot());
const policy = (...statements: readonly object[]): string =>
  JSON.stringify({
    Version: '2012-10-17',
    Statement: statements.map((statement) => ({ Effect: 'Allow', ...statement })),
  });
const parameter = (name: string): string => `arn:aws:ssm:${REGION}:${account}:parameter/${name}`;
const getHere = { Action: ['ssm:GetParameter'], Resource: [parameter('here')] };

interface Role {
  readonly name: string;
  readonly arn: string;
  /** Settings of a client that acts as the role, through the proxy. */
  readonly settings: ReturnType<typeof asRoot>;
}

async function makeRole(
  inline: readonly object[],
  { boundary, trust = [] }: { boundary?: string; trust?: readonly object[] } = {},
): Promise<Role> {
  roles += 1;
  const RoleName = `role-${roles}`;
  await iam.send(
    new CreateRoleCommand({
      RoleName,
      AssumeRolePolicyDocument: policy(
        { Action: 'sts:AssumeRole', Principal: { AWS: `arn:aws:iam::${account}:root` } },
        ...trust,
      ),
      ...(boundary !== undefined && { PermissionsBoundary: boundary }),
    }),
  );
  if (inline.length > 0) await allow(RoleName, inline);
  const arn = `arn:aws:iam::${account}:role/${RoleName}`;
  const credentials = await takeOn({ endpoint: proxy.endpoint, account, role: arn });
  return { name: RoleName, arn, settings: { endpoint: proxy.endpoint, region: REGION, credentials } };
}

const allow = (RoleName: string, statements: readonly object[]) =>
  iam.send(
    new PutRolePolicyCommand({ RoleName, PolicyName: 'inline', PolicyDocument: policy(...statements) }),
  );

async function managedPolicy(PolicyName: string, ...statements: readonly object[]): Promise<string> {
  const { Policy } = await iam.send(
    new CreatePolicyCommand({ PolicyName, PolicyDocument: policy(...statements) }),
  );
  return Policy?.Arn ?? '';
}

/** `allowed`, or the error's name and reason. */
async function outcomeOf(sending: Promise<unknown>): Promise<unknown> {
  return sending.then(
    () => 'allowed',
    ({ name, message }) => `${name}: ${/(?:because|with an explicit).*$/.exec(message)?.[0] ?? message}`,
  );
}

const read = ({ settings }: Role, name = '/here') =>
  outcomeOf(new SSMClient(settings).send(new GetParameterCommand({ Name: name })));

const silent = (kind: string, action: string): string =>
  `AccessDeniedException: because no ${kind} allows the ${action} action`;

test("an account's root may make any call, including unknown ones", async () => {
  const settings = { ...asRoot(), endpoint: proxy.endpoint };

  expect(await outcomeOf(new EC2Client(settings).send(new DescribeSubnetsCommand({})))).toBe('allowed');
  expect(judge.verdicts).toEqual([]);
});

test('a role may do what its own policies allow, on the resources that they name', async () => {
  const role = await makeRole([getHere]);
  const other = await makeRole([]);

  expect(await read(role)).toBe('allowed');
  expect(await read(role, '/elsewhere')).toBe(silent('identity-based policy', 'ssm:GetParameter'));
  expect(await read(other)).toBe(silent('identity-based policy', 'ssm:GetParameter'));
  expect(judge.denials).toMatchObject([
    { role: role.arn, sessionName: 'function', action: 'ssm:GetParameter', resource: parameter('elsewhere') },
    { role: other.arn },
  ]);
});

test('attached managed policies count, and a deny in one takes precedence', async () => {
  const role = await makeRole([]);
  const attach = (PolicyArn: string) =>
    iam.send(new AttachRolePolicyCommand({ RoleName: role.name, PolicyArn }));

  await attach(await managedPolicy('allowing', getHere));
  expect(await read(role)).toBe('allowed');
  await attach(await managedPolicy('denying', { ...getHere, Effect: 'Deny' }));
  judge.forget();

  expect(await read(role)).toBe('AccessDeniedException: with an explicit deny in an identity-based policy');
});

test('a policy may depend on the unique id of the role and the name of the session', async () => {
  const mine = { 'ForAllValues:StringLike': { 'dynamodb:LeadingKeys': ['request#${aws:userid}#*'] } };
  const table = `arn:aws:dynamodb:${REGION}:${account}:table/findings`;
  const role = await makeRole([{ Action: ['dynamodb:PutItem'], Resource: [table], Condition: mine }]);
  const { Role: { RoleId = '' } = {} } = await iam.send(new GetRoleCommand({ RoleName: role.name }));
  const may = async (key: string) => {
    const arn = `arn:aws:sts::${account}:assumed-role/${role.name}/ada`;
    const session = { account, roleArn: role.arn, sessionName: 'ada', arn };
    const conditions = { 'dynamodb:LeadingKeys': [key] };
    return (await judge.judge(session, { action: 'dynamodb:PutItem', resource: table, account, conditions }))
      .allowed;
  };

  expect(await may(`request#${RoleId}:ada#1`)).toBe(true);
  expect(await may(`request#${RoleId}:eve#1`)).toBe(false);
  expect(await may('request#AROASOMEONE:ada#1')).toBe(false);
});

test('a permissions boundary restricts what a role may do', async () => {
  const boundary = await managedPolicy('boundary', {
    Action: ['ssm:GetParametersByPath'],
    Resource: [parameter('*')],
  });
  const role = await makeRole([getHere], { boundary });

  expect(await read(role)).toBe(silent('permissions boundary', 'ssm:GetParameter'));
});

test('a wider policy counts at once, a narrower one once the judge is told to read it', async () => {
  const role = await makeRole([{ ...getHere, Resource: [parameter('elsewhere')] }]);

  expect(await read(role)).toBe(silent('identity-based policy', 'ssm:GetParameter'));
  await allow(role.name, [getHere]);
  expect(await read(role)).toBe('allowed');
  await allow(role.name, [{ ...getHere, Resource: [parameter('elsewhere')] }]);
  judge.forget();
  expect(await read(role)).toBe(silent('identity-based policy', 'ssm:GetParameter'));
});

describe('a resource with a resource-based policy', () => {
  const QueueName = 'theirs';
  const arn = `arn:aws:sqs:${REGION}:${other}:${QueueName}`;
  const ask = ({ settings }: Role) =>
    outcomeOf(
      new SQSClient({ ...settings, useQueueUrlAsEndpoint: false }).send(
        new GetQueueUrlCommand({ QueueName, QueueOwnerAWSAccountId: other }),
      ),
    );

  test('in another account is accessible if both accounts allow it', async () => {
    const sqs = new SQSClient({ ...asRoot(other), useQueueUrlAsEndpoint: false });
    const { QueueUrl } = await sqs.send(new CreateQueueCommand({ QueueName }));
    const role = await makeRole([{ Action: ['sqs:GetQueueUrl'], Resource: [arn] }]);
    const stranger = await makeRole([]);

    expect(await ask(role)).toMatch(/because no resource-based policy allows the sqs:GetQueueUrl action$/);
    await sqs.send(
      new SetQueueAttributesCommand({
        QueueUrl,
        Attributes: {
          Policy: policy({
            Action: 'sqs:GetQueueUrl',
            Resource: arn,
            Principal: { AWS: [role.arn, stranger.arn] },
          }),
        },
      }),
    );

    expect(await ask(role)).toBe('allowed');
    expect(await ask(stranger)).toMatch(
      /because no identity-based policy allows the sqs:GetQueueUrl action$/,
    );
  });

  test('is not accessible after a deny in its policy; a statement that requires TLS does not matter', async () => {
    const Bucket = await new AccountBuilder(endpoint, account).privateBucket(REGION, `judged-${account}`);
    const s3 = new S3Client(asRoot());
    await s3.send(new PutObjectCommand({ Bucket, Key: 'open', Body: '1' }));
    await s3.send(new PutObjectCommand({ Bucket, Key: 'shut', Body: '1' }));
    const deny = { Effect: 'Deny', Principal: '*', Action: 's3:GetObject' };
    await s3.send(
      new PutBucketPolicyCommand({
        Bucket,
        Policy: policy(
          { ...deny, Resource: `arn:aws:s3:::${Bucket}/shut` },
          {
            ...deny,
            Resource: `arn:aws:s3:::${Bucket}/*`,
            Condition: { Bool: { 'aws:SecureTransport': 'false' } },
          },
        ),
      }),
    );
    const role = await makeRole([{ Action: ['s3:GetObject'], Resource: [`arn:aws:s3:::${Bucket}/*`] }]);
    const get = (Key: string) =>
      outcomeOf(new S3Client(role.settings).send(new GetObjectCommand({ Bucket, Key })));

    expect(await get('open')).toBe('allowed');
    expect(await get('shut')).toBe('AccessDenied: with an explicit deny in a resource-based policy');
    expect(await get('missing')).toBe(
      'AccessDenied: because no identity-based policy allows the s3:ListBucket action',
    );
  });
});

test('EC2 has its own error texts, for a dry run too', async () => {
  const allowed = await makeRole([{ Action: ['ec2:DescribeVpcs'], Resource: ['*'] }]);
  const refused = await makeRole([]);
  const dryRun = ({ settings }: Role) =>
    new EC2Client(settings).send(new DescribeVpcsCommand({ DryRun: true }));

  await expect(dryRun(allowed)).rejects.toMatchObject({ name: 'DryRunOperation' });
  await expect(dryRun(refused)).rejects.toMatchObject({
    name: 'UnauthorizedOperation',
    $metadata: { httpStatusCode: 403 },
    message: `You are not authorized to perform this operation. User: arn:aws:sts::${account}:assumed-role/${refused.name}/function is not authorized to perform: ec2:DescribeVpcs because no identity-based policy allows the ec2:DescribeVpcs action`,
  });
});

test('a call that the map does not contain is an error, and not allowed', async () => {
  const role = await makeRole([{ Action: ['ec2:DescribeRouteTables'], Resource: ['*'] }]);

  const error = await outcomeOf(new EC2Client(role.settings).send(new DescribeRouteTablesCommand({})));

  expect(error).toMatch(
    /^AwsProxyError: UnknownCallError: unknown call ec2:DescribeRouteTables by arn:aws:sts/,
  );
  expect(judge.unknownCalls).toHaveLength(1);
});

test('a condition whose value is unknown is an error, not a verdict', async () => {
  const role = await makeRole([{ ...getHere, Condition: { IpAddress: { 'aws:SourceIp': '10.0.0.0/8' } } }]);

  expect(await read(role)).toMatch(/^AwsProxyError: .*aws:SourceIp/);
});

test('a service may assume a role that trusts it, for the sources that the trust policy names', async () => {
  const { arn } = await makeRole([], {
    trust: [
      {
        Action: 'sts:AssumeRole',
        Principal: { Service: 'scheduler.amazonaws.com' },
        Condition: { StringEquals: { 'aws:SourceAccount': account } },
      },
    ],
  });
  const trusts = (service: string, source: string) =>
    judge.trustsService(arn, service, { 'aws:SourceAccount': source });

  expect(await trusts('scheduler.amazonaws.com', account)).toBe(true);
  expect(await trusts('scheduler.amazonaws.com', other)).toBe(false);
  expect(await trusts('lambda.amazonaws.com', account)).toBe(false);
});

test('a withheld action is denied to a role until it is restored', async () => {
  const role = await makeRole([getHere]);
  const withheld = judge.withhold(role.arn, 'ssm:GetParameter');

  expect(await read(role)).toBe(silent('identity-based policy', 'ssm:GetParameter'));
  withheld[Symbol.dispose]();
  expect(await read(role)).toBe('allowed');
});

test('the actions that a role was granted and never used are reported', async () => {
  const role = await makeRole([
    getHere,
    { Action: ['ssm:GetParametersByPath'], Resource: [parameter('*')] },
    { Effect: 'Deny', Action: ['ssm:PutParameter'], Resource: [parameter('*')] },
  ]);

  await read(role);

  expect(await judge.unusedActions(role.arn)).toEqual(['ssm:GetParametersByPath']);
});
