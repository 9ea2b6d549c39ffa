import { describe, expect, test } from 'vitest';
import type { AutomationExecutionStart } from '../../../../lambdas/changes/automation-execution/start.ts';
import {
  applyChange,
  describeChange,
  findChange,
  inverseOf,
  toLookAt,
} from '../../../../lambdas/changes/index.ts';
import { ChangeRefusedError } from '../../../../lambdas/model/errors.ts';
import { testSession } from '../../../lab/accounts/session.ts';
import { jsonAnswer, scriptedAws } from '../../../lab/scripted-aws/scripted-aws.ts';

const change: AutomationExecutionStart = {
  kind: 'automation-execution-start',
  resource: 'sg-0123abcd',
  region: 'us-east-1',
  document: 'AWS-DisablePublicAccessForSecurityGroup',
  version: '$DEFAULT',
  parameters: { GroupId: ['sg-0123abcd'] },
  roleArn: 'arn:aws:iam::111122223333:role/cspm-automation',
  tags: { 'cspm-auto-remediation:rule': 'security-group-ssh-open' },
  clientToken: '3f2504e0-4f89-81d3-9a0c-0305e82c3301',
};
const ID = '5d6f1b1c-0000-4000-8000-000000000001';

const sessionAt = (endpoint: string) =>
  testSession({ endpoint, account: '111122223333', region: 'eu-central-1', maxAttempts: 1 });

describe('starting an automation execution', () => {
  test('is described by document, version, region, parameters and role', async () => {
    await expect(describeChange(change)).resolves.toBe(
      '~ run AWS-DisablePublicAccessForSecurityGroup version $DEFAULT in us-east-1 (GroupId=sg-0123abcd) as arn:aws:iam::111122223333:role/cspm-automation',
    );
  });

  test('names the executions of its document in its region as what to check if its result is unknown', async () => {
    await expect(toLookAt(change)).resolves.toBe(
      'the automation executions of AWS-DisablePublicAccessForSecurityGroup in Systems Manager in us-east-1, and sg-0123abcd',
    );
  });

  test('sends all of these in the region of the change, and records the id', async () => {
    await using aws = await scriptedAws(() => jsonAnswer({ AutomationExecutionId: ID }));

    const applied = await applyChange(sessionAt(aws.endpoint), change);

    expect(applied).toEqual({ ...change, executionId: ID });
    expect(aws.calls.map(({ headers }) => headers['x-amz-target'])).toEqual([
      'AmazonSSM.StartAutomationExecution',
    ]);
    expect(aws.calls[0]?.headers.authorization).toContain('/us-east-1/ssm/');
    expect(JSON.parse(aws.calls[0]?.body ?? '')).toEqual({
      DocumentName: change.document,
      DocumentVersion: '$DEFAULT',
      Parameters: { GroupId: ['sg-0123abcd'], AutomationAssumeRole: [change.roleArn] },
      ClientToken: change.clientToken,
      Tags: [{ Key: 'cspm-auto-remediation:rule', Value: 'security-group-ssh-open' }],
    });
  });

  test('is refused as busy if the quota is reached, because it may succeed later', async () => {
    await using aws = await scriptedAws(() =>
      jsonAnswer({ __type: 'AutomationExecutionLimitExceededException', message: 'too many' }, 429),
    );

    const applied = applyChange(sessionAt(aws.endpoint), change);

    await expect(applied).rejects.toBeInstanceOf(ChangeRefusedError);
    await expect(applied).rejects.toMatchObject({
      because: 'busy',
      message: 'account 111122223333 has reached its quota of automation executions in us-east-1: too many',
    });
  });

  test.each([
    'AccessDeniedException',
    'IdempotentParameterMismatch',
    'AutomationDefinitionNotFoundException',
  ])('fails with %s if AWS refuses it', async (code) => {
    await using aws = await scriptedAws(() => jsonAnswer({ __type: code, message: 'no' }, 400));

    await expect(applyChange(sessionAt(aws.endpoint), change)).rejects.toMatchObject({ name: code });
  });

  test('fails if AWS returns no id, because it could not be followed', async () => {
    await using aws = await scriptedAws(() => jsonAnswer({}));

    await expect(applyChange(sessionAt(aws.endpoint), change)).rejects.toThrow();
  });

  test('has no inverse, because only the document knows what it changes', async () => {
    const applied: AutomationExecutionStart = { ...change, executionId: ID };

    await expect(inverseOf(applied)).resolves.toBeUndefined();
  });
});

describe('an execution whose start was not answered', () => {
  const since = new Date('2026-06-30T12:00:00.123Z');
  const poll = 'netskope.security-group-ssh-open@1782820800';
  const planned = { ...change, tags: { ...change.tags, 'cspm-auto-remediation:poll': poll } };
  const listed = (id: string, other: object = {}) => ({
    AutomationExecutionId: id,
    DocumentName: change.document,
    ExecutedBy: `arn:aws:sts::111122223333:assumed-role/cspm-remediation/${poll}`,
    ...other,
  });
  const parameters = { GroupId: ['sg-0123abcd'], AutomationAssumeRole: [change.roleArn] };
  const got = (Parameters: object) => jsonAnswer({ AutomationExecution: { Parameters } });

  test('is found on any page by its document, its session, its resource, and its role', async () => {
    const answers = [
      jsonAnswer({
        AutomationExecutionMetadataList: [
          listed('another-document', { DocumentName: `${change.document}2` }),
          listed('of-another-poll', { ExecutedBy: 'arn:aws:sts::1:assumed-role/r/netskope.other@1' }),
          listed('of-another-group'),
        ],
        NextToken: 'more',
      }),
      got({ ...parameters, GroupId: ['sg-0123abce'] }),
      jsonAnswer({ AutomationExecutionMetadataList: [listed(ID)] }),
      got(parameters),
    ];
    await using aws = await scriptedAws(() => answers.shift() ?? jsonAnswer({}, 500));

    const found = await findChange(sessionAt(aws.endpoint), planned, since);

    expect(found).toEqual({ ...planned, executionId: ID });
    expect(JSON.parse(aws.calls[0]?.body ?? '').Filters).toEqual([
      { Key: 'DocumentNamePrefix', Values: [change.document] },
      { Key: 'StartTimeAfter', Values: ['2026-06-30T11:50:00Z'] },
    ]);
    expect(aws.calls[0]?.headers.authorization).toContain('/us-east-1/ssm/');
  });

  test('is unknown if AWS lists none', async () => {
    await using aws = await scriptedAws(() => jsonAnswer({ AutomationExecutionMetadataList: [] }));

    expect(await findChange(sessionAt(aws.endpoint), planned, since)).toBeUndefined();
  });
});
