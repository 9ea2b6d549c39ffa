import path from 'node:path';
import { DescribeSecurityGroupRulesCommand, EC2Client } from '@aws-sdk/client-ec2';
import { PutParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { outcomesOf, type RunningDemo, runDemo, variables } from '../../demo/demo.ts';
import { accounts, type Made, regions } from '../../demo/organization.ts';
import type { Outcome } from '../../lambdas/shared/outcome.ts';
import { prepareLocalAws } from '../support/local-aws/index.ts';
import { prepareTerraform } from '../support/terraform.ts';

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

  test('enforcement applies what the dry run had planned, the same values', () => {
    const planned = outcomesOf(demo.report.dryRun).filter(({ outcome }) => outcome === 'planned');
    const enforced = outcomesOf(demo.report.enforced);

    expect(planned.length).toBeGreaterThan(0);
    for (const { finding, plan } of planned) {
      const after = enforced.find(
        (outcome) =>
          outcome.finding.account === finding.account && outcome.finding.resource === finding.resource,
      );
      expect(after).toMatchObject({ outcome: 'remediated', plan });
      expect(after?.applied.map(({ change }) => change)).toMatchObject(plan.map(({ change }) => change));
    }
  });

  test('every finding that is taken up ends in one outcome', () => {
    for (const { summary, outcomes } of [...demo.report.dryRun, ...demo.report.enforced]) {
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
      expect(outcomeOf(outcomesOf(demo.report.enforced), one)?.reason).toMatch(
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
        'tcp 23-65535 0.0.0.0/0 ""',
        'udp 0-65535 0.0.0.0/0 ""',
      ],
    ],
    ['ipv6', ['tcp 22-22 10.0.0.0/8 "inside"']],
    ['bastion', ['tcp 22-22 0.0.0.0/0 ""']],
    ['closed', ['tcp 22-22 198.51.100.0/24 "office"']],
  ])('what was legitimate in the group %s still stands', async (name, expected) => {
    const standing = await Promise.all(groups(name).map(ingressOf));

    expect(standing).toEqual(Array.from({ length: 4 }, () => expected));
  });

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

    expect(await demo.root.plan(variables('enforce'))).toMatchObject({ changes: false });
  });

  test('a destroy takes everything along', async () => {
    await demo.root.destroy(variables('enforce'));

    expect(await demo.root.output()).toEqual({});
  });
});
