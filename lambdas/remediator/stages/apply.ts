import { errorKind } from '../../aws/errors.ts';
import type { AwsSession } from '../../aws/session.ts';
import type { Change } from '../../changes/change.ts';
import { applyChange, describeChange } from '../../changes/index.ts';
import { StalePlanError, TakeBackError } from '../../model/errors.ts';
import type { AppliedChange, RecordedChange } from '../../model/outcome.ts';
import { firstVerdict } from '../gates/gate.ts';
import { gates } from '../gates/index.ts';
import type { PlannedFix } from '../planned-fix.ts';
import { isStart } from '../runbooks/execution.ts';
import { markInProgress, markPlace, startedElsewhere } from '../runbooks/marks.ts';
import { conclude, retry, type Verdict, verdictOfError, withDetails } from '../verdict.ts';
import type { ConfiguredWork } from '../work.ts';
import { recordPlan } from './record-plan.ts';

/** How far the plan of a fix came. */
export interface Application {
  readonly applied: readonly AppliedChange[];
  /** The changes that are known not to have been made. */
  readonly withdrawn: readonly RecordedChange[];
  /** `stopped` has the verdict; `stale`: what the plan rests on is gone or different, and it must be made anew. */
  readonly end:
    | { readonly is: 'applied' }
    | { readonly is: 'stale'; readonly error: StalePlanError }
    | { readonly is: 'stopped'; readonly verdict: Verdict; readonly error?: unknown };
}

/** What is added to the line of a change that was made in part. */
export const IN_PART = ' (in part)';

/**
 * Applies the changes of a plan, in order, up to the first that fails or that a gate holds. Never throws.
 * Pause, maintenance window and time are looked at before each change.
 */
export async function applyFix(
  session: AwsSession,
  fix: PlannedFix,
  work: ConfiguredWork,
): Promise<Application> {
  const applied: AppliedChange[] = [];
  for (const [index, change] of fix.changes.entries()) {
    const step = await applyStep(session, change, fix, work);
    applied.push(...step.applied);
    if (step.end.is === 'applied') continue;
    const left = fix.changes.slice(step.isUnbegun ? index : index + 1);
    return { applied, withdrawn: await recordPlan(left.filter(isKnownUnbegun(fix, work))), end: step.end };
  }
  return { applied, withdrawn: [], end: { is: 'applied' } };
}

interface Step extends Pick<Application, 'applied' | 'end'> {
  /** Whether nothing of the change itself is left in AWS. */
  readonly isUnbegun: boolean;
}

async function applyStep(
  session: AwsSession,
  change: Change,
  { finding, details }: PlannedFix,
  work: ConfiguredWork,
): Promise<Step> {
  const held =
    (await firstVerdict(gates.beforeEachChange, finding, work)) ?? (await claim(change, finding, work));
  if (held !== undefined) {
    return { applied: [], end: { is: 'stopped', verdict: withDetails(held, details) }, isUnbegun: true };
  }
  const callsBefore = session.calls.length;
  let soFar: Change | undefined;
  const record = (made: Change, line: string): AppliedChange => ({
    change: { ...made },
    line,
    appliedAt: session.now().toISOString(),
    requestIds: session.calls.slice(callsBefore).flatMap(({ requestId }) => requestId ?? []),
  });
  let line = '';
  try {
    // Before it is made: nothing may go wrong between a change and the note of it.
    line = await describeChange(change);
    const made = await applyChange(session, change, (noted) => {
      soFar = noted;
    });
    return { applied: [record(made, line)], end: { is: 'applied' }, isUnbegun: false };
  } catch (error) {
    // What it wrote has been taken back.
    if (error instanceof StalePlanError) return { applied: [], end: { is: 'stale', error }, isUnbegun: true };
    const applied = soFar === undefined ? [] : [record(soFar, `${line}${IN_PART}`)];
    const verdict = error instanceof TakeBackError ? retry(error, details) : verdictOfError(error, details);
    const isUnbegun = soFar === undefined && errorKind(error) === 'refused';
    return { applied, end: { is: 'stopped', verdict, error }, isUnbegun };
  }
}

/** Marks a resource before a runbook is started for it. @returns the verdict where another job's execution has it */
async function claim(
  change: Change,
  finding: PlannedFix['finding'],
  { job, runbook, ports }: ConfiguredWork,
): Promise<Verdict | undefined> {
  if (!isStart(change) || runbook === undefined) return undefined;
  try {
    const other = await markInProgress(job, markPlace(finding, runbook, job), ports);
    if (other === undefined) return undefined;
    return conclude('deferred', { willRetry: true, reason: startedElsewhere(other) });
  } catch (error) {
    return retry(error);
  }
}

/** A start of an earlier attempt, of whose answer nobody knows, may have gone well, whatever comes of this one. */
function isKnownUnbegun({ finding }: PlannedFix, { journal }: ConfiguredWork): (change: Change) => boolean {
  return (change) => !isStart(change) || journal.earlierPlan(finding.resource) === undefined;
}
