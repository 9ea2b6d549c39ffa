import { MAX_FINDINGS_PER_JOB } from '../../lambdas/model/job.ts';
import { startLab } from '../../test/lab/index.ts';
import { prepareLocalAws } from '../../test/lab/local-aws/index.ts';
import type { MeasuredCalls, MeasuredJob, MeasuredJobs } from '../cost/measured-calls.ts';
import { buildFunctions } from './built.ts';
import { measureCold } from './cold.ts';
import { measureCollector } from './collector.ts';
import { computeOrganization } from './compute-organization.ts';
import { type Deployed, deploy } from './deployed.ts';
import type { Part } from './figures.ts';
import {
  alsoEnforced,
  type Calls,
  counted,
  enforced,
  exactPort,
  Jobs,
  labRuleIds,
  ROUND_MILLISECONDS,
  unchanged,
} from './jobs.ts';
import { measureStart } from './start.ts';
import { measureUndo } from './undo.ts';

const FINDINGS_OF_JOB = 25;
const MANY_FINDINGS = 500;
/** 10,000 findings in 4,000 jobs. */
const FINDINGS_OF_SMALL_JOB = 3;
/** The rules of the organization. */
const RULES = 10;
const QUEUED_JOBS = 1_000;
const QUEUED_ACCOUNTS = 100;

export interface Measured {
  /** Values by the figure's key. */
  readonly measured: ReadonlyMap<string, number>;
  /** Additional facts, by part. */
  readonly details: Readonly<Record<string, unknown>>;
  /** The jobs from which costs are computed; undefined if they were not requested. */
  readonly costs: Omit<MeasuredCalls, 'version' | 'measuredOn'> | undefined;
}

type Say = (line: string) => void;
type Built = Awaited<ReturnType<typeof buildFunctions>>;

/**
 * Measures the figures of some parts.
 * @param withCosts whether to also measure the jobs from which costs are computed
 */
export async function measureAll(
  chosen: readonly Part[],
  withCosts: boolean,
  say: Say,
  signal: AbortSignal,
): Promise<Measured> {
  const measured = new Map<string, number>();
  let costs: Measured['costs'];
  const details: Record<string, unknown> = {};
  const isChosen = (part: Part): boolean => chosen.includes(part);
  say('build the functions');
  const built = await buildFunctions();
  try {
    if (isChosen('start')) details['start'] = await start(measured, say);
    if (isChosen('collector')) details['collector'] = await collector(built, measured, say);
    if ((['rounds', 'calls', 'cold', 'undo', 'organization'] as const).some(isChosen)) {
      await inLab(signal, say, async (deployed) => {
        const jobs = new Jobs(deployed);
        // The organization is simulated from the rounds of its jobs.
        if (isChosen('rounds') || isChosen('organization'))
          details['rounds'] = await rounds(jobs, measured, say);
        if (isChosen('organization'))
          details['organization'] = computeOrganization(
            measured,
            await jobs.steady(FINDINGS_OF_JOB),
            labRuleIds.slice(0, RULES),
          );
        if (withCosts)
          costs = {
            secondsOfRound: ROUND_MILLISECONDS / 1000,
            full: await measureJobs(jobs, MAX_FINDINGS_PER_JOB, say),
            small: await measureJobs(jobs, FINDINGS_OF_SMALL_JOB, say),
          };
        if (isChosen('cold')) details['cold'] = await cold(deployed, built, measured, say);
        if (isChosen('calls')) details['calls'] = await calls(jobs, measured, say);
        if (isChosen('undo')) details['undo'] = await undo(deployed, measured, say);
      });
    }
    details['zipBytes'] = { collector: built.collector.zipBytes, remediator: built.remediator.zipBytes };
  } finally {
    await built.remove();
  }
  return { measured, details, costs };
}

/** Deploys the product in a local AWS while a measurement runs. */
async function inLab(
  signal: AbortSignal,
  say: Say,
  measure: (deployed: Deployed) => Promise<void>,
): Promise<void> {
  const installation = await prepareLocalAws(say);
  const lab = await startLab({ installation, signal, strict: false });
  try {
    const { aws, proxy, tenant } = lab;
    await measure(await deploy({ endpoint: aws.endpoint, proxy, tenant }));
  } finally {
    await lab.stop();
  }
}

async function collector(built: Built, measured: Map<string, number>, say: Say): Promise<unknown> {
  const found = await measureCollector(built.collector, say);
  measured.set('collector.mixed.jobs', found.mixed.jobs);
  measured.set('collector.mixed.megabytes', found.mixed.megabytes);
  measured.set('collector.one_account.sends', found.oneAccount.sends);
  measured.set('collector.slow.seconds', found.slow.seconds);
  measured.set('collector.at_once.failed', found.atOnce.failed);
  return found;
}

async function start(measured: Map<string, number>, say: Say): Promise<unknown> {
  say('start of the command line');
  const found = await measureStart();
  measured.set('start.cpu_ms', found.help - found.bare);
  return found;
}

async function undo(deployed: Deployed, measured: Map<string, number>, say: Say): Promise<unknown> {
  say(`undo: behind ${QUEUED_JOBS} queued jobs of its account`);
  const ofAccount = await measureUndo(deployed, { jobs: QUEUED_JOBS, accounts: 1 });
  measured.set('undo.queued.seconds', ofAccount.seconds);
  say(`undo: behind ${QUEUED_JOBS} queued jobs of ${QUEUED_ACCOUNTS} accounts`);
  const ofMany = await measureUndo(deployed, { jobs: QUEUED_JOBS, accounts: QUEUED_ACCOUNTS });
  measured.set('undo.queued_accounts.seconds', ofMany.seconds);
  return { queued: ofAccount, queued_accounts: ofMany };
}

async function rounds(jobs: Jobs, measured: Map<string, number>, say: Say): Promise<unknown> {
  const details: Record<string, unknown> = {};
  for (const [word, subject] of Object.entries({ ...enforced, ...alsoEnforced })) {
    say(`rounds: ${FINDINGS_OF_JOB} findings of ${subject.rule}`);
    const found = await jobs.enforce(subject, FINDINGS_OF_JOB);
    measured.set(`rounds.enforce.${word}`, found.rounds.length);
    details[`enforce.${word}`] = summary(found, true);
  }
  for (const rule of labRuleIds) {
    say(`rounds: ${FINDINGS_OF_JOB} findings of ${rule}, checked only`);
    const found = await jobs.look(rule, FINDINGS_OF_JOB);
    measured.set(`rounds.look.${rule}`, found.rounds.length);
    details[`look.${rule}`] = summary(found, true);
  }
  return details;
}

/** Measures the jobs from which costs are computed. */
async function measureJobs(jobs: Jobs, findings: number, say: Say): Promise<MeasuredJobs> {
  const jobOf = (rule: string, { rounds, operations }: Calls): MeasuredJob => ({
    rule,
    rounds: rounds.length,
    operations: { ...operations },
  });
  const fixed: Record<string, MeasuredJob> = {};
  for (const [word, subject] of Object.entries(enforced)) {
    say(`costs: ${findings} findings of ${subject.rule}`);
    fixed[word] = jobOf(subject.rule, await jobs.enforce(subject, findings));
  }
  return { findings, unchanged: jobOf(exactPort.rule, await jobs.steady(findings)), fixed };
}

async function cold(
  deployed: Deployed,
  built: Built,
  measured: Map<string, number>,
  say: Say,
): Promise<unknown> {
  const found = await measureCold(deployed, built.remediator, say);
  measured.set('cold.rounds', Math.max(...found.map((each) => each.rounds)));
  measured.set('cold.cpu_ms', Math.max(...found.map((each) => each.cpuMilliseconds)));
  return found;
}

async function calls(jobs: Jobs, measured: Map<string, number>, say: Say): Promise<unknown> {
  const details: Record<string, unknown> = {};
  for (const [word, subject] of Object.entries(counted)) {
    say(`calls: ${MANY_FINDINGS} findings of ${subject.rule} (${word})`);
    const found = await jobs.enforce(subject, MANY_FINDINGS);
    measured.set(`calls.beyond_change.${word}`, (found.reads + found.own) / MANY_FINDINGS);
    details[`enforce.${word}`] = summary(found);
  }
  for (const [word, subject] of Object.entries(unchanged)) {
    say(`calls: ${MANY_FINDINGS} findings of ${subject.rule} (${word}) again`);
    const found = await jobs.again(subject, MANY_FINDINGS);
    measured.set(`calls.unchanged.${word}`, (found.reads + found.own) / MANY_FINDINGS);
    details[`unchanged.${word}`] = summary(found);
  }
  return details;
}

function summary({ rounds: chain, changes, reads, own, operations }: Calls, withChain = false): object {
  return { rounds: chain.length, changes, reads, own, operations, ...(withChain && { chain }) };
}
