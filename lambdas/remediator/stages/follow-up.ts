import { randomUUID } from 'node:crypto';
import { type Job, journalId } from '../../model/job.ts';
import type { AppliedChange } from '../../model/outcome.ts';
import type { Entry } from '../book.ts';
import { isWithinReason } from '../runbooks/marks.ts';
import { conclude, retry, type Verdict, type Verdicts } from '../verdict.ts';
import type { Work } from '../work.ts';
import { unfinishedOf } from './unfinished.ts';

const FIRST_LOOK_SECONDS = 15;
const LONGEST_LOOK_SECONDS = 300;

/**
 * Enqueues a follow-up job for changes that AWS takes minutes to finish or to show, so that no function waits for them.
 * A finding that takes too long has failed, unless a partial change may have to be taken back: a pause or a hold can
 * delay that for days.
 * @returns the verdicts on findings without a follow-up job
 */
export async function scheduleFollowUp(
  waiting: readonly Entry<'in_progress'>[],
  { job, journal, ports }: Work,
): Promise<Verdicts> {
  const verdicts = new Map<string, Verdict>();
  const findings = waiting.map(({ finding }) => finding);
  const unfinished = new Set(await unfinishedOf(findings, { journal }));
  const followed: Entry<'in_progress'>[] = [];
  for (const entry of waiting) {
    const { resource } = entry.finding;
    // The time counts from the last change: a later attempt may have made it hours after the first attempt began, and
    // parts may be taken back days later. If no change is known to be applied, it counts from the start of one.
    const last = journal.applied(resource).sort(byTime).at(-1);
    const since = last?.appliedAt ?? journal.begunAt(resource)?.toISOString();
    const isUnfinished = unfinished.has(entry.finding);
    if (isUnfinished || since === undefined || isWithinReason(since, ports.clock.now())) followed.push(entry);
    else {
      const reason = `not finished since ${since}: ${entry.reason}; check ${resource} by hand`;
      verdicts.set(resource, conclude('failed', { ...entry.details, willRetry: true, reason }));
    }
  }
  if (followed.length === 0) return verdicts;
  try {
    const look = lookAfter(job);
    const resources = followed.map(({ finding }) => finding.resource);
    // From here on, the findings belong to the next job, even if it is unknown whether the queue accepted it. If two
    // jobs concluded a finding, they would write two outcomes.
    journal.handOn(look, resources);
    await journal.write();
    await ports.lookAgain(followUpOf(job, resources, look), delayOf(look));
  } catch (error) {
    for (const { finding, details } of followed) verdicts.set(finding.resource, retry(error, details));
  }
  return verdicts;
}

function byTime(one: AppliedChange, other: AppliedChange): number {
  return Date.parse(one.appliedAt) - Date.parse(other.appliedAt);
}

/** Findings that an earlier attempt handed over to a later job. */
export interface HandedOn {
  /** Findings that the later job handles; this job has nothing left to do for them. */
  readonly left: readonly string[];
  /** Verdicts on findings whose follow-up job could not be sent. */
  readonly verdicts: Verdicts;
}

/**
 * Resends the follow-up jobs to which earlier attempts handed over findings. A duplicate job ends immediately. Findings
 * with several valid outcomes are not left to these jobs, because one of the outcomes was written by an attempt that
 * did not know about the later job.
 */
export async function sendHandedOn({ job, journal, log, ports }: Work): Promise<HandedOn> {
  const own = new Set(job.findings.map(({ resource }) => resource));
  const left: string[] = [];
  const verdicts = new Map<string, Verdict>();
  const look = lookAfter(job);
  for (const { resources } of journal.handedOn(look)) {
    if (!resources.every((resource) => own.has(resource))) continue;
    try {
      await ports.lookAgain(followUpOf(job, resources, look), delayOf(look));
      left.push(...resources.filter((resource) => log.standing(resource).length < 2));
    } catch (error) {
      for (const resource of resources) verdicts.set(resource, retry(error));
    }
  }
  return { left, verdicts };
}

function lookAfter({ continues }: Job): number {
  return (continues?.look ?? 0) + 1;
}

function delayOf(look: number): number {
  return Math.min(FIRST_LOOK_SECONDS * 2 ** (look - 1), LONGEST_LOOK_SECONDS);
}

function followUpOf(job: Job, resources: readonly string[], look: number): Job {
  const findings = job.findings.filter(({ resource }) => resources.includes(resource));
  return { ...job, findings, continues: { job: journalId(job), look, sending: randomUUID() } };
}
