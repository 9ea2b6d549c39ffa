import { UNDONE_MILLISECONDS } from '../../model/breaker.ts';
import type { Finding } from '../../model/finding.ts';
import { pollId } from '../../model/job.ts';
import { isChanging } from '../../model/mode.ts';
import type { Outcome } from '../../model/outcome.ts';
import { isLagOver } from '../record/recent-changes.ts';
import type { Verdict } from '../verdict.ts';
import type { Work } from '../work.ts';
import type { Application } from './application.ts';

/**
 * Counts a fix as undone by hand for the breaker if the resource violates the rule again at the next check. Only called
 * when AWS's reads are known to show our own changes. A fix that an operator undid with this product does not count,
 * because it is no longer `remediated`.
 */
export function noteUndone(
  finding: Finding,
  { job, memory, breaker, ports }: Pick<Work, 'job' | 'memory' | 'breaker' | 'ports'>,
): void {
  const last = memory.lastFix(finding.resource);
  if (last === undefined || pollId(last.poll) === pollId(job.poll)) return;
  if (ports.clock.now() - last.at.getTime() > UNDONE_MILLISECONDS) return;
  const reason = `${finding.resource} was remediated at ${last.at.toISOString()} and violates the rule again: the change was undone by hand`;
  breaker.noteUndone(finding, last.poll, last.at, reason);
}

/** Counts fixes that were undone by hand while changes are not allowed, if AWS's reads must show the fixes by now. */
export function noteUndoneWhileBlocked(findings: readonly Finding[], work: Work): void {
  const { memory, ports } = work;
  const isShown = ({ resource }: Finding): boolean =>
    isLagOver(memory.lastFix(resource)?.at.getTime() ?? 0, ports.clock.now());
  for (const finding of findings.filter(isShown)) noteUndone(finding, work);
}

/** Counts the result of a fix for the breaker as soon as it is known, so that the breaker can open during a job. */
export function noteApplication(
  finding: Finding,
  { end }: Application,
  { job, breaker }: Pick<Work, 'job' | 'breaker'>,
): void {
  if (end.is === 'applied') breaker.note(finding, job.poll);
  else if (end.is === 'stopped' && isFailure(end.verdict)) {
    breaker.note(finding, job.poll, end.verdict.details.reason ?? '');
  }
}

/**
 * Counts the results of changes for the breaker according to the outcomes: a change that was not visible when the
 * resource was read back has also failed.
 */
export function noteOutcomes(
  outcomes: readonly Outcome[],
  { job, breaker }: Pick<Work, 'job' | 'breaker'>,
): void {
  for (const { finding, outcome, mode, gate, plan, applied, reason, deadLetter } of outcomes) {
    if (mode === undefined || !isChanging(mode) || gate !== undefined || deadLetter === true) continue;
    if (outcome === 'remediated' && applied.length > 0) breaker.note(finding, job.poll);
    else if (outcome === 'failed' && plan.length > 0) breaker.note(finding, job.poll, reason ?? '');
  }
}

function isFailure(verdict: Verdict): verdict is Extract<Verdict, { state: 'concluded' }> {
  return verdict.state === 'concluded' && verdict.outcome === 'failed' && verdict.details.gate === undefined;
}
