import path from 'node:path';
import { expect, test } from 'vitest';
import { bundle } from '../../../scripts/packaging/bundle.ts';

const repository = path.resolve(import.meta.dirname, '../../..');

/** Files that read or change resources: rules' code, changes, and the clients of the services that they call. */
const ofRemediators = [
  /^lambdas\/rules\/(?!(.*\/)?(facts|catalogue|permission|runbook)\.ts$)/,
  // The grammar of ARNs, CIDR blocks and inbound rules is a fact too.
  /^lambdas\/changes\/(?!cloudtrail\/trail-arn\.ts$|network-acl\/cidr\.ts$|security-group\/ingress-rule\.ts$)/,
  /^lambdas\/remediator\//,
  /^node_modules\/@aws-sdk\/client-(cloudtrail|cloudwatch-logs|ec2|iam|rds|redshift)\//,
];

test('the collector holds facts of rules, none of their code and no client of a service that they call', async () => {
  const collector = await bundle(repository, 'lambdas/collector/index.ts');

  const inputs = [...collector.inputs.keys()];
  expect(inputs.filter((input) => ofRemediators.some((pattern) => pattern.test(input)))).toEqual([]);
  expect(inputs).toContain('lambdas/rules/s3-bucket-public/facts.ts');
});

test('the patterns meet what the remediator holds', async () => {
  const remediator = await bundle(repository, 'lambdas/remediator/index.ts');

  const inputs = [...remediator.inputs.keys()];
  for (const pattern of ofRemediators) expect(inputs.some((input) => pattern.test(input))).toBe(true);
});
