import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Lab } from '../lab/index.ts';
import { libraryCases } from '../lab/library/index.ts';
import { labelOfRegion, tenantItem } from '../lab/tenant/index.ts';
import type { TerraformRoot } from '../lab/terraform/index.ts';
import { type LabExample, startExample } from './deployed-example.ts';

const account = '555555555555';
const region = 'eu-west-1';
const variables = { netskope_tenant: 'acme', force_destroy: true };
let example: LabExample | undefined;
let lab: Lab;
let root: TerraformRoot;

beforeAll(async () => {
  example = await startExample('custom-rules', { account, region });
  ({ lab, root } = example);
  await root.apply(variables);
});

afterAll(async () => {
  await example?.stop();
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
