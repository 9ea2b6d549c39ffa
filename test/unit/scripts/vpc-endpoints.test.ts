import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from 'vitest';
import { factsOf, type ruleIds } from '../../../lambdas/rules/catalogue.ts';
import { endpointsTable, servicesOf } from '../../../scripts/vpc-endpoints.ts';

const operations = path.resolve(import.meta.dirname, '../../../docs/operations.md');

test.each<[(typeof ruleIds)[number], string[]]>([
  ['s3-bucket-public', ['s3', 's3-control']],
  ['vpc-flow-logs-disabled', ['ec2', 'logs']],
  ['iam-access-key-unrotated', ['iam']],
])('%s calls %j', (rule, services) => {
  expect(servicesOf(factsOf(rule))).toEqual(services);
});

test('the endpoints that a VPC needs are documented in its section, as the rules call them', async () => {
  const text = await readFile(operations, 'utf8');
  const section = /## Run the functions in a VPC\n[\s\S]*?(?=\n## )/.exec(text)?.[0] ?? '';

  expect(section).toContain(endpointsTable());
  expect(endpointsTable()).toContain('| `iam-access-key-unrotated` | `iam` | `us-east-1` |');
});
