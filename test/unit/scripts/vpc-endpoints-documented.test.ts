import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from 'vitest';
import { factsOf, ruleIds } from '../../../lambdas/rules/catalogue.ts';

const operations = path.resolve(import.meta.dirname, '../../../docs/operations.md');

/** The service that a call for this action goes to. Passing a role is part of another call. */
function serviceOf(action: string): readonly string[] {
  if (action === 'iam:PassRole') return [];
  return action.includes('AccessPoint') ? ['s3-control'] : [action.split(':')[0] ?? ''];
}

/** The services that a rule calls in target accounts, beside those that every rule needs. */
function servicesOf(rule: (typeof ruleIds)[number], everywhere: readonly string[]): string[] {
  const { read, write } = factsOf(rule).permissions;
  const services = [...read, ...write].flatMap(({ actions }) => actions.flatMap(serviceOf));
  return [...new Set(services)].filter((service) => !everywhere.includes(service)).sort();
}

test('the endpoints that a VPC needs are those of the services that the rules call', async () => {
  const text = await readFile(operations, 'utf8');
  const section = /## Run the functions in a VPC\n[\s\S]*?(?=\n## )/.exec(text)?.[0] ?? '';
  const rows = [...section.matchAll(/^\| (.*?) \| (.*?) \| (.*?) \|$/gm)].map(([, ...cells]) =>
    cells.map((cell) => [...cell.matchAll(/`([^`]+)`/g)].map(([, word = '']) => word)),
  );

  const documented = new Map(
    rows.flatMap(([rules = [], services = []]) => rules.map((rule) => [rule, [...services].sort()] as const)),
  );

  const everywhere = ['sqs', 'ssm', 'sts', 'dynamodb', 'events'];
  expect(Object.fromEntries(documented)).toEqual(
    Object.fromEntries(ruleIds.map((rule) => [rule, servicesOf(rule, everywhere)])),
  );
});
