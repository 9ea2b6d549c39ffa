import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { build } from 'esbuild';
import { expect, test } from 'vitest';
import { factsOf, type ruleIds } from '../../../lambdas/rules/catalogue.ts';
import { endpointsTable, servicesOf } from '../../../scripts/vpc-endpoints.ts';

const repository = path.resolve(import.meta.dirname, '../../..');
const operations = path.join(repository, 'docs/operations.md');

/** Names of endpoints that differ from the names of the SDK's clients. */
const endpointNames: Readonly<Record<string, string>> = {
  cloudcontrol: 'cloudcontrolapi',
  'cloudwatch-logs': 'logs',
  eventbridge: 'events',
  'resource-groups-tagging-api': 'tagging',
};

/** Lists the SDK clients in the remediator's bundle, by the names of their endpoints. */
async function endpointsOfClients(): Promise<string[]> {
  const { metafile } = await build({
    absWorkingDir: repository,
    entryPoints: ['lambdas/remediator/index.ts'],
    bundle: true,
    platform: 'node',
    format: 'esm',
    splitting: true,
    outdir: 'unwritten',
    write: false,
    metafile: true,
    logLevel: 'silent',
  });
  const clients = Object.keys(metafile.inputs).flatMap(
    (file) => /node_modules\/@aws-sdk\/client-([a-z0-9-]+)\//.exec(file)?.[1] ?? [],
  );
  return [...new Set(clients)].map((client) => endpointNames[client] ?? client).sort();
}

test.each<[(typeof ruleIds)[number], string[]]>([
  ['s3-bucket-public', ['s3', 's3-control']],
  ['vpc-flow-logs-disabled', ['ec2', 'logs']],
  ['iam-access-key-unrotated', ['iam']],
])('%s calls %j', (rule, services) => {
  expect(servicesOf(factsOf(rule))).toEqual(services);
});

test('the documented endpoints of a VPC agree with the calls of rules', async () => {
  const text = await readFile(operations, 'utf8');
  const section = /## Run the functions in a VPC\n[\s\S]*?(?=\n## )/.exec(text)?.[0] ?? '';

  expect(section).toContain(endpointsTable());
  expect(endpointsTable()).toContain('| `iam-access-key-unrotated` | `iam` | `us-east-1` |');
});

test('a declared rule needs the endpoints with which pending modifications of its type are read', () => {
  expect(endpointsTable()).toMatch(/type `AWS::RDS::DBInstance` \| `rds` \|/);
  expect(endpointsTable()).toMatch(/type `AWS::RDS::DBCluster` \| `rds` \|/);
  expect(endpointsTable()).toMatch(/type `AWS::Redshift::Cluster` \| `redshift` \|/);
});

test('every client that the remediator can import has an endpoint in the table', async () => {
  const clients = await endpointsOfClients();
  const named = [...endpointsTable().matchAll(/`([a-z0-9-]+)`/g)].map(([, name]) => name);

  expect(clients).toEqual(expect.arrayContaining(['cloudcontrolapi', 'cloudtrail', 'tagging', 'sts']));
  expect(clients.filter((client) => !named.includes(client))).toEqual([]);
});
