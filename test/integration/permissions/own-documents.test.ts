import { CreateQueueCommand, ListQueueTagsCommand, SQSClient, TagQueueCommand } from '@aws-sdk/client-sqs';
import {
  CreateDocumentCommand,
  ModifyDocumentPermissionCommand,
  SSMClient,
  UpdateDocumentCommand,
} from '@aws-sdk/client-ssm';
import { afterAll, beforeAll, beforeEach, expect, inject, test, vi } from 'vitest';
import type { CustomRule } from '../../../lambdas/model/custom-rule.ts';
import { EXEMPTION_TAG } from '../../../lambdas/model/exemption-tag.ts';
import type { Sessions } from '../../../lambdas/remediator/session.ts';
import { type AutomationSimulation, startAutomation } from '../../lab/automation/index.ts';
import { type AwsProxy, startAwsProxy } from '../../lab/aws-proxy/index.ts';
import { queueTags } from '../../lab/library/queue-tags.ts';
import { PermissionJudge } from '../../lab/permissions/index.ts';
import { freshAccount } from '../harness/product.ts';
import { REGION, Remediation } from './remediation.ts';
import { startTarget } from './remediator-sessions.ts';

const endpoint = inject('localAwsEndpoint');
const security = freshAccount();
const target = freshAccount();
const EXTERNAL_ID = 'documents';
const role = `arn:aws:iam::${target}:role/cspm-remediation`;
const automationRole = `arn:aws:iam::${target}:role/cspm-automation`;
const queues = 'arn:{{partition}}:sqs:{{region}}:{{account}}:*';
const parameters = { AutomationAssumeRole: ['{{automation_role_arn}}'], Queue: ['{{resource}}'] };
const shared = (name: string) => `arn:{{partition}}:ssm:{{region}}:${security}:document/${name}`;

const runbooks = {
  'own-tag': {
    document: 'acme-tag',
    version: '2',
    parameters,
    undo: { document: 'acme-untag', version: '$DEFAULT', parameters },
    resource_arn: 'arn:{{partition}}:sqs:{{region}}:{{account}}:{{resource}}',
  },
  'shared-tag': {
    document: shared('security-tag'),
    version: '$DEFAULT',
    parameters,
    undo: { document: shared('security-untag'), version: '1', parameters },
  },
};
type RuleId = keyof typeof runbooks;
const ids: readonly RuleId[] = ['own-tag', 'shared-tag'];
const calls = ['sqs:GetQueueUrl', 'sqs:TagQueue', 'sqs:UntagQueue'];

/** The definition as Terraform creates it. */
const definitionOf = (id: RuleId): CustomRule => ({
  title: id,
  scope: 'regional',
  severity: 'low',
  risk: '',
  runbook: runbooks[id],
  permissions: {
    read:
      'resource_arn' in runbooks[id]
        ? [
            {
              actions: ['tag:GetResources'],
              resources: ['*'],
              conditions: { StringLike: { 'aws:RequestedRegion': ['${region}'] } },
            },
          ]
        : [],
    write: [],
    undo: [],
    automation: [{ actions: calls, resources: ['arn:${partition}:sqs:${region}:${account}:*'] }],
  },
});

let proxy: AwsProxy;
let judge: PermissionJudge;
let automation: AutomationSimulation;
let sessions: Sessions;
let made = 0;

const settings = (account: string) => ({
  endpoint,
  region: REGION,
  credentials: { accessKeyId: account, secretAccessKey: 'test' },
});

const contentOf = (call: object): string =>
  JSON.stringify({
    schemaVersion: '0.3',
    assumeRole: '{{ AutomationAssumeRole }}',
    parameters: { AutomationAssumeRole: { type: 'String' }, Queue: { type: 'String' } },
    mainSteps: [
      {
        name: 'Find',
        action: 'aws:executeAwsApi',
        inputs: { Service: 'sqs', Api: 'GetQueueUrl', QueueName: '{{ Queue }}' },
        outputs: [{ Name: 'Url', Selector: '$.QueueUrl', Type: 'String' }],
      },
      {
        name: 'Change',
        action: 'aws:executeAwsApi',
        inputs: { Service: 'sqs', QueueUrl: '{{ Find.Url }}', ...call },
      },
    ],
  });
const tag = (owner: string) => contentOf({ Api: 'TagQueue', Tags: { owner } });
const untag = contentOf({ Api: 'UntagQueue', TagKeys: ['owner'] });

async function makeDocuments(): Promise<void> {
  const [own, other] = [target, security].map((account) => new SSMClient(settings(account)));
  const make = (client: SSMClient | undefined, Name: string, Content: string) =>
    client?.send(
      new CreateDocumentCommand({ Name, Content, DocumentType: 'Automation', DocumentFormat: 'JSON' }),
    );
  await make(own, 'acme-tag', tag('version 1'));
  await own?.send(
    new UpdateDocumentCommand({
      Name: 'acme-tag',
      Content: tag('version 2'),
      DocumentVersion: '$LATEST',
      DocumentFormat: 'JSON',
    }),
  );
  await make(own, 'acme-untag', untag);
  await make(other, 'security-tag', tag('security'));
  await make(other, 'security-untag', untag);
  for (const Name of ['security-tag', 'security-untag']) {
    await other?.send(
      new ModifyDocumentPermissionCommand({ Name, PermissionType: 'Share', AccountIdsToAdd: [target] }),
    );
  }
}

beforeAll(async () => {
  proxy = await startAwsProxy({ upstream: () => endpoint });
  judge = new PermissionJudge({ upstream: () => endpoint, organizations: {} });
  proxy.intercept(judge.intercept);
  proxy.intercept(queueTags(() => endpoint));
  automation = startAutomation({ proxy, upstream: () => endpoint, stepMilliseconds: 1 });
  await makeDocuments();
  sessions = await startTarget({
    endpoint,
    proxy: proxy.endpoint,
    security,
    target,
    externalId: EXTERNAL_ID,
    variables: {
      rules: ids,
      custom_rules: Object.fromEntries(
        ids.map((id) => [
          id,
          {
            netskope_rule_names: [id],
            runbook: runbooks[id],
            permissions: { automation: [{ actions: calls, resources: [queues] }] },
          },
        ]),
      ),
    },
  });
});
beforeEach(() => judge.clear());
afterAll(async () => {
  vi.unstubAllEnvs();
  await automation.stop();
  await proxy.stop();
});

async function violate(rule: RuleId) {
  made += 1;
  const resource = `queue-${made}`;
  const client = new SQSClient({ ...settings(target), useQueueUrlAsEndpoint: false });
  const { QueueUrl } = await client.send(new CreateQueueCommand({ QueueName: resource }));
  return {
    remediation: new Remediation({
      sessions,
      account: target,
      rule,
      resource,
      definition: definitionOf(rule),
    }),
    tags: async () => (await client.send(new ListQueueTagsCommand({ QueueUrl }))).Tags ?? {},
    exempt: () =>
      client.send(
        new TagQueueCommand({ QueueUrl, Tags: { [EXEMPTION_TAG]: 'it has no owner until 2099-12-31' } }),
      ),
  };
}

test.each<[RuleId, string]>([
  ['own-tag', 'version 2'],
  ['shared-tag', 'security'],
])('%s is planned, run at its version, and undone by its other document', async (rule, owner) => {
  const { remediation, tags } = await violate(rule);

  const planned = await remediation.dryRun('runbook');
  expect(planned).toMatchObject({ outcome: 'planned', applied: [] });
  expect(await tags()).toEqual({});

  const enforced = await remediation.enforceByRunbook(automation);
  expect(enforced).toMatchObject({
    outcome: 'remediated',
    plan: planned.plan.map(({ line }) => ({ line })),
    reason: expect.stringContaining('ended as Success'),
  });
  expect(await tags()).toEqual({ owner });

  expect(await remediation.undo(automation)).toMatchObject({ outcome: 'undone' });
  expect(await tags()).toEqual({});
  expect([judge.denials, judge.unknownCalls]).toEqual([[], []]);
});

test.each<[string, string, RuleId]>([
  [role, 'tag:GetResources', 'own-tag'],
  [role, 'ssm:StartAutomationExecution', 'own-tag'],
  [role, 'ssm:AddTagsToResource', 'own-tag'],
  [role, 'iam:PassRole', 'shared-tag'],
  [automationRole, 'sqs:GetQueueUrl', 'own-tag'],
  [automationRole, 'sqs:TagQueue', 'shared-tag'],
])('without %s having %s, %s fails and says so', async (who, action, rule) => {
  const { remediation, tags } = await violate(rule);
  using _ = judge.withhold(who, action);

  const outcome = await remediation.enforceByRunbook(automation);

  expect(outcome).toMatchObject({
    outcome: 'failed',
    reason: expect.stringContaining(`is not authorized to perform: ${action}`),
  });
  expect(await tags()).toEqual({});
});

test('an exemption tag on a resource prevents the start of the document', async () => {
  const { remediation, tags, exempt } = await violate('own-tag');
  await exempt();

  const outcome = await remediation.enforceByRunbook(automation);

  expect(outcome).toMatchObject({ outcome: 'exempt', reason: expect.stringContaining('it has no owner') });
  expect(Object.keys(await tags())).toEqual([EXEMPTION_TAG]);
});

test('an undo is refused with the reason when its document fails, and a later undo starts it again', async () => {
  const { remediation, tags } = await violate('own-tag');
  await remediation.enforceByRunbook(automation);
  {
    using _ = judge.withhold(automationRole, 'sqs:UntagQueue');

    expect(await remediation.undo(automation)).toMatchObject({
      outcome: 'undo_refused',
      reason: expect.stringContaining('is not authorized to perform: sqs:UntagQueue'),
    });
  }
  expect(await tags()).toEqual({ owner: 'version 2' });

  expect(await remediation.undo(automation)).toMatchObject({ outcome: 'undone' });
  expect(await tags()).toEqual({});
});

test('an undo without the permission to start its document is refused, and starts nothing', async () => {
  const { remediation, tags } = await violate('own-tag');
  await remediation.enforceByRunbook(automation);
  using _ = judge.withhold(role, 'ssm:StartAutomationExecution');

  expect(await remediation.undo(automation)).toMatchObject({
    outcome: 'undo_refused',
    reason: expect.stringContaining('ssm:StartAutomationExecution'),
  });
  expect(await tags()).toEqual({ owner: 'version 2' });
});
