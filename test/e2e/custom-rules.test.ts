import { rm } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Lab, startLab } from '../lab/index.ts';
import { libraryCases } from '../lab/library/index.ts';
import { prepareLocalAws } from '../lab/local-aws/index.ts';
import { labelOfRegion, tenantItem } from '../lab/tenant/index.ts';
import { copyProject, localAwsEnvironment, prepareTerraform, TerraformRoot } from '../lab/terraform/index.ts';

const account = '555555555555';
const region = 'eu-west-1';
const say = (line: string): void => console.info(line);
const folder = path.resolve(import.meta.dirname, `../../.work/e2e-custom-rules-${process.pid}`);
const stopped = new AbortController();
const variables = { netskope_tenant: 'acme', force_destroy: true };
let lab: Lab;
let root: TerraformRoot;

beforeAll(async () => {
  lab = await startLab({ installation: await prepareLocalAws(say), signal: stopped.signal });
  const terraform = await prepareTerraform(say);
  await copyProject(folder);
  root = new TerraformRoot(terraform, path.join(folder, 'examples/custom-rules'), {
    environment: {
      ...localAwsEnvironment(lab.aws.endpoint, account),
      AWS_REGION: region,
      TF_VAR_api_token: lab.tenant.token,
    },
    logFile: `${folder}-terraform.log`,
    say,
    signal: stopped.signal,
  });
  await root.init();
  await root.apply(variables);
});

afterAll(async () => {
  stopped.abort();
  await lab?.stop();
  await rm(folder, { recursive: true, force: true, maxRetries: 5 });
});

/** Lets the tenant find one resource, and polls the rule. */
async function poll(rule: string, rule_name: string, resource_id: string) {
  const place = { account_id: account, region_name: labelOfRegion(region) };
  lab.tenant.setFindings([
    tenantItem({
      ...place,
      rule_name,
      resource_id,
      severity: 'Medium',
      resource_type: 'Custom',
      resource_category: 'Custom',
    }),
  ]);
  return lab.deployment({ account, homeRegion: region }).poll(rule, new Date());
}

test('a second plan is clean', async () => {
  const { changes, text } = await root.plan(variables);

  expect({ changes, text: changes ? text : '' }).toEqual({ changes: false, text: '' });
});

test('a desired state of one’s own is enforced by the deployed functions, with its own permissions', async () => {
  const labCase = libraryCases['rds-instance-copy-tags'];
  if (labCase === undefined) throw new Error('expected a case');
  const site = { builder: lab.accountBuilder(account), region, name: 'orders' };
  const instance = await labCase.make(site);

  const { outcomes } = await poll('acme-database-tags', 'ACME-12 Snapshots have tags', instance);

  expect(outcomes).toMatchObject([
    {
      outcome: 'remediated',
      applied: [
        {
          line: '~ CopyTagsToSnapshot: false → true (AWS::RDS::DBInstance orders): Costs of snapshots appear under the tags of their databases.',
        },
      ],
    },
  ]);
  expect(await labCase.isViolated(site, instance)).toBe(false);
  expect([lab.judge.denials, lab.judge.unknownCalls]).toEqual([[], []]);
});

test('a runbook of one’s own is planned', async () => {
  const { outcomes } = await poll('acme-queue-owner', 'ACME-17 Queues have an owner', 'orders');

  expect(outcomes).toMatchObject([
    {
      outcome: 'planned',
      plan: [{ change: { document: 'acme-queue-owner-tag', parameters: { Queue: ['orders'] } } }],
    },
  ]);
});
