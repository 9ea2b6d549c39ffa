import type { AwsSession } from '../../aws/session.ts';
import { isStart } from '../../changes/automation-execution/is-start.ts';
import type { Finding } from '../../model/finding.ts';
import { isChanging } from '../../model/mode.ts';
import type { Assessment } from '../../rules/rule.ts';
import type { Runbook } from '../../rules/runbook.ts';
import { firstVerdict } from '../gates/gate.ts';
import { gatesAt } from '../gates/index.ts';
import { type PlannedFix, reasonOf, type Violation } from '../planned-fix.ts';
import type { Reading } from '../reading.ts';
import { resourcesOf } from '../record/holds.ts';
import { planRunbook } from '../runbooks/execution.ts';
import type { Ending } from '../runbooks/follow.ts';
import {
  conclude,
  retry,
  type Verdict,
  type Verdicts,
  verdictOfError,
  wait,
  withDetails,
} from '../verdict.ts';
import type { ConfiguredWork } from '../work.ts';
import type { Assessments } from './assess.ts';
import { isJudged, judgeEffects, readEffects } from './effects.ts';
import { awaitReadBack, verdictOfExemptRest } from './read-back.ts';
import { recordPlan } from './record-plan.ts';
import { resolveBegun } from './resolve.ts';
import { verdictOfUnviolated } from './unviolated.ts';

/** Result of planning. Each finding is either in `fixes` or in `verdicts`. */
export interface Planned {
  readonly fixes: readonly PlannedFix[];
  readonly verdicts: Verdicts;
}

/** A fix without the time of its read, which is added later. */
type Fix = Omit<PlannedFix, 'reading'>;

/**
 * Plans the fix of each violation. Other findings, including those of resources that are exempt by a tag, get a
 * verdict.
 */
export async function planFixes(
  session: AwsSession,
  findings: readonly Finding[],
  assessments: Assessments,
  work: ConfiguredWork,
  endings: ReadonlyMap<string, Ending>,
  reading: Reading,
): Promise<Planned> {
  const fixes: PlannedFix[] = [];
  const verdicts = new Map<string, Verdict>();
  for (const finding of findings) {
    const verdict = await resolve(session, finding, assessments.get(finding.resource), work);
    if (verdict !== undefined) verdicts.set(finding.resource, verdict);
  }
  const resolved = findings.filter(({ resource }) => !verdicts.has(resource));
  const judged = resolved.filter(({ resource }) => isJudged(assessments.get(resource)));
  const effects = judgeEffects(await readEffects(session, judged, work), assessments);
  for (const finding of resolved) {
    const { resource } = finding;
    const assessment = assessments.get(resource);
    const planned = await planFix(
      session,
      finding,
      assessment,
      effects.get(resource),
      work,
      endings.get(resource),
    );
    if ('state' in planned) verdicts.set(finding.resource, planned);
    else fixes.push({ ...planned, reading });
  }
  if (isChanging(work.mode)) {
    // This read runs in parallel with the read of the holds. An error is thrown again when the result is needed.
    const changed = fixes.flatMap(({ finding, changes }) => resourcesOf(finding, changes));
    work.recent.load(changed).catch(() => undefined);
  }
  return { fixes, verdicts };
}

/** Determines the results of changes that were begun. @returns the verdict if they can't be determined yet */
async function resolve(
  session: AwsSession,
  finding: Finding,
  assessment: Assessment | Error | undefined,
  work: ConfiguredWork,
): Promise<Verdict | undefined> {
  if (assessment === undefined || assessment instanceof Error) return undefined;
  try {
    const planned = assessment.state === 'violation' ? assessment.plan : [];
    // Starts of runbooks were already resolved when runbooks were followed.
    await resolveBegun(session, finding, work, { planned, only: (change) => !isStart(change) });
    return undefined;
  } catch (error) {
    return verdictOfError(error);
  }
}

async function planFix(
  session: AwsSession,
  finding: Finding,
  assessment: Assessment | Error | undefined,
  effects: Verdict | Error | undefined,
  work: ConfiguredWork,
  ending: Ending | undefined,
): Promise<Fix | Verdict> {
  if (assessment === undefined || assessment instanceof Error) return verdictOfError(assessment);
  if (effects instanceof Error) return verdictOfError(effects);
  try {
    // A change that does not have its intended effect was nevertheless made. It is recorded, and not made again.
    if (effects?.state === 'concluded') await resolveBegun(session, finding, work);
  } catch (error) {
    return verdictOfError(error);
  }
  if (assessment.state !== 'violation') {
    return effects ?? verdictOfUnviolated(finding, assessment, work, ending);
  }
  if (effects !== undefined) return withDetails(effects, { seen: assessment.seen });
  const rest = verdictOfExemptRest(finding, assessment, work);
  if (rest !== undefined) return rest;
  const blockedBy = await firstVerdict(gatesAt('beforePlanning'), finding, {
    ...work,
    violation: assessment,
  });
  if (blockedBy !== undefined) return withEnding(blockedBy, ending);
  const notVisible = awaitReadBack(finding, assessment, work);
  if (notVisible !== undefined) return notVisible;
  try {
    if (ending !== undefined && assessment.isUnread === true) return verdictOfUnread(ending);
    if (ending !== undefined) return await planAfterRunbook(finding, assessment, work, ending);
    if (work.runbook !== undefined) return await planByRunbook(finding, assessment, work, work.runbook);
    return await planByCalls(finding, assessment);
  } catch (error) {
    return retry(error);
  }
}

/** Adds to the verdict of a gate how the finding's automation execution has ended, if there was one. */
function withEnding(verdict: Verdict, ending: Ending | undefined): Verdict {
  if (ending === undefined || verdict.state !== 'concluded') return verdict;
  const { reason } = verdict.details;
  const words = `${ending.execution} ended as ${ending.result}`;
  return withDetails(
    conclude(verdict.outcome, reasonOf([...(reason === undefined ? [] : [reason]), words])),
    verdict.details,
  );
}

async function planByCalls(finding: Finding, violation: Violation): Promise<Fix> {
  const { plan: changes, seen, notes = [], rest } = violation;
  const details = { plan: await recordPlan(changes), seen };
  const fix = { finding, changes, notes, ending: undefined, details };
  return rest === undefined ? fix : { ...fix, rest };
}

async function planByRunbook(
  finding: Finding,
  { plan, seen, notes = [] }: Violation,
  { settings, job, ports }: ConfiguredWork,
  runbook: Runbook,
): Promise<Fix> {
  const changes = [planRunbook(runbook, finding, job, ports.automationRoleArn(job.account))];
  const isFollowed = settings.runbook_then === 'api';
  const then = isFollowed ? await recordPlan(plan) : [];
  const note = `violations that ${runbook.document} leaves open are ${isFollowed ? `then fixed by: ${then.map(({ line }) => line).join('; ')}` : 'reported as failed'}`;
  return {
    finding,
    changes,
    notes: [...notes, note],
    ending: undefined,
    details: {
      plan: [...(await recordPlan(changes)), ...then.map((each) => ({ ...each, ifLeftOpen: true as const }))],
      seen,
    },
  };
}

/**
 * Determines the verdict on a resource of a rule that reads nothing, after its document has run. Later polls wait for
 * the source's next scan.
 */
function verdictOfUnread({ status, execution, result }: Ending): Verdict {
  if (status !== 'Success') {
    return conclude('failed', { willRetry: true, reason: `${execution} ended as ${result}` });
  }
  const reason = `${execution} ended as ${result}; the next scan shows whether the resource complies now`;
  return conclude('remediated', { reason });
}

/** Plans direct calls for violations that the runbook has left open, unless `runbook_then` is `report`. */
async function planAfterRunbook(
  finding: Finding,
  { plan: changes, seen, notes = [] }: Violation,
  { settings, runbook, journal }: ConfiguredWork,
  ending: Ending,
): Promise<Fix | Verdict> {
  if (runbook !== undefined && settings.runbook_then === 'report') {
    const reason = `${ending.execution} ended as ${ending.result}, and ${finding.resource} still violates the rule (runbook_then is "report")`;
    return conclude('failed', { seen, willRetry: true, reason });
  }
  // A session that may search for executions has no permissions for direct calls, because STS limits the length of a
  // session policy.
  if (ending.isFound === true)
    return wait(`a follow-up job will fix with direct calls what ${ending.execution} left open`);
  const begun = (journal.earlierPlan(finding.resource) ?? []).filter(({ change }) => isStart(change));
  return {
    finding,
    changes,
    notes: [...notes, `direct calls fix what ${ending.execution} left open; its result: ${ending.result}`],
    ending,
    details: { plan: [...begun, ...(await recordPlan(changes))], seen },
  };
}
