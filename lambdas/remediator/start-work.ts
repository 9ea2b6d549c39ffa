import { type Job, journalId } from '../model/job.ts';
import type { Rule } from '../rules/rule.ts';
import { onlyPlanning } from './only-planning.ts';
import type { Attempt, Ports } from './ports.ts';
import { Breaker } from './record/breaker.ts';
import { DoneJobs } from './record/done-jobs.ts';
import { FindingMemory } from './record/finding-memory.ts';
import { Holds } from './record/holds.ts';
import { Journal } from './record/journal.ts';
import { KnownCounts } from './record/known-counts.ts';
import { NewerPoll } from './record/newer-poll.ts';
import { OutcomeLog } from './record/outcome-log.ts';
import { RecentChanges } from './record/recent-changes.ts';
import { Retries } from './record/retries.ts';
import { TargetRole } from './record/target-role.ts';
import type { Work } from './work.ts';

/** Creates the records of an attempt at a job. They are still empty. */
export function startWork(job: Job, rule: Rule, attempt: Attempt, given: Ports): Work {
  const ports = job.poll.plans === true ? onlyPlanning(given) : given;
  const journal = new Journal(journalId(job), ports.evidence);
  const done = new DoneJobs(job, ports.table);
  const log = new OutcomeLog(job, ports.evidence, done);
  return {
    job,
    rule,
    attempt,
    ports,
    journal,
    log,
    done,
    recent: new RecentChanges({ job, ports, journal, log }),
    memory: new FindingMemory(),
    holds: new Holds(ports),
    retries: new Retries(ports.clock),
    role: new TargetRole(job, ports),
    breaker: new Breaker(job, ports),
    counts: new KnownCounts(),
    newer: new NewerPoll(job),
  };
}
