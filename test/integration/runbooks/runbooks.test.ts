import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type AutomationSimulation, startAutomation } from '../../lab/automation/index.ts';
import { type SlowRedshift, slowRedshift } from '../../lab/slow-redshift/slow-redshift.ts';
import type { TenantItem } from '../../lab/tenant/index.ts';
import { type Deployed, type Harness, nextMoment, type PollName, startHarness } from '../harness/harness.ts';
import { send } from '../harness/job-service.ts';
import type { RuleSettings } from '../harness/product.ts';
import { Account, ALL_FOUR, ELSEWHERE, itemOf, REGION, type RunbookRule, tcp } from './account.ts';

const SSH = 'security-group-ssh-open';
const REDSHIFT = 'redshift-cluster-public';
const rules: readonly RunbookRule[] = [
  SSH,
  'security-group-rdp-open',
  'cloudtrail-log-file-validation',
  REDSHIFT,
];
const WORLD = '0.0.0.0/0';

let harness: Harness;
let account: Account;
let automation: AutomationSimulation;
let redshift: SlowRedshift;

beforeAll(async () => {
  harness = await startHarness();
  account = new Account(harness.endpoint, harness.account());
});
afterAll(() => harness[Symbol.asyncDispose]());
beforeEach(() => {
  const simulated = { proxy: harness.proxy, upstream: () => harness.endpoint };
  redshift = slowRedshift({ ...simulated, lasts: { reads: 1 } });
  automation = startAutomation(simulated);
  automation.hold();
  harness.proxy.clear();
});
afterEach(async () => {
  await automation.stop();
  await redshift.stop();
});

/** The product with one rule that is enforced by its runbook, and the role as which the document runs. */
async function deploy(rule: RunbookRule, settings: RuleSettings = {}): Promise<Deployed> {
  const deployed = await harness.deploy({
    rules: { [rule]: { mode: 'enforce', method: 'runbook', ...settings } },
  });
  await account.makeAutomationRole(deployed);
  return deployed;
}

/** A poll up to the point where AWS is working. */
async function begin(deployed: Deployed, rule: RunbookRule, item: TenantItem): Promise<PollName> {
  harness.tenant.setFindings([item]);
  const poll = { rule, asOf: nextMoment() };
  await deployed.collect(poll);
  await deployed.work();
  return poll;
}

/** A job of another poll in between: the collector itself creates none while the last one is open. */
async function beginBeside(deployed: Deployed, rule: RunbookRule, item: TenantItem): Promise<PollName> {
  const poll = { rule, asOf: nextMoment() };
  const place = { account: account.id, region: REGION };
  const job = {
    version: 1,
    poll: { source: 'netskope', ...poll },
    ...place,
    chunk: 0,
    findings: [{ rule, ...place, resource: item.resource_id }],
  };
  const message = { group: account.id, deduplication: poll.asOf.replaceAll(':', '-') };
  await send(deployed.product, REGION, JSON.stringify(job), message);
  await deployed.work();
  return poll;
}

async function outcomeOf(deployed: Deployed, poll: PollName) {
  const { outcomes } = await deployed.outcomesOf(poll, 1);
  return outcomes[0];
}

/** Runs the last execution to its end. */
async function finish(): Promise<string> {
  const { id = '' } = automation.executions.at(-1) ?? {};
  const { status } = await automation.finish(id);
  return status;
}

const kinds = (changes: readonly { readonly change: { readonly kind: string } }[] = []): string[] =>
  changes.map(({ change }) => change.kind);
const STARTED = 'automation-execution-start';

describe.each(rules)('%s by its runbook', (rule) => {
  test('is in progress until the document has finished, and then remediated; another poll waits', async () => {
    const deployed = await deploy(rule);
    const item = await account.violation(rule);

    const first = await begin(deployed, rule, item);
    const second = await beginBeside(deployed, rule, item);
    const delays = [...(await deployed.lookAgain()), ...(await deployed.lookAgain())];
    const early = await deployed.product.outcomes(rule, first.asOf);
    expect(await finish()).toBe('Success');
    await deployed.lookAgain();

    expect(delays).toEqual([15, 30]);
    expect(early).toEqual([]);
    const [execution, ...others] = automation.executions;
    expect(others).toEqual([]);
    expect(await outcomeOf(deployed, second)).toMatchObject({
      outcome: 'deferred',
      applied: [],
      reason: expect.stringMatching(
        new RegExp(
          `^in progress since .*: poll netskope\\.${rule}@\\d+ started an automation execution for it, .* waits for a later poll, and after .* only if the execution is still running; `,
        ),
      ),
    });
    const outcome = await outcomeOf(deployed, first);
    expect(outcome).toMatchObject({
      outcome: 'remediated',
      applied: [{ change: { kind: STARTED, executionId: execution?.id } }],
    });
    expect(await account.isFixed(rule, item.resource_id)).toBe(true);
    expect(execution).toMatchObject({
      account: account.id,
      region: rule === 'cloudtrail-log-file-validation' ? ELSEWHERE : REGION,
      tags: [
        { Key: 'cspm-auto-remediation:rule', Value: rule },
        { Key: 'cspm-auto-remediation:poll', Value: `netskope.${rule}@${Date.parse(first.asOf) / 1000}` },
      ],
    });
    // The document made the change, under its own role; the remediator only started it.
    expect(deployed.writes().map(({ operation }) => operation)).toEqual(['StartAutomationExecution']);
    expect(deployed.metric('Remediated')).toEqual({ [rule]: 1 });

    const again = await begin(deployed, rule, item);
    expect(await outcomeOf(deployed, again)).toMatchObject({ outcome: 'awaiting_scan' });
  });

  test('a dry run names what enforcement starts, and changes nothing', async () => {
    const deployed = await deploy(rule, { mode: 'dry_run' });
    const item = await account.violation(rule);

    const planned = await outcomeOf(deployed, await begin(deployed, rule, item));
    const writes = deployed.writes();
    await deployed.product.putSettings(rule, { mode: 'enforce', method: 'runbook' });
    deployed.coldStart();
    const poll = await begin(deployed, rule, item);
    await finish();
    await deployed.lookAgain();

    expect(writes).toEqual([]);
    const done = await outcomeOf(deployed, poll);
    expect([planned?.outcome, done?.outcome]).toEqual(['planned', 'remediated']);
    const [start, ...direct] = planned?.plan ?? [];
    expect(done?.applied.map(({ line }) => line)).toEqual([start?.line]);
    expect(direct.length).toBeGreaterThan(0);
    expect(direct.every(({ ifLeftOpen }) => ifLeftOpen)).toBe(true);
    expect(planned?.reason).toMatch(/^violations that AWS\S+ leaves open are then fixed by: /);
  });
});

describe('violations that the document leaves open', () => {
  test('after its known failure, in a VPC that is not the default one, are fixed by direct calls', async () => {
    const deployed = await deploy(SSH);
    const group = await account.group([
      tcp(22, 22, WORLD),
      tcp(20, 443, WORLD),
      tcp(22, 22, '198.51.100.0/24'),
    ]);

    const poll = await begin(deployed, SSH, itemOf(SSH, account.id, group));
    expect(await finish()).toBe('Failed');
    await deployed.lookAgain();

    const outcome = await outcomeOf(deployed, poll);
    expect(outcome).toMatchObject({
      outcome: 'remediated',
      reason: expect.stringMatching(
        /^.*direct calls fix what execution \S+ of \S+ left open; its result: Failed \(.*InvalidPermission\.NotFound/s,
      ),
    });
    expect(kinds(outcome?.applied)).toEqual([
      STARTED,
      'security-group-rules-revoke',
      'security-group-rule-shrink',
    ]);
    expect(await account.rulesOf(group)).toEqual([
      'tcp 20-21 0.0.0.0/0',
      'tcp 22-22 198.51.100.0/24',
      'tcp 23-443 0.0.0.0/0',
    ]);
  });

  test('are fixed by direct calls, and what the document closed stays closed', async () => {
    const deployed = await deploy(SSH);
    const group = await account.group([...ALL_FOUR, tcp(20, 443, WORLD)]);

    const poll = await begin(deployed, SSH, itemOf(SSH, account.id, group));
    expect(await finish()).toBe('Success');
    const closed = await account.rulesOf(group);
    await deployed.lookAgain();

    expect(closed).toEqual(['tcp 20-443 0.0.0.0/0']);
    const outcome = await outcomeOf(deployed, poll);
    expect(outcome).toMatchObject({ outcome: 'remediated' });
    expect(kinds(outcome?.applied)).toEqual([STARTED, 'security-group-rule-shrink']);
    // The former rules, before the document closed them.
    expect(JSON.stringify(outcome?.seen)).toContain('"fromPort":3389');
    expect(await account.rulesOf(group)).toEqual(['tcp 20-21 0.0.0.0/0', 'tcp 23-443 0.0.0.0/0']);
  });

  test('are reported as failed if the settings say so, and not attempted again at once', async () => {
    const deployed = await deploy(SSH, { runbook_then: 'report' });
    const group = await account.group([tcp(22, 22, WORLD)]);
    const item = itemOf(SSH, account.id, group);

    const poll = await begin(deployed, SSH, item);
    await finish();
    await deployed.lookAgain();
    const again = await begin(deployed, SSH, item);

    expect(await outcomeOf(deployed, again)).toMatchObject({ outcome: 'failed', gate: 'back_off' });
    expect(await outcomeOf(deployed, poll)).toMatchObject({
      outcome: 'failed',
      willRetry: true,
      reason: expect.stringMatching(
        /ended as Failed \(.*InvalidPermission\.NotFound.*still violates the rule/,
      ),
    });
    expect(await account.rulesOf(group)).toEqual(['tcp 22-22 0.0.0.0/0']);
    expect(automation.executions).toHaveLength(1);
  });
});

describe('Systems Manager', () => {
  test('an execution whose start got no answer is found by the next attempt, and followed', async () => {
    const deployed = await deploy(SSH);
    const item = await account.violation(SSH);
    const fault = harness.fault({ operation: 'StartAutomationExecution', effect: 'cut-after', times: 1 });

    const poll = await begin(deployed, SSH, item);
    await finish();
    await deployed.lookAgain();

    expect(fault.hits).toBe(1);
    expect(deployed.writes().map(({ operation }) => operation)).toEqual(['StartAutomationExecution']);
    expect(automation.executions).toHaveLength(1);
    expect(await outcomeOf(deployed, poll)).toMatchObject({
      outcome: 'remediated',
      applied: [{ change: { executionId: automation.executions[0]?.id }, found: true }],
    });
  });

  test.each([
    [1, 2],
    [2, 3],
  ])(
    'without its list of executions, %i starts without an answer are one execution',
    async (times, attempts) => {
      const deployed = await deploy(SSH);
      const item = await account.violation(SSH);
      harness.fault({ operation: 'DescribeAutomationExecutions', effect: 'denied' });
      const fault = harness.fault({ operation: 'StartAutomationExecution', effect: 'cut-after', times });
      harness.tenant.setFindings([item]);
      const poll = { rule: SSH, asOf: nextMoment() };
      await deployed.collect(poll);

      const { invocations } = await deployed.work();
      await finish();
      await deployed.lookAgain();

      expect(fault.hits).toBe(times);
      expect(invocations).toBe(attempts);
      expect(automation.executions).toHaveLength(1);
      expect(await outcomeOf(deployed, poll)).toMatchObject({
        outcome: 'remediated',
        applied: [{ change: { executionId: automation.executions[0]?.id } }],
      });
    },
  );

  test('a start beyond the quota of executions is deferred, and made by the next poll', async () => {
    const deployed = await deploy(SSH);
    const item = await account.violation(SSH);
    const { quotas } = automation;
    automation.quotas = { atOnce: 0, queued: 0 };

    const poll = await begin(deployed, SSH, item);
    automation.quotas = quotas;
    await begin(deployed, SSH, item);

    expect(await outcomeOf(deployed, poll)).toMatchObject({
      outcome: 'deferred',
      willRetry: true,
      reason: expect.stringContaining('has reached its quota of automation executions in eu-central-1'),
    });
    expect(automation.executions).toHaveLength(1);
  });

  test('an execution that cannot assume the role fails, and nothing is in progress', async () => {
    const deployed = await harness.deploy({ rules: { [SSH]: { mode: 'enforce', method: 'runbook' } } });

    const poll = await begin(deployed, SSH, await account.violation(SSH));

    expect(await outcomeOf(deployed, poll)).toMatchObject({
      outcome: 'failed',
      reason: expect.stringContaining('The defined assume role is unable to be assumed'),
    });
    expect(await deployed.lookAgain()).toEqual([]);
  });

  test('an execution is followed even after the rule is off', async () => {
    const deployed = await deploy(SSH);
    const item = await account.violation(SSH);
    const poll = await begin(deployed, SSH, item);
    await deployed.product.putSettings(SSH, { mode: 'off' });
    deployed.coldStart();

    await deployed.lookAgain();
    automation.inject({ effect: { fail: 'Step fails.' } });
    await finish();
    await deployed.lookAgain();

    expect(await outcomeOf(deployed, poll)).toMatchObject({
      outcome: 'not_applicable',
      mode: 'off',
      applied: [{ change: { kind: STARTED } }],
    });
    expect(await account.rulesOf(item.resource_id)).toHaveLength(4);
  });
});

test('a cluster that is fixed directly is in progress until AWS shows it; another poll waits, and changes nothing', async () => {
  const deployed = await deploy(REDSHIFT, { method: 'api' });
  redshift.lasts = { reads: Number.POSITIVE_INFINITY };
  const item = await account.violation(REDSHIFT);

  const first = await begin(deployed, REDSHIFT, item);
  const second = await beginBeside(deployed, REDSHIFT, item);
  const delays = [...(await deployed.lookAgain()), ...(await deployed.lookAgain())];
  const early = await deployed.product.outcomes(REDSHIFT, first.asOf);
  await redshift.finish();
  await deployed.finish();

  expect(delays).toEqual([15, 30]);
  expect(early).toEqual([]);
  expect(await outcomeOf(deployed, second)).toMatchObject({
    outcome: 'deferred',
    applied: [],
    reason: expect.stringContaining('is being made private'),
  });
  expect(await outcomeOf(deployed, first)).toMatchObject({
    outcome: 'remediated',
    seen: { publiclyAccessible: true, status: 'available' },
    applied: [{ change: { kind: 'redshift-cluster-public-access-set' } }],
  });
  expect(deployed.writes().map(({ operation }) => operation)).toEqual(['ModifyCluster']);
  expect(await account.isFixed(REDSHIFT, item.resource_id)).toBe(true);
});
