import { beforeEach, expect, test } from 'vitest';
import { describeChange, inverseOf } from '../../../../lambdas/changes/index.ts';
import type { CustomRule } from '../../../../lambdas/model/custom-rule.ts';
import { customRule } from '../../../../lambdas/rules/custom/index.ts';
import { sessionStartPermissions } from '../../../../lambdas/rules/runbook.ts';
import { testSession } from '../../../lab/accounts/session.ts';
import { jsonAnswer, type ScriptedAws, scriptedAws } from '../../../lab/scripted-aws/scripted-aws.ts';
import {
  ACCOUNT,
  REGION,
  RemediatorInMemory,
  regionalJobOf,
  settingsOf,
} from '../../remediator/support/remediator-in-memory.ts';

const RULE = 'acme-tagging';
const ROLE = `arn:aws:iam::${ACCOUNT}:role/cspm-automation`;
const QUEUE = `arn:aws:sqs:${REGION}:${ACCOUNT}:orders`;

const definition: CustomRule = {
  title: 'ACME-17',
  scope: 'regional',
  severity: 'low',
  risk: '',
  runbook: {
    document: 'arn:{{partition}}:ssm:{{region}}:999999999999:document/Acme-Tag',
    version: '3',
    parameters: {
      AutomationAssumeRole: ['{{automation_role_arn}}'],
      Queue: ['{{arn.resource_id}}'],
      Arn: ['{{resource}}', '{{account}}'],
    },
    undo: { document: 'Acme-Untag', version: '$DEFAULT', parameters: { Queue: ['{{arn.resource_id}}'] } },
  },
  permissions: { read: [], write: [], undo: [], automation: [] },
};

let status = 'Success';
let remediator: RemediatorInMemory;

beforeEach(() => {
  status = 'Success';
  remediator = new RemediatorInMemory();
  remediator.settings = settingsOf({ rule: RULE, method: 'runbook', runbook_then: 'report', definition });
});

/** Runs the job, and the jobs that look again, on a Systems Manager that ends every execution with a status. */
async function run(asked = regionalJobOf(RULE, [QUEUE])) {
  await using aws: ScriptedAws = await scriptedAws(({ headers }) =>
    String(headers['x-amz-target']).endsWith('StartAutomationExecution')
      ? jsonAnswer({ AutomationExecutionId: '11111111-2222-3333-4444-555555555555' })
      : jsonAnswer({
          AutomationExecution: {
            AutomationExecutionStatus: status,
            ...(status !== 'Success' && { FailureMessage: 'step tag failed' }),
          },
        }),
  );
  remediator.openSession = ({ account, region }) =>
    testSession({ endpoint: aws.endpoint, account, region, maxAttempts: 1 });
  const { outcomes } = await remediator.attempt(asked);
  if (outcomes.length > 0) return { outcomes, calls: aws.calls };
  return { outcomes: (await remediator.attempt(remediator.lastLook)).outcomes, calls: aws.calls };
}

test('a document is started with all that is declared, at its version, and followed to its end', async () => {
  const { outcomes, calls } = await run();

  expect(JSON.parse(calls[0]?.body ?? '')).toMatchObject({
    DocumentName: `arn:aws:ssm:${REGION}:999999999999:document/Acme-Tag`,
    DocumentVersion: '3',
    Parameters: { AutomationAssumeRole: [ROLE], Queue: ['orders'], Arn: [QUEUE, ACCOUNT] },
  });
  expect(outcomes).toMatchObject([
    {
      outcome: 'remediated',
      reason:
        'execution 11111111-2222-3333-4444-555555555555 of arn:aws:ssm:eu-central-1:999999999999:document/Acme-Tag ended as Success; whether the resource complies now, the next scan tells',
    },
  ]);
});

test('until the source has scanned again, the finding awaits that', async () => {
  await run();
  const job = regionalJobOf(RULE, [QUEUE]);
  const at = (seconds: number) =>
    new Date(remediator.now + seconds * 1000).toISOString().replace(/\.\d+/, '');
  const poll = { ...job.poll, asOf: at(60) };
  const scanned = (lastScanTime: string) => ({
    ...job,
    poll,
    findings: job.findings.map((finding) => ({ ...finding, lastScanTime })),
  });

  const before = await run(scanned(at(-3600)));

  expect(before.outcomes).toMatchObject([{ outcome: 'awaiting_scan' }]);
  expect(before.calls).toEqual([]);
});

test('one that fails is a failure in its own words', async () => {
  status = 'Failed';

  const { outcomes } = await run();

  expect(outcomes).toMatchObject([
    { outcome: 'failed', reason: expect.stringContaining('ended as Failed (step tag failed)') },
  ]);
});

test('the document that undoes it is its inverse, with a token of its own', async () => {
  const { outcomes } = await run();
  const [applied] = outcomes[0]?.applied ?? [];
  if (applied === undefined) throw new Error('expected an applied change');

  const inverse = await inverseOf(applied.change);

  expect(inverse).toMatchObject({
    kind: 'automation-execution-start',
    document: 'Acme-Untag',
    version: '$DEFAULT',
    parameters: { Queue: ['orders'] },
  });
  expect(inverse).not.toMatchObject({ clientToken: applied.change['clientToken'] });
  expect(inverse).not.toHaveProperty('undo');
  expect(inverse === undefined ? '' : await describeChange(inverse)).toContain('~ run Acme-Untag');
});

test('a session may start the declared document, by both of its names, and no other', () => {
  const { runbook } = customRule(RULE, definition);
  if (runbook === undefined) throw new Error('expected a runbook');

  const [permission] = sessionStartPermissions(runbook, ROLE, []);

  expect(permission?.resources).toEqual([
    'arn:${partition}:ssm:${region}:999999999999:document/Acme-Tag',
    'arn:${partition}:ssm:${region}:999999999999:automation-definition/Acme-Tag:*',
    'arn:${partition}:ssm:${region}:${account}:automation-execution/*',
    ROLE,
  ]);
});
