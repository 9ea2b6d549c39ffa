import { rm } from 'node:fs/promises';
import pc from 'picocolors';
import { fold } from '../cli/fold.ts';
import type { Outcome } from '../lambdas/model/outcome.ts';
import { agedAccessKeys } from '../test/lab/aws-proxy/index.ts';
import type { Deployment, Lab, Poll } from '../test/lab/index.ts';
import { labRuleIds, labRules } from '../test/lab/rules/index.ts';
import { describeScan, type ScanReport } from '../test/lab/tenant/index.ts';
import type { TerraformRoot } from '../test/lab/terraform/index.ts';
import { type DemoOptions, deployDemo, startDemo, variables } from './deploy.ts';
import { startOperator } from './operate.ts';
import {
  accounts,
  homeRegion,
  keyAges,
  type Made,
  type Phase,
  quietRegion,
  regions,
  rules,
} from './organization.ts';
import { madeLines, outcomeLines, outcomeTable, planLines, WIDTH } from './print.ts';
import { snapshot } from './snapshot.ts';

/** Results of the steps, for a test to check. */
export interface DemoReport {
  readonly made: readonly Made[];
  readonly secondPlan: { readonly changes: boolean; readonly text: string };
  readonly firstScan: ScanReport;
  readonly dryRun: readonly Poll[];
  /** Content of the accounts before the dry run; `afterDryRun` is the content after it. */
  readonly beforeDryRun: readonly string[];
  readonly afterDryRun: readonly string[];
  /** The poll that remediated production, while staging was still in dry run. */
  readonly production: readonly Poll[];
  /** The poll that also remediated staging. */
  readonly everywhere: readonly Poll[];
  readonly secondScan: ScanReport;
  readonly undone: Undone;
}

/** The result of undoing a fix. */
interface Undone {
  readonly resource: string;
  /** True if the tenant's scan reported it as open again. */
  readonly isBack: boolean;
  /** The outcome at the poll after the undo. */
  readonly polled: string;
}

/** A demo that runs until it is stopped. */
export interface RunningDemo extends AsyncDisposable {
  readonly lab: Lab;
  readonly root: TerraformRoot;
  readonly rootFolder: string;
  readonly report: DemoReport;
  /** Stops everything that was started, and removes the demo's folder. */
  stop(): Promise<void>;
}

/** The security group whose fix is undone. */
const UNDONE = 'security group forgotten';
/** The rule whose outcomes are shown one by one, and whose fix is undone. */
const SHOWN_RULE = 'security-group-ssh-open';
const DAY = 86_400_000;

/** The place whose plan is shown in full. It is small. */
const shownWhole = { account: accounts.staging, region: quietRegion };

const ruleIds = Object.keys(rules('dry run'));
const protectedAccounts = [accounts.production, accounts.staging];
const scanTarget = {
  accounts: [
    { id: accounts.production, name: 'production' },
    { id: accounts.staging, name: 'staging' },
  ],
  regions: [...regions],
  rules: labRuleIds.filter((id) => ruleIds.includes(id)).map((id) => labRules[id].code),
};

/**
 * Deploys the product to a local AWS, creates violations, and lets the product remediate them: a dry run, enforcement, a second
 * scan, and an operator who undoes a fix.
 * @throws Error if a step fails. Everything that was started is then stopped
 */
export async function runDemo(options: DemoOptions): Promise<RunningDemo> {
  const { folder, say, signal } = options;
  const started = Date.now();
  const step = (title: string): void => {
    signal.throwIfAborted();
    say('');
    say(`[${((Date.now() - started) / 1000).toFixed(0).padStart(3)} s] ${title}`);
  };
  let lab: Lab | undefined;
  const stop = async (): Promise<void> => {
    await lab?.stop();
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  };
  try {
    step('Start a local AWS and a simulated Netskope tenant');
    lab = await startDemo(options);
    const { proxy, tenant, aws, settingsInForce } = lab;
    say(`local AWS ${aws.endpoint}, behind a proxy ${proxy.endpoint}; tenant ${tenant.url}`);

    step('Deploy examples/organization with Terraform: three regions, three accounts, every rule in dry run');
    const { root, rootFolder, made } = await deployDemo(lab, options);
    const secondPlan = await root.plan(variables('dry run'));
    say(secondPlan.changes ? secondPlan.text : 'a second plan shows no changes');

    step('Break it: people in two accounts and three regions open what should be closed');
    for (const line of madeLines(made)) say(line);
    proxy.inject(agedAccessKeys(keyAges));
    const target = { ...scanTarget, endpoint: proxy.endpoint };
    const firstScan = await tenant.scan(target);
    say(`the tenant's scan: ${firstScan.failed.length} failed, ${firstScan.passed.length} passed`);

    step('Poll in dry run: it prints the plan that enforcement would apply, and changes nothing');
    const deployment = lab.deployment({ account: accounts.security, homeRegion });
    const beforeDryRun = await snapshot(aws.endpoint, protectedAccounts, regions);
    const dryRun = await pollAll(deployment);
    const afterDryRun = await snapshot(aws.endpoint, protectedAccounts, regions);
    const colors = pc.createColors(process.stdout.isTTY === true);
    for (const line of planLines(outcomesOf(dryRun), shownWhole, colors)) say(line);
    say(
      JSON.stringify(beforeDryRun) === JSON.stringify(afterDryRun)
        ? `nothing changed in the accounts (${beforeDryRun.length} facts compared before and after)`
        : 'SOMETHING CHANGED in the accounts',
    );

    const enforce = async (phase: Phase, account: string): Promise<readonly Poll[]> => {
      await root.apply(variables(phase));
      await settingsInForce();
      const polls = await pollAll(deployment);
      for (const line of outcomeTable(outcomesOf(polls))) say(line);
      say('');
      const place = { account, region: homeRegion };
      for (const line of outcomeLines(outcomesOf(polls), SHOWN_RULE, place)) say(line);
      return polls;
    };
    step("Enforce in production, with AWS's runbooks where they exist: change one value, apply, poll");
    const production = await enforce('production by runbooks', accounts.production);

    step(
      'Enforce everywhere, with direct calls: what was remediated before waits for a scan, and is not touched again',
    );
    const everywhere = await enforce('staging directly', accounts.staging);

    step("Scan again: the tenant's checks share no code with the rules");
    const secondScan = await tenant.scan(target);
    for (const line of describeScan(secondScan)) say(line);
    const outcomes = new Map(outcomesOf(everywhere).map((outcome) => [outcome.finding.resource, outcome]));
    for (const { resource_id } of secondScan.failed) {
      const { outcome = 'NO OUTCOME', reason = 'NO REASON IS KNOWN' } = outcomes.get(resource_id) ?? {};
      say(fold(`still failing: ${resource_id} is ${outcome}: ${reason}`, WIDTH, 0, 2));
    }

    const undone = await operate({ lab, made, target, step, say, signal });
    const scans = { firstScan, secondScan, undone };
    const report = { made, secondPlan, dryRun, beforeDryRun, afterDryRun, production, everywhere, ...scans };
    return { lab, root, rootFolder, report, stop, [Symbol.asyncDispose]: stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

interface Operated {
  readonly lab: Lab;
  readonly made: readonly Made[];
  readonly target: Parameters<Lab['tenant']['scan']>[0];
  readonly step: (title: string) => void;
  readonly say: (line: string) => void;
  readonly signal: AbortSignal;
}

/** Acts like an operator after an unwanted fix. */
async function operate({ lab, made, target, step, say, signal }: Operated): Promise<Undone> {
  const group = made.find(({ what, account }) => what.includes(UNDONE) && account === accounts.staging);
  if (group === undefined) throw new Error(`no resource was created for "${UNDONE}"`);
  const { resource } = group;
  const place = { endpoint: lab.aws.endpoint, account: accounts.security, region: homeRegion };
  const ask = startOperator({ ...place, say, signal });
  step('Operate: ask why a resource was changed');
  await ask('explain', resource, '--rule', SHOWN_RULE);
  step('Undo the fix: the resource is restored, and held so that no poll fixes it again');
  await ask('undo', resource, '--reason', 'the web team needs it', '--yes');
  const scan = await lab.tenant.scan(target);
  const isBack = scan.failed.some(({ resource_id }) => resource_id === resource);
  say('');
  say(isBack ? `the tenant's scan finds ${resource} open again` : `THE SCAN DOES NOT FIND ${resource}`);
  step('Hold the resource for a day instead of until somebody releases it, then poll');
  const until = new Date(Date.now() + DAY).toISOString().slice(0, 10);
  await ask('hold', resource, '--reason', 'the web team needs it', '--until', until, '--yes');
  const polled = await ask('poll', SHOWN_RULE, '--wait');
  return { resource, isBack, polled };
}

/** The outcomes of several polls. */
export function outcomesOf(polls: readonly Poll[]): readonly Outcome[] {
  return polls.flatMap(({ outcomes }) => outcomes);
}

async function pollAll(deployment: Deployment): Promise<readonly Poll[]> {
  const at = new Date();
  return Promise.all(ruleIds.map((rule) => deployment.poll(rule, at)));
}
