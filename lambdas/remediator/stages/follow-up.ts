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
 * Enqueues a follow-up job for changes that AWS takes minutes to finish or to show: no function waits for them. One that
 * has taken too long has failed, but not while something of it may have to be taken back: that may be held for days.
 * @returns the verdicts on findings that no follow-up job looks at
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
    // A later attempt may have made it, hours after the first one began, or taken back what was added after days; of what was
    // begun, nobody may know whether it was made.
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
    // From here on they are the next job's, even where nobody learns whether the queue has it: two jobs that both
    // conclude a finding would write two outcomes.
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
  /** Findings that the later job has: this one has nothing left to do for them. */
  readonly left: readonly string[];
  /** Verdicts on findings whose follow-up job could not be sent. */
  readonly verdicts: Verdicts;
}

/**
 * Sends again the jobs that earlier attempts handed findings on to: a job that is there already ends at once. A finding of
 * which several lines count is not left to it: an attempt wrote one that knew neither of these jobs nor of their lines.
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
