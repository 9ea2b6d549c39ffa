import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { CreateQueueCommand, ListQueueTagsCommand, SQSClient } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Lab } from '../lab/index.ts';
import { type LibraryCase, libraryCases } from '../lab/library/index.ts';
import { labelOfRegion, tenantItem } from '../lab/tenant/index.ts';
import type { TerraformRoot } from '../lab/terraform/index.ts';
import { type LabExample, startExample } from './deployed-example.ts';
import { type PolicyUser, startPolicyUser } from './run-command-line.ts';

const account = '555555555555';
const region = 'eu-west-1';
const variables = { netskope_tenant: 'acme', force_destroy: true };
let example: LabExample | undefined;
let lab: Lab;
let root: TerraformRoot;

beforeAll(async () => {
  example = await startExample('custom-rules', { account, region });
  ({ lab, root } = example);
  const main = path.join(example.directory, 'main.tf');
  const text = await readFile(main, 'utf8');
  await writeFile(main, text.replace(/^( +acme-database-tags += )\{\}.*$/m, '$1{ mode = "enforce" }'));
  await root.apply(variables);
});

afterAll(async () => {
  await example?.stop();
});

/** Makes the tenant return resources as findings, each under a rule's name. */
function find(...findings: readonly { readonly rule_name: string; readonly resource_id: string }[]): void {
  const place = { account_id: account, region_name: labelOfRegion(region) };
  const words = { severity: 'Medium', resource_type: 'Custom', resource_category: 'Custom' } as const;
  lab.tenant.setFindings(findings.map((finding) => tenantItem({ ...place, ...words, ...finding })));
}

const poll = (rule: string) => lab.deployment({ account, homeRegion: region }).poll(rule, new Date());

function caseOf(rule: string): LibraryCase {
  const found = libraryCases[rule];
  if (found === undefined) throw new Error(`expected a case of ${rule}`);
  return found;
}

test('a second plan has no changes', async () => {
  const { changes, text } = await root.plan(variables);

  expect({ changes, text: changes ? text : '' }).toEqual({ changes: false, text: '' });
});

test('the deployed functions enforce a custom desired state with its own permissions', async () => {
  const labCase = caseOf('rds-instance-copy-tags');
  const site = { builder: lab.accountBuilder(account), region, name: 'stock' };
  const instance = await labCase.make(site);
  find({ rule_name: 'ACME-12 Snapshots have tags', resource_id: instance });

  const { outcomes } = await poll('acme-database-tags');

  expect(outcomes).toMatchObject([
    {
      outcome: 'remediated',
      applied: [
        {
          line: '~ CopyTagsToSnapshot: false → true (AWS::RDS::DBInstance stock): Costs of snapshots appear under the tags of their databases.',
        },
      ],
    },
  ]);
  expect(await labCase.isViolated(site, instance)).toBe(false);
  expect([lab.judge.denials, lab.judge.unknownCalls]).toEqual([[], []]);
});

test('a custom runbook is planned', async () => {
  find({ rule_name: 'ACME-17 Queues have an owner', resource_id: 'orders' });

  const { outcomes } = await poll('acme-queue-owner');

  expect(outcomes).toMatchObject([
    {
      outcome: 'planned',
      plan: [{ change: { document: 'acme-queue-owner-tag', parameters: { Queue: ['orders'] } } }],
    },
  ]);
});

describe('the example of docs/custom-rules.md', () => {
  const databases = 'acme-public-databases';
  const queues = 'acme-tagging';
  const isPublic = caseOf('rds-instance-public');
  const site = () => ({ builder: lab.accountBuilder(account), region, name: 'orders' });
  let operator: PolicyUser;
  let mainFile = '';
  let arguments_ = '';
  let QueueUrl: string | undefined;

  const sqs = () => new SQSClient({ ...lab.settings(account, region), useQueueUrlAsEndpoint: false });
  const tags = async () => (await sqs().send(new ListQueueTagsCommand({ QueueUrl }))).Tags ?? {};

  /** Puts the arguments of the documentation into the module block, and applies. */
  async function apply(edit: (text: string) => string): Promise<void> {
    await writeFile(
      mainFile,
      `module "cspm_auto_remediation" {
  source = "../.."

  netskope_tenant  = var.netskope_tenant
  api_token        = var.api_token
  evidence         = { force_destroy = var.force_destroy }
  api_token_secret = { recovery_days = 0 }

${edit(arguments_)}
undo = true
}
`,
    );
    await root.apply(variables);
  }

  beforeAll(async () => {
    const documentation = path.resolve(import.meta.dirname, '../../docs/custom-rules.md');
    [, arguments_ = ''] = /^```hcl\n([\s\S]*?)^```$/m.exec(await readFile(documentation, 'utf8')) ?? [];
    mainFile = path.join(example?.directory ?? '', 'main.tf');
    await apply((text) => text);
    operator = await startPolicyUser(lab, { account, region, endpoint: lab.proxy.endpoint }, 'operator');
    await isPublic.make(site());
    ({ QueueUrl } = await sqs().send(new CreateQueueCommand({ QueueName: 'invoices' })));
    find(
      { rule_name: 'ACME-12 Databases are private', resource_id: 'orders' },
      { rule_name: 'ACME-17 Queues have an owner', resource_id: 'invoices' },
    );
    lab.judge.clear();
  });

  test('the command line plans both rules, and changes nothing', async () => {
    const planned = await operator.user.succeed(['plan', databases, '--timeout', '3m']);
    const started = await operator.user.succeed(['plan', queues, '--timeout', '3m']);

    expect(planned).toContain(
      '~ PubliclyAccessible: true → false (AWS::RDS::DBInstance orders): Clients outside the VPC lose the connection.',
    );
    expect(started).toContain('~ run acme-queue-owner-tag version $DEFAULT');
    expect(await isPublic.isViolated(site(), 'orders')).toBe(true);
    expect(await tags()).toEqual({});
  });

  test('a poll enforces both rules once they are in force, and the command line undoes both', async () => {
    await apply((text) =>
      text.replaceAll(/^( {2}acme-(?:public-databases|tagging) += )\{\}.*$/gm, '$1{ mode = "enforce" }'),
    );

    await lab.settingsInForce();
    const [set, ran] = [await poll(databases), await poll(queues)];

    expect([...set.outcomes, ...ran.outcomes]).toMatchObject([
      { outcome: 'remediated', finding: { resource: 'orders' } },
      { outcome: 'remediated', finding: { resource: 'invoices' } },
    ]);
    expect(await isPublic.isViolated(site(), 'orders')).toBe(false);
    expect(await tags()).toEqual({ owner: 'unknown' });

    const reason = 'our partner connects from outside';
    await operator.user.succeed(['undo', 'orders', '--reason', reason, '--yes', '--timeout', '3m']);
    await operator.user.succeed(['undo', 'invoices', '--reason', reason, '--yes', '--timeout', '3m']);

    expect(await isPublic.isViolated(site(), 'orders')).toBe(true);
    expect(await tags()).toEqual({});
    expect([lab.judge.denials, lab.judge.unknownCalls]).toEqual([[], []]);
  });
});
