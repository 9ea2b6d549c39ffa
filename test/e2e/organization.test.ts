import path from 'node:path';
import { DescribeSecurityGroupRulesCommand, EC2Client } from '@aws-sdk/client-ec2';
import { PutParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { outcomesOf, type RunningDemo, runDemo, variables } from '../../demo/demo.ts';
import { accounts, type Made, regions, runbookRules } from '../../demo/organization.ts';
import type { Outcome } from '../../lambdas/shared/outcome.ts';
import { prepareLocalAws } from '../support/local-aws/index.ts';
import { prepareTerraform } from '../support/terraform.ts';
import { testFunctionPermissions } from './function-permissions.ts';

const say = (line: string): void => console.info(line);
const stopped = new AbortController();
let demo: RunningDemo;

beforeAll(async () => {
  demo = await runDemo({
    localAws: await prepareLocalAws(say),
    terraform: await prepareTerraform(say),
    folder: path.resolve(import.meta.dirname, `../../.work/e2e-organization-${process.pid}`),
    say,
    signal: stopped.signal,
  });
});

afterAll(async () => {
  stopped.abort();
  await demo?.stop();
});

function outcomeOf(outcomes: readonly Outcome[], { account, resource }: Made): Outcome | undefined {
  return outcomes.find(({ finding }) => finding.account === account && finding.resource === resource);
}

/** A security group's inbound rules, in words: `tcp 20-21 0.0.0.0/0 "web"`. */
async function ingressOf({ account, region, resource }: Made): Promise<string[]> {
  const client = new EC2Client({
    endpoint: demo.simulation.aws.endpoint,
    region,
    credentials: { accessKeyId: account, secretAccessKey: 'test' },
  });
  const { SecurityGroupRules = [] } = await client.send(
    new DescribeSecurityGroupRulesCommand({ Filters: [{ Name: 'group-id', Values: [resource] }] }),
  );
  return SecurityGroupRules.filter(({ IsEgress }) => IsEgress !== true)
    .map(
      ({ IpProtocol, FromPort, ToPort, CidrIpv4, CidrIpv6, Description = '' }) =>
        `${IpProtocol} ${FromPort}-${ToPort} ${CidrIpv4 ?? CidrIpv6} "${Description}"`,
    )
    .sort();
}

/** A change without what names the poll that it is made in. */
function withoutPoll({ clientToken: _, tags: __, ...change }: Record<string, unknown>) {
  return change;
}

function groups(name: string): readonly Made[] {
  return demo.report.made.filter(({ what }) => what.startsWith(`security group ${name}:`));
}

describe('examples/organization in a local AWS', () => {
  test('a second plan is clean', () => {
    expect(demo.report.secondPlan).toMatchObject({ changes: false });
  });

  test('a dry run plans a cure for all that violates, and changes nothing', () => {
    const { made, dryRun, beforeDryRun, afterDryRun } = demo.report;
    const outcomes = outcomesOf(dryRun);
    const expected = made.map((one) => ({
      ...one,
      outcome: { cured: 'planned', exempt: 'exempt', fine: undefined }[one.expected],
    }));

    const seen = made.map((one) => ({ ...one, outcome: outcomeOf(outcomes, one)?.outcome }));

    expect(seen).toEqual(expected);
    expect(outcomes.every(({ applied }) => applied.length === 0)).toBe(true);
    expect(afterDryRun).toEqual(beforeDryRun);
  });

  test('no target role is used for a write in the dry run', () => {
    const { dryRun } = demo.report;
    const polled = dryRun.map(({ summary }) => summary.poll);
    const names = new Set(polled.map(({ rule, asOf }) => `${rule}@${Math.floor(Date.parse(asOf) / 1000)}`));
    const calls = demo.simulation.proxy.calls.filter(({ principal }) =>
      names.has(principal.sessionName ?? ''),
    );

    expect(calls.length).toBeGreaterThan(0);
    expect(calls.filter(({ isWrite }) => isWrite)).toEqual([]);
  });

  test.each([
    ['production, by runbooks where there are some', accounts.production, () => demo.report.production],
    ['staging, by direct calls', accounts.staging, () => demo.report.everywhere],
  ])('enforcement applies what the dry run had planned, the same values: %s', (_, account, polls) => {
    const planned = outcomesOf(demo.report.dryRun).filter(
      ({ outcome, finding }) =>
        outcome === 'planned' &&
        finding.account === account &&
        // In dry run these were to be cured by runbooks, in staging too.
        (account === accounts.production || !runbookRules.includes(finding.rule)),
    );
    const enforced = outcomesOf(polls());

    expect(planned.length).toBeGreaterThan(0);
    for (const { finding, plan } of planned) {
      const after = enforced.find(
        ({ finding: { rule, resource } }) => rule === finding.rule && resource === finding.resource,
      );
      const applied = after?.applied.slice(0, plan.length).map(({ change }) => withoutPoll(change));
      expect(after).toMatchObject({ outcome: expect.stringMatching(/^(remediated|compliant)$/) });
      // Two rules may name one resource: what the first has cured, the second finds cured.
      if (after?.outcome === 'remediated') {
        expect(applied).toMatchObject(plan.map(({ change }) => withoutPoll(change)));
      }
    }
  });

  test('the runbooks are run under their role, and what they leave open is cured directly', () => {
    const cured = outcomesOf(demo.report.production).filter(
      ({ finding, outcome }) => runbookRules.includes(finding.rule) && outcome === 'remediated',
    );
    const documents = new Set(
      cured.flatMap(({ applied }) =>
        applied.flatMap(({ change }) =>
          change.kind === 'automation-execution-start' ? change['document'] : [],
        ),
      ),
    );

    expect([...documents].sort()).toEqual([
      'AWS-DisablePublicAccessForSecurityGroup',
      'AWSConfigRemediation-DisablePublicAccessToRedshiftCluster',
      'AWSConfigRemediation-EnableCloudTrailLogFileValidation',
    ]);
    expect(cured.every(({ applied }) => applied[0]?.change.kind === 'automation-execution-start')).toBe(true);
    expect(cured.some(({ applied }) => applied.length > 1)).toBe(true);
  });

  test('with production in force, staging is planned still and not touched', () => {
    const staging = outcomesOf(demo.report.production).filter(
      ({ finding }) => finding.account === accounts.staging,
    );

    expect(staging.length).toBeGreaterThan(0);
    expect(staging.filter(({ applied }) => applied.length > 0)).toEqual([]);
  });

  test('every finding that is taken up ends in one outcome', () => {
    const { dryRun, production, everywhere } = demo.report;
    for (const { summary, outcomes } of [...dryRun, ...production, ...everywhere]) {
      const keys = outcomes.map(({ finding }) => `${finding.account} ${finding.region} ${finding.resource}`);
      expect(new Set(keys).size).toBe(outcomes.length);
      expect(outcomes.length).toBe(summary.findings);
    }
  });

  test('by the second scan nothing fails but what is exempt', () => {
    const { made, secondScan } = demo.report;
    const exempt = made.filter(({ expected }) => expected === 'exempt').map(({ resource }) => resource);

    expect(secondScan.failed.map(({ resource_id }) => resource_id).sort()).toEqual(exempt.sort());
    for (const one of made.filter(({ expected }) => expected === 'exempt')) {
      expect(outcomeOf(outcomesOf(demo.report.everywhere), one)?.reason).toMatch(
        /bastion host|public web site/,
      );
    }
  });

  test.each([
    ['ssh-alone', ['tcp 22-22 198.51.100.0/24 "office"', 'tcp 443-443 0.0.0.0/0 "web"']],
    ['range', ['tcp 20-21 0.0.0.0/0 "legacy application"', 'tcp 23-443 0.0.0.0/0 "legacy application"']],
    [
      'all-traffic',
      [
        'icmp -1--1 0.0.0.0/0 ""',
        'tcp 0-21 0.0.0.0/0 ""',
        'tcp 23-3388 0.0.0.0/0 ""',
        'tcp 3390-65535 0.0.0.0/0 ""',
        'udp 0-3388 0.0.0.0/0 ""',
        'udp 3390-65535 0.0.0.0/0 ""',
      ],
    ],
    ['ipv6', ['tcp 22-22 10.0.0.0/8 "inside"']],
    ['rdp', ['tcp 3389-3389 198.51.100.0/24 "office"']],
    [
      'ssh-and-rdp',
      [
        'tcp 20-21 0.0.0.0/0 "everything"',
        'tcp 23-3388 0.0.0.0/0 "everything"',
        'tcp 3390-4000 0.0.0.0/0 "everything"',
      ],
    ],
    ['bastion', ['tcp 22-22 0.0.0.0/0 ""']],
    ['closed', ['tcp 22-22 198.51.100.0/24 "office"']],
  ])('what was legitimate in the group %s still stands', async (name, expected) => {
    const standing = await Promise.all(groups(name).map(ingressOf));

    expect(standing).toEqual(Array.from({ length: 4 }, () => expected));
  });

  testFunctionPermissions(() => demo);

  test('a plan leaves the pause parameter as an operator has set it', async () => {
    for (const region of regions) {
      const client = new SSMClient({
        endpoint: demo.simulation.aws.endpoint,
        region,
        credentials: { accessKeyId: accounts.security, secretAccessKey: 'test' },
      });
      await client.send(
        new PutParameterCommand({ Name: '/cspm-auto-remediation/pause', Value: 'all', Overwrite: true }),
      );
    }

    expect(await demo.root.plan(variables('staging directly'))).toMatchObject({ changes: false });
  });

  test('a destroy takes everything along', async () => {
    await demo.root.destroy(variables('staging directly'));

    expect(await demo.root.output()).toEqual({});
  });
});
