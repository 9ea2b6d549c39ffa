import path from 'node:path';
import { DescribeSecurityGroupRulesCommand, EC2Client } from '@aws-sdk/client-ec2';
import { PutParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { outcomesOf, type RunningDemo, runDemo } from '../../demo/demo.ts';
import { variables } from '../../demo/deploy.ts';
import { accounts, homeRegion, type Made, regions, runbookRules } from '../../demo/organization.ts';
import type { Outcome } from '../../lambdas/model/outcome.ts';
import { AccountBuilder } from '../lab/accounts/account-builder.ts';
import { prepareLocalAws } from '../lab/local-aws/index.ts';
import { prepareTerraform, type TerraformVariables } from '../lab/terraform/index.ts';
import { deployedInRegion } from './deployed-in-region.ts';
import { testFunctionPermissions } from './function-permissions.ts';
import { testOperator } from './operator.ts';
import { takeOutRegion } from './regions-of-example.ts';

const say = (line: string): void => console.info(line);
const stopped = new AbortController();
let demo: RunningDemo;
/** Variables of the last apply. */
let deployed: TerraformVariables = variables('staging directly');

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

/** An account whose role has not been created yet. */
const withoutRole = '444444444444';
const excluded = '555555555555';

function outcomeOf(outcomes: readonly Outcome[], { account, resource }: Made): Outcome | undefined {
  return outcomes.find(({ finding }) => finding.account === account && finding.resource === resource);
}

/** A security group's inbound rules as texts: `tcp 20-21 0.0.0.0/0 "web"`. */
async function ingressOf({ account, region, resource }: Made): Promise<string[]> {
  const client = new EC2Client({
    endpoint: demo.lab.aws.endpoint,
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

/** A change without the parts that depend on the poll, on AWS's names for new resources, and on its progress. */
function withoutPoll(change: Record<string, unknown>) {
  const { clientToken: _, tags: __, flowLogId: ___, made: ____, closed: _____, ...values } = change;
  return values;
}

/** The time of an outcome's first change; an outcome without changes counts as later than all others. */
function firstApplied(outcome: Outcome | undefined): string {
  return outcome?.applied[0]?.appliedAt ?? '9999';
}

function groups(name: string): readonly Made[] {
  return demo.report.made.filter(({ what }) => what.startsWith(`security group ${name}:`));
}

describe('examples/organization in a local AWS', () => {
  test('a second plan has no changes', () => {
    expect(demo.report.secondPlan).toMatchObject({ changes: false });
  });

  test('a dry run plans a fix for every violation, and changes nothing', () => {
    const { made, dryRun, beforeDryRun, afterDryRun } = demo.report;
    const outcomes = outcomesOf(dryRun);
    const expected = made.map((one) => ({
      ...one,
      outcome: { remediated: 'planned', exempt: 'exempt', fine: undefined }[one.expected],
    }));

    const seen = made.map((one) => ({ ...one, outcome: outcomeOf(outcomes, one)?.outcome }));

    expect(seen).toEqual(expected);
    expect(outcomes.every(({ applied }) => applied.length === 0)).toBe(true);
    expect(afterDryRun).toEqual(beforeDryRun);
  });

  test('the dry run uses no target role for a write', () => {
    const { dryRun } = demo.report;
    const polled = dryRun.map(({ summary }) => summary.poll);
    const names = new Set(
      polled.map(({ rule, asOf }) => `netskope.${rule}@${Math.floor(Date.parse(asOf) / 1000)}`),
    );
    const calls = demo.lab.proxy.calls.filter(({ principal }) => names.has(principal.sessionName ?? ''));

    expect(calls.length).toBeGreaterThan(0);
    expect(calls.filter(({ isWrite }) => isWrite)).toEqual([]);
  });

  test.each([
    ['production, by runbooks where they exist', accounts.production, () => demo.report.production],
    ['staging, by direct calls', accounts.staging, () => demo.report.everywhere],
  ])('enforcement applies what the dry run planned, with the same values: %s', (_, account, polls) => {
    const planned = outcomesOf(demo.report.dryRun).filter(
      ({ outcome, finding }) =>
        outcome === 'planned' &&
        finding.account === account &&
        // In dry run these were to be remediated by runbooks, also in staging.
        (account === accounts.production || !runbookRules.includes(finding.rule)),
    );
    const enforced = outcomesOf(polls());

    expect(planned.length).toBeGreaterThan(0);
    for (const { finding, plan } of planned) {
      const after = enforced.find(
        // Both accounts have users of the same name.
        (each) =>
          each.finding.account === account &&
          each.finding.rule === finding.rule &&
          each.finding.resource === finding.resource,
      );
      const applied = after?.applied.map(({ change }) => withoutPoll(change)) ?? [];
      expect(after).toMatchObject({ outcome: expect.stringMatching(/^(remediated|compliant)$/) });
      // Two rules may name one resource: the second one finds it as the first one left it, fixed or narrower.
      const others = enforced.filter(
        (other) => other !== after && other.finding.resource === finding.resource && other.applied.length > 0,
      );
      const isFirst = others.every((other) => firstApplied(other) >= firstApplied(after));
      if (after?.outcome !== 'remediated' || !isFirst) continue;
      const certain = plan.filter(({ ifLeftOpen }) => ifLeftOpen !== true);
      expect(applied.slice(0, certain.length)).toMatchObject(
        certain.map(({ change }) => withoutPoll(change)),
      );
      // While a runbook runs, the other rule may make its changes.
      if (others.length > 0) continue;
      const further = applied.slice(certain.length);
      const ifLeftOpen = plan
        .slice(certain.length)
        .map(({ change }) => expect.objectContaining(withoutPoll(change)));
      for (const change of further) expect(ifLeftOpen).toContainEqual(change);
    }
  });

  test('the runbooks run under their role, and what they leave open is remediated directly', () => {
    const remediated = outcomesOf(demo.report.production).filter(
      ({ finding, outcome }) => runbookRules.includes(finding.rule) && outcome === 'remediated',
    );
    const documents = new Set(
      remediated.flatMap(({ applied }) =>
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
    expect(remediated.every(({ applied }) => applied[0]?.change.kind === 'automation-execution-start')).toBe(
      true,
    );
    expect(remediated.some(({ applied }) => applied.length > 1)).toBe(true);
  });

  test('while production is enforced, staging is only planned', () => {
    const staging = outcomesOf(demo.report.production).filter(
      ({ finding }) => finding.account === accounts.staging,
    );

    expect(staging.length).toBeGreaterThan(0);
    expect(staging.filter(({ applied }) => applied.length > 0)).toEqual([]);
  });

  test('every finding that is processed has one outcome', () => {
    const { dryRun, production, everywhere } = demo.report;
    for (const { summary, outcomes } of [...dryRun, ...production, ...everywhere]) {
      const keys = outcomes.map(({ finding }) => `${finding.account} ${finding.region} ${finding.resource}`);
      expect(new Set(keys).size).toBe(outcomes.length);
      expect(outcomes.length).toBe(summary.findings);
    }
  });

  test('by the second scan only exempt resources fail', () => {
    const { made, secondScan } = demo.report;
    const exempt = made.filter(({ expected }) => expected === 'exempt').map(({ resource }) => resource);

    expect(secondScan.failed.map(({ resource_id }) => resource_id).sort()).toEqual(exempt.sort());
    for (const one of made.filter(({ expected }) => expected === 'exempt')) {
      expect(outcomeOf(outcomesOf(demo.report.everywhere), one)?.reason).toMatch(
        /bastion host|public web site/,
      );
    }
  });

  test('an operator undoes a fix: the next scan finds the violation, and the next poll leaves it alone', () => {
    const { resource, isBack, polled } = demo.report.undone;

    expect(isBack).toBe(true);
    expect(polled).toMatch(/\b1 deferred\b/);
    expect(polled).toContain(`${resource} is held for all rules`);
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
  ])('legitimate rules of the group %s are kept', async (name, expected) => {
    const standing = await Promise.all(groups(name).map(ingressOf));

    expect(standing).toEqual(Array.from({ length: 4 }, () => expected));
  });

  testFunctionPermissions(() => demo);

  testOperator(() => demo);

  test('a rollout proceeds account by account, with outcomes for every account', async () => {
    const { proxy, tenant, aws } = demo.lab;
    const { security, production, staging } = accounts;
    const rule = 'security-group-ssh-open';
    const everyone = [security, production, staging, withoutRole, excluded];
    const rollout = (...enforced: readonly string[]) => ({
      ...variables('dry run'),
      excluded_accounts: [excluded],
      rules: {
        [rule]: {
          mode: 'dry_run',
          mode_by_account: Object.fromEntries(enforced.map((account) => [account, 'enforce'])),
        },
      },
    });
    const pollAfter = async (given: ReturnType<typeof rollout>) => {
      deployed = given;
      await demo.root.apply(given);
      await demo.lab.settingsInForce();
      return demo.lab.deployment({ account: security, homeRegion }).poll(rule, new Date());
    };
    /** The outcomes of each account, one per region. */
    const byAccount = (outcomes: readonly Outcome[]) =>
      Object.fromEntries(
        everyone.map((account) => [
          account,
          outcomes
            .filter(({ finding }) => finding.account === account && made.has(finding.resource))
            .map(({ outcome }) => outcome),
        ]),
      );
    const made = new Set<string>();
    for (const account of everyone) {
      const builder = new AccountBuilder(aws.endpoint, account);
      for (const region of regions) {
        const port = { IpProtocol: 'tcp', FromPort: 22, ToPort: 22, IpRanges: [{ CidrIp: '0.0.0.0/0' }] };
        made.add(await builder.securityGroup(region, await builder.vpc(region), 'rollout', [port]));
      }
    }
    const target = {
      endpoint: proxy.endpoint,
      accounts: everyone.map((id) => ({ id, name: id })),
      regions: [...regions],
      rules: ['CIS-1-2-0-4-1'] as const,
    };
    await tenant.scan(target);

    const first = await pollAfter(rollout(security, production, withoutRole, excluded));
    const second = await pollAfter(rollout(security, production, staging, withoutRole, excluded));
    const { failed } = await tenant.scan(target);

    const threeTimes = (outcome: string) => [outcome, outcome, outcome];
    expect(first.outcomes.length).toBe(first.summary.findings);
    expect(byAccount(first.outcomes)).toEqual({
      [security]: threeTimes('remediated'),
      [production]: threeTimes('remediated'),
      [staging]: threeTimes('planned'),
      [withoutRole]: threeTimes('failed'),
      [excluded]: threeTimes('not_applicable'),
    });
    expect(byAccount(second.outcomes)).toEqual({
      // Fixed by the first poll, and not scanned since.
      [security]: threeTimes('awaiting_scan'),
      [production]: threeTimes('awaiting_scan'),
      [staging]: threeTimes('remediated'),
      [withoutRole]: threeTimes('failed'),
      [excluded]: threeTimes('not_applicable'),
    });
    expect(
      failed
        .filter(({ resource_id }) => made.has(resource_id))
        .map(({ account_id }) => account_id)
        .sort(),
    ).toEqual([...threeTimes(withoutRole), ...threeTimes(excluded)]);
    const refused = first.outcomes.find(({ finding }) => finding.account === withoutRole);
    expect(refused?.reason).toContain(`deploy modules/target in that account`);
  });

  test('a removed region leaves nothing behind, and its findings are reported', async () => {
    const { proxy, tenant, aws } = demo.lab;
    const { security, staging } = accounts;
    const gone = 'us-west-2';
    const name = 'cspm-auto-remediation';
    const arn = (queue: string) => `arn:aws:sqs:${gone}:${security}:${name}-${queue}`;
    const builder = new AccountBuilder(aws.endpoint, staging);
    const port = { IpProtocol: 'tcp', FromPort: 22, ToPort: 22, IpRanges: [{ CidrIp: '0.0.0.0/0' }] };
    const made = new Map<string, string>();
    for (const region of [homeRegion, gone]) {
      const group = await builder.securityGroup(region, await builder.vpc(region), 'region-taken-out', [
        port,
      ]);
      made.set(region, group);
    }
    await tenant.scan({
      endpoint: proxy.endpoint,
      accounts: [{ id: staging, name: 'staging' }],
      regions: [homeRegion, gone],
      rules: ['CIS-1-2-0-4-1'],
    });
    const before = await deployedInRegion(aws.endpoint, security, gone);
    const elsewhere = await deployedInRegion(aws.endpoint, security, homeRegion);

    await takeOutRegion(demo.rootFolder, gone, { provider: 'stays' });
    await demo.root.apply(deployed);
    const after = await deployedInRegion(aws.endpoint, security, gone);
    const { changes } = await demo.root.plan(deployed);
    const deployment = demo.lab.deployment({ account: security, homeRegion });
    const { summary, outcomes } = await deployment.poll('security-group-ssh-open', new Date());

    expect(before).toEqual({
      queues: [
        'alarms-dead-letters',
        'jobs-dead-letters.fifo',
        'jobs-delayed',
        'jobs-delayed-dead-letters',
        'jobs.fifo',
      ].map((queue) => `${name}-${queue}`),
      functions: [`${name}-remediator`],
      eventSources: [arn('jobs-delayed'), arn('jobs.fifo')],
      parameters: [`/${name}/home-region`, `/${name}/pause`],
      logGroups: [`/aws/lambda/${name}-remediator`],
      rules: [`${name}-forward-alarms`],
      alarms: expect.arrayContaining([`${name}-jobs-dead-letters`, `${name}-oldest-job`]),
      roles: [`${name}-alarms-${gone}`, `${name}-remediator-${gone}`],
    });
    expect(after).toEqual({
      queues: [],
      functions: [],
      eventSources: [],
      parameters: [],
      logGroups: [],
      rules: [],
      alarms: [],
      roles: [],
    });
    expect(changes).toBe(false);
    expect(await deployedInRegion(aws.endpoint, security, homeRegion)).toEqual(elsewhere);
    const byResource = new Map(outcomes.map(({ finding, outcome }) => [finding.resource, outcome]));
    expect(byResource.get(made.get(homeRegion) ?? '')).toBe('remediated');
    expect(outcomes.filter(({ finding }) => finding.region === gone)).toEqual([]);
    // Including the fix that the operator of the demo has undone.
    const left = [made.get(gone) ?? '', demo.report.undone.resource];
    expect(summary.unprocessable).toMatchObject({ region_not_deployed: left.length });
    const unprocessable = await deployment.unprocessable(summary.poll);
    expect(unprocessable).toHaveLength(left.length);
    for (const resource of left) {
      expect(unprocessable).toContainEqual(
        expect.objectContaining({
          reason: expect.stringMatching(`^region ${gone} is not deployed: `),
          item: expect.objectContaining({ resource }),
        }),
      );
    }
  });

  test('a plan keeps the pause parameter as an operator has set it', async () => {
    for (const region of regions) {
      const client = new SSMClient({
        endpoint: demo.lab.aws.endpoint,
        region,
        credentials: { accessKeyId: accounts.security, secretAccessKey: 'test' },
      });
      await client.send(
        new PutParameterCommand({ Name: '/cspm-auto-remediation/pause', Value: 'all', Overwrite: true }),
      );
    }

    expect(await demo.root.plan(deployed)).toMatchObject({ changes: false });
  });

  test('a destroy removes everything', async () => {
    await demo.root.destroy(deployed);

    expect(await demo.root.output()).toEqual({});
  });
});
