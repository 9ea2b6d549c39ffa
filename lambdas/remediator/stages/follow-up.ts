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
 * Enqueues a follow-up job for changes that AWS takes minutes to finish or to show, so that no function waits for them. A
 * finding that has taken too long has failed, unless it may have a partial change to take back, which may be held for
 * days.
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
    // The last change may have been made by a later attempt, hours after the first began, or be a removal after days. For
    // a begun change, it may be unknown whether it was made.
    const last = journal.applied(resource).sort(byTime).at(-1);
    const since = last?.appliedAt ?? journal.begunAt(resource)?.toISOString();
    const isUnfinished = unfinished.has(entry.finding);
    if (isUnfinished || since === undefined || isWithinReason(since, ports.clock.now())) followed.push(entry);
    else {
      const reason = `not done since ${since}: ${entry.reason}; look at ${resource} by hand`;
      verdicts.set(resource, conclude('failed', { ...entry.details, willRetry: true, reason }));
    }
  }
  if (followed.length === 0) return verdicts;
  try {
    const look = lookAfter(job);
    const resources = followed.map(({ finding }) => finding.resource);
    // From here on, the findings belong to the next job, even if it is unknown whether the queue has it: two jobs that
    // both conclude a finding would write two outcomes.
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

/** Findings that an earlier attempt handed on to a later job. */
export interface HandedOn {
  /** Findings that the later job handles; this job has nothing left to do for them. */
  readonly left: readonly string[];
  /** Verdicts on findings whose follow-up job could not be sent. */
  readonly verdicts: Verdicts;
}

/**
 * Sends the jobs to which earlier attempts handed on findings again; a duplicate ends at once. Findings with several
 * outcomes that count are not left to these jobs, because an attempt that did not know of them wrote one.
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
  return { ...job, findings, continues: { job: journalId(job), look } };
}
