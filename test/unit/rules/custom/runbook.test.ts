import { beforeEach, describe, expect, test } from 'vitest';
import { describeChange, differenceOf, inverseOf } from '../../../../lambdas/changes/index.ts';
import type { CustomRule, CustomRunbook } from '../../../../lambdas/model/custom-rule.ts';
import { EXEMPTION_TAG } from '../../../../lambdas/model/exemption-tag.ts';
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

const runbook: CustomRunbook = {
  document: 'arn:{{partition}}:ssm:{{region}}:999999999999:document/Acme-Tag',
  version: '3',
  parameters: {
    AutomationAssumeRole: ['{{automation_role_arn}}'],
    Queue: ['{{arn.resource_id}}'],
    Arn: ['{{resource}}', '{{account}}'],
  },
  undo: { document: 'Acme-Untag', version: '$DEFAULT', parameters: { Queue: ['{{arn.resource_id}}'] } },
};
const definition: CustomRule = {
  title: 'ACME-17',
  scope: 'regional',
  severity: 'low',
  risk: '',
  runbook,
  permissions: { read: [], write: [], undo: [], automation: [] },
};

let status = 'Success';
/** The tags of the queue; undefined if they cannot be read. */
let tags: Record<string, string> | undefined = {};
let remediator: RemediatorInMemory;

beforeEach(() => {
  status = 'Success';
  tags = {};
  remediator = new RemediatorInMemory();
  remediator.settings = settingsOf({ rule: RULE, method: 'runbook', runbook_then: 'report', definition });
});

/** Runs the job and its follow-up jobs on a Systems Manager that ends every execution with this status. */
async function run(asked = regionalJobOf(RULE, [QUEUE])) {
  await using aws: ScriptedAws = await scriptedAws(({ headers }) => {
    const operation = String(headers['x-amz-target']).split('.').at(-1);
    if (operation === 'GetResources') {
      if (tags === undefined) return jsonAnswer({ __type: 'AccessDeniedException', message: 'no' }, 400);
      const Tags = Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
      // The local AWS also returns other queues.
      const others = { ResourceARN: `${QUEUE}-2`, Tags: [{ Key: EXEMPTION_TAG, Value: 'another' }] };
      return jsonAnswer({ ResourceTagMappingList: [others, { ResourceARN: QUEUE, Tags }] });
    }
    return operation === 'StartAutomationExecution'
      ? jsonAnswer({ AutomationExecutionId: '11111111-2222-3333-4444-555555555555' })
      : jsonAnswer({
          AutomationExecution: {
            AutomationExecutionStatus: status,
            ...(status !== 'Success' && { FailureMessage: 'step tag failed' }),
          },
        });
  });
  remediator.openSession = ({ account, region }) =>
    testSession({ endpoint: aws.endpoint, account, region, maxAttempts: 1 });
  const { outcomes } = await remediator.attempt(asked);
  if (outcomes.length > 0) return { outcomes, calls: aws.calls };
  return { outcomes: (await remediator.attempt(remediator.lastLook)).outcomes, calls: aws.calls };
}

test('a document is started with its declared version and parameters, and followed to its end', async () => {
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
        'execution 11111111-2222-3333-4444-555555555555 of arn:aws:ssm:eu-central-1:999999999999:document/Acme-Tag ended as Success; the next scan shows whether the resource complies now',
    },
  ]);
});

test('the finding awaits a scan until the source has scanned the resource again', async () => {
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

test('the end of a document is reported even if its resource is exempted while it runs', async () => {
  status = 'Failed';
  remediator.settings = settingsOf({
    rule: RULE,
    method: 'runbook',
    definition: { ...definition, runbook: { ...runbook, resource_arn: '{{resource}}' } },
  });
  remediator.fault = (port) => {
    if (port === 'lookAgain') tags = { [EXEMPTION_TAG]: 'moving until 2099-12-31' };
    return undefined;
  };

  const { outcomes } = await run();

  expect(outcomes).toMatchObject([
    {
      outcome: 'exempt',
      reason: expect.stringMatching(/moving .*; execution .* ended as Failed \(step tag failed\)$/),
    },
  ]);
});

test('a document that fails is a failure with its message', async () => {
  status = 'Failed';

  const { outcomes } = await run();

  expect(outcomes).toMatchObject([
    { outcome: 'failed', reason: expect.stringContaining('ended as Failed (step tag failed)') },
  ]);
});

describe("a rule with the resource's ARN", () => {
  const declare = (settings: Parameters<typeof settingsOf>[0] = {}): void => {
    const tagged = {
      ...definition,
      risk: 'Costs move.',
      runbook: { ...runbook, resource_arn: '{{resource}}' },
    };
    remediator.settings = settingsOf({
      rule: RULE,
      method: 'runbook',
      runbook_then: 'report',
      definition: tagged,
      ...settings,
    });
  };

  test('starts nothing for a resource with an exemption tag', async () => {
    declare();
    tags = { [EXEMPTION_TAG]: 'ours until 2099-12-31' };

    const { outcomes, calls } = await run();

    expect(outcomes).toMatchObject([{ outcome: 'exempt', reason: expect.stringContaining('ours') }]);
    expect(calls).toHaveLength(1);
    expect(JSON.parse(calls[0]?.body ?? '')).toEqual({ ResourceARNList: [QUEUE] });
  });

  test('remediates a resource without an exemption tag', async () => {
    declare();
    tags = { team: 'shop' };

    expect((await run()).outcomes).toMatchObject([{ outcome: 'remediated' }]);
  });

  test('starts nothing if the tags cannot be read', async () => {
    declare();
    tags = undefined;

    const { outcomes, calls } = await run();

    expect(outcomes).toMatchObject([{ outcome: 'failed', reason: expect.stringContaining('AccessDenied') }]);
    expect(calls).toHaveLength(1);
  });

  test('names the risk in its plan', async () => {
    declare({ mode: 'dry_run' });

    expect((await run()).outcomes).toMatchObject([
      { outcome: 'planned', reason: expect.stringMatching(/^Costs move\./) },
    ]);
  });

  test('refuses an id that is not an ARN', async () => {
    declare();

    const { outcomes, calls } = await run(regionalJobOf(RULE, ['orders']));

    expect(outcomes).toMatchObject([{ reason: expect.stringContaining('expected an ARN') }]);
    expect(calls).toEqual([]);
  });
});

test("the plan of a rule without the resource's ARN says that no tag can exempt it", async () => {
  remediator.settings = settingsOf({ rule: RULE, method: 'runbook', mode: 'dry_run', definition });

  expect((await run()).outcomes).toMatchObject([
    { outcome: 'planned', reason: expect.stringContaining('its tags are not read') },
  ]);
});

test('the undo document is the inverse of the document, with its own token', async () => {
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

test('a session can start the declared document, by both of its names, and no other', () => {
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

test("an undo's session can start the undo document and follow it", () => {
  const { permissions } = customRule(RULE, definition);

  const byAction = Object.fromEntries(
    permissions.undo.flatMap(({ actions, resources }) => actions.map((action) => [action, resources])),
  );
  expect(permissions.undo[0]).toEqual({
    actions: ['ssm:StartAutomationExecution'],
    resources: [
      'arn:${partition}:ssm:${region}:*:document/Acme-Untag',
      'arn:${partition}:ssm:${region}:*:automation-definition/Acme-Untag:*',
    ],
  });
  expect(Object.keys(byAction).sort()).toEqual([
    'iam:PassRole',
    'ssm:AddTagsToResource',
    'ssm:GetAutomationExecution',
    'ssm:StartAutomationExecution',
  ]);
});

test('an undo whose start was not answered does not count as done', async () => {
  const { outcomes } = await run();
  const [applied] = outcomes[0]?.applied ?? [];
  const inverse = applied === undefined ? undefined : await inverseOf(applied.change);
  if (inverse === undefined) throw new Error('expected an inverse');
  const session = testSession({ endpoint: 'http://127.0.0.1:1', account: ACCOUNT, region: REGION });

  const difference = await differenceOf(session, inverse);

  expect(difference).toBe('it is unknown whether Acme-Untag was started');
});

describe('as for built-in rules', () => {
  const declare = (settings: Parameters<typeof settingsOf>[0] = {}): void => {
    remediator.settings = settingsOf({
      rule: RULE,
      method: 'runbook',
      runbook_then: 'report',
      definition,
      ...settings,
    });
  };

  test('a dry run starts nothing', async () => {
    declare({ mode: 'dry_run' });

    const { outcomes, calls } = await run();

    expect(outcomes).toMatchObject([{ outcome: 'planned', plan: [{ change: { version: '3' } }] }]);
    expect(calls).toEqual([]);
  });

  test('a pause starts nothing', async () => {
    remediator.pause = 'all';

    const { outcomes, calls } = await run();

    expect(outcomes).toMatchObject([{ outcome: 'deferred', gate: 'pause' }]);
    expect(calls).toEqual([]);
  });

  test('a limit counts started documents', async () => {
    declare({ limits: { per_account_per_hour: 1, per_rule_per_hour: 1 } });

    const { outcomes, calls } = await run(regionalJobOf(RULE, [QUEUE, `${QUEUE}-2`]));

    expect(outcomes).toMatchObject([{ outcome: 'deferred', gate: 'limit' }]);
    expect(calls.filter(({ headers }) => /Start/.test(String(headers['x-amz-target'])))).toHaveLength(1);
  });

  test('an exemption in the settings starts nothing', async () => {
    declare({
      exemptions: [
        { account: '*', region: '*', resource: QUEUE, reason: 'ours', owner: 'me', expires: '2099-12-31' },
      ],
    });

    const { outcomes, calls } = await run();

    expect(outcomes).toMatchObject([{ outcome: 'exempt' }]);
    expect(calls).toEqual([]);
  });

  test('failed documents open the breaker, and the rule only plans', async () => {
    status = 'Failed';
    await run(
      regionalJobOf(
        RULE,
        [1, 2, 3, 4, 5].map((n) => `${QUEUE}-${n}`),
      ),
    );

    const { outcomes, calls } = await run();

    expect(outcomes).toMatchObject([{ outcome: 'planned', gate: 'breaker' }]);
    expect(calls.filter(({ headers }) => /Start/.test(String(headers['x-amz-target'])))).toEqual([]);
  });
});
