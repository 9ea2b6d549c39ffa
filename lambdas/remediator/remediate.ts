import type { AwsSession } from '../aws/session.ts';
import { LeaseHeldError, SettingsError } from '../model/errors.ts';
import type { Finding } from '../model/finding.ts';
import type { Job } from '../model/job.ts';
import { Book, type Entry } from './book.ts';
import { type Configured, configure, configureReporting } from './configure.ts';
import { endedExemptions } from './ended-exemptions.ts';
import { passGates } from './gates/gate.ts';
import { gatesAt } from './gates/index.ts';
import { type JobResult, nothingLeft } from './job-result.ts';
import { type Learned, learn, nothingLearned } from './learned.ts';
import type { Attempt, Ports } from './ports.ts';
import { readingOf } from './reading.ts';
import { deferralsOf } from './record/finding-notices.ts';
import { confirmHeld, takeLease } from './record/lease.ts';
import { outcomesOf } from './record/outcome.ts';
import { writeOutcomes } from './record/write-outcomes.ts';
import { endMarks, markPlace } from './runbooks/marks.ts';
import { tagsOf } from './stages/assess.ts';
import { findRule } from './stages/find-rule.ts';
import { followRunbooks } from './stages/follow-runbooks.ts';
import { scheduleFollowUp, sendHandedOn } from './stages/follow-up.ts';
import { openSession } from './stages/open-session.ts';
import { passPlans } from './stages/pass-plans.ts';
import { planFixes } from './stages/plan.ts';
import { publishAndEnd } from './stages/publish-and-end.ts';
import { readAhead } from './stages/read-ahead.ts';
import { assessPending } from './stages/read-back.ts';
import { recall } from './stages/recall.ts';
import { awaitKnowledge, resolveStopped, unresolvedOf } from './stages/resolve.ts';
import { settleUnfinished } from './stages/settle.ts';
import { ongoingOf, stopOngoing } from './stages/stop-ongoing.ts';
import { holdUnfinished, keepGivenUp, keepUnfinished, unfinishedOf } from './stages/unfinished.ts';
import { startWork } from './start-work.ts';
import { conclude, onlyVerdicts, retry, type Verdicts, withoutVerdicts } from './verdict.ts';
import type { ConfiguredWork, Work } from './work.ts';

/**
 * Processes the findings of a job that have no outcome yet: reads the resources, plans, applies the plans (if the
 * rule's mode is `enforce` and no gate prevents it), reads back, and records and publishes one outcome per finding.
 * Errors are part of the result. Only one attempt at a job runs at a time.
 * @throws InvalidInputError if the job names an unknown rule
 * @throws LeaseHeldError if another attempt is working on the job
 */
export async function remediate(job: Job, attempt: Attempt, ports: Ports): Promise<JobResult> {
  const startedAt = new Date(ports.clock.now()).toISOString();
  const rule = await findRule(job.poll.rule, ports);
  const work = startWork(job, rule, attempt, ports);
  const { journal } = work;
  const book = new Book(job.findings, ports.clock);
  const learned = nothingLearned();
  try {
    const taking = takeLease(work);
    const ahead = readAhead(work);
    const lease = await taking;
    if (lease === undefined) return nothingLeft;
    learned.lease = lease;
    book.keep(await recall(work, lease.isFirst, lease.isFirst ? ahead : undefined));
    learned.isRecalled = true;
    const { left, verdicts } = await sendHandedOn(work);
    book.leave(left);
    book.add(verdicts);
    journal.start(startedAt);
    book.add(await passGates(gatesAt('beforeSettings'), book.pending, work));
    if (book.pending.length > 0) await workOnPending(book, work, learned);
    else await configureReporting(work, learned);
  } catch (error) {
    if (error instanceof LeaseHeldError) throw error;
    book.addToPending(retry(error));
  }
  if (attempt.last) book.add(await keepGivenUp(book.in('retry'), work));
  book.add(await scheduleFollowUp(book.in('in_progress'), work));
  learned.failures.push(...(await confirmHeld(work)));
  return record(book, { ...work, startedAt: journal.start(startedAt) }, learned);
}

/** Processes the pending findings, from reading the settings to a verdict on each. */
async function workOnPending(book: Book, job: Work, learned: Learned): Promise<void> {
  const configured = await configure(book.pending, job, learned);
  if (configured instanceof SettingsError) {
    learned.settingsError = configured;
    book.add(await keepUnfinished(book.pending, job, configured.message));
    return book.addToPending(
      conclude('failed', { willRetry: true, gate: 'settings', reason: configured.message }),
    );
  }
  const { work, action, blockedBy, paused } = configured;

  // Even for findings that a gate stops now, earlier changes are resolved, and incomplete ones are taken back.
  const unfinished = await unfinishedOf(book.pending, work);
  const stopped = await passGates(gatesAt('beforeReading'), book.pending, work);
  const unresolved = work.mode === 'off' ? unfinished : unresolvedOf(book.pending, work);
  book.add(withoutVerdicts(unresolved, stopped));
  if (book.pending.length === 0) return;

  const ongoing = paused === undefined ? [] : await ongoingOf(book.pending, work);
  const isWriting = (unresolved.length > 0 && blockedBy === undefined) || ongoing.length > 0;
  const access = isWriting ? 'write' : action.access;
  const mustAsk = unfinished.length > 0;
  const opened = await openSession(book.pending, work, access, mustAsk, configured.session);
  if ('refused' in opened) {
    learned.isRoleMissing = opened.isRoleMissing;
    learned.isRoleRefused = opened.isRoleMissing && opened.wasAsked;
    book.add(withoutVerdicts(unfinished, stopped));
    book.add(await keepUnfinished(unfinished, work, opened.refused.details.reason ?? ''));
    return book.addToPending(opened.refused);
  }
  const { session } = opened;
  await work.role.noteFound().catch((error: unknown) => learned.failures.push(error));
  try {
    await workInSession(session, book, { ...configured, unresolved, ongoing, stopped }, learned);
  } catch (error) {
    if (error instanceof LeaseHeldError) throw error;
    book.addToPending(retry(error));
  }
  // Incomplete changes are taken back regardless of errors up to this point.
  if (access === 'write' && paused === undefined) {
    const left = await leftUnfinished(book, work);
    const unviolated = book.in('concluded').filter(isUnviolated);
    const fixed = new Set(unviolated.map(({ finding }) => finding.resource));
    book.add(await settleUnfinished(session, { left, fixed, stopped }, work));
  }
  if (work.mode === 'off') return;
  const ended = concludedNow(book).map(({ finding }) => finding);
  book.add(await awaitKnowledge(ended, work));
}

/** Configuration of a job with an open session, and findings that need attention before the others. */
interface Opened extends Configured {
  /** Findings for which the changes of an earlier attempt are not known yet. */
  readonly unresolved: readonly Finding[];
  /** Findings for which AWS may still be carrying out a change that can be cancelled. */
  readonly ongoing: readonly Finding[];
  /** Verdicts of the gates that are checked before anything is read. */
  readonly stopped: Verdicts;
}

/** Processes the pending findings, from an open session to a verdict on each. */
async function workInSession(
  session: AwsSession,
  book: Book,
  { work, action, blockedBy, paused, unresolved, ongoing, stopped }: Opened,
  learned: Learned,
): Promise<void> {
  if (paused !== undefined) book.add(await stopOngoing(session, ongoing, paused, work));

  const { endings, idle, verdicts } = await followRunbooks(session, book.pending, work);
  learned.idle.push(...idle);
  book.add(verdicts);

  const waiting = blockedBy === undefined ? undefined : await holdUnfinished(book.pending, work, blockedBy);
  const looked = unresolved.filter(({ resource }) => stopped.has(resource) && !verdicts.has(resource));
  book.add(new Map([...onlyVerdicts(looked, stopped), ...(waiting ?? [])]));
  book.add(await resolveStopped(session, looked, work));

  const resources = book.pending.map(({ resource }) => resource);
  const assessments = await assessPending(session, resources, endings, action.access, work);
  learned.tags = tagsOf(assessments);
  learned.endedExemptions = endedExemptions(work.job.findings, assessments, work);
  const reading = readingOf(session, work);
  const planned = await planFixes(session, book.pending, assessments, work, endings, reading);
  book.add(planned.verdicts);

  const passed = await passPlans(planned.fixes, action.gates, work);
  book.add(passed.verdicts);

  const acted = await action.act(session, passed.fixes, work);
  learn(learned, acted);
  book.add(acted.verdicts);
}

const isUnviolated = ({ outcome }: Entry<'concluded'>): boolean =>
  ['remediated', 'compliant', 'gone'].includes(outcome);

/** Lists the findings that this attempt concluded. */
const concludedNow = (book: Book): Entry<'concluded'>[] =>
  book.in('concluded').filter(({ recorded }) => recorded === undefined);

/** Lists the findings with a verdict that may have incomplete changes on which no plan depends. */
function leftUnfinished(book: Book, work: ConfiguredWork): Promise<Finding[]> {
  // Findings that will be retried are left to the next attempt, if there is one.
  const retried = work.attempt.last ? book.in('retry') : [];
  const entries = [...concludedNow(book), ...book.in('in_progress'), ...retried];
  return unfinishedOf(
    entries.map(({ finding }) => finding),
    work,
  );
}

/** Writes and publishes the outcomes, and saves what the next attempt needs. */
async function record(
  book: Book,
  work: Work & { readonly startedAt: string },
  learned: Learned,
): Promise<JobResult> {
  const { job, rule, journal, ports } = work;
  const { isRoleMissing, settingsError, idle } = learned;
  const { runbook } = rule;
  // Marks end before outcomes are written: a later attempt that finds the outcomes does not check these findings.
  const places =
    runbook === undefined
      ? []
      : idle.map((finding) => ({
          place: markPlace(finding, runbook, job),
          wasWorkedOn: journal.execution(finding.resource) !== undefined,
        }));
  const unmarked = await endMarks(job, places, ports);
  const outcomes = await outcomesOf(book, { ...work, ...learned });
  const telling = work.recent.write();
  const { written, unwritten } = await writeOutcomes(outcomes, work, telling);
  const before = [...learned.failures, ...unmarked, ...(await telling)];
  book.add(unwritten);
  const unfinished = book.in('retry').map((entry) => ({
    ...entry,
    applied: journal.applied(entry.finding.resource),
  }));
  const ended = await publishAndEnd({ written, unfinished, failures: before }, work, learned);
  const { due, isPublished, failures } = ended;
  return {
    outcomes: due.published.map(({ outcome }) => outcome),
    news: due.changed.map(({ outcome }) => outcome),
    isPublished,
    unfinished,
    inProgress: book.in('in_progress'),
    counted: learned.counted,
    accountLimitUsed: learned.accountLimitUsed,
    countsBreaker: learned.countsBreaker,
    ...(settingsError !== undefined && { settingsError }),
    isRoleMissing,
    isBreakerOpen: work.breaker.opened !== undefined,
    deferrals: deferralsOf(due.waiting, learned.deferredDays, ports.clock.now()),
    failures,
  };
}
