import type { Job } from '../model/job.ts';
import type { Mode } from '../model/mode.ts';
import type { Settings } from '../model/settings.ts';
import type { Rule } from '../rules/rule.ts';
import type { Runbook } from '../rules/runbook.ts';
import type { Attempt, Ports } from './ports.ts';
import type { Breaker } from './record/breaker.ts';
import type { DoneJobs } from './record/done-jobs.ts';
import type { FindingMemory } from './record/finding-memory.ts';
import type { Holds } from './record/holds.ts';
import type { Journal } from './record/journal.ts';
import type { KnownCounts } from './record/known-counts.ts';
import type { NewerPoll } from './record/newer-poll.ts';
import type { OutcomeLog } from './record/outcome-log.ts';
import type { RecentChanges } from './record/recent-changes.ts';
import type { Retries } from './record/retries.ts';
import type { TargetRole } from './record/target-role.ts';

/** Values that every stage of an attempt needs. */
export interface Work {
  readonly job: Job;
  readonly rule: Rule;
  readonly attempt: Attempt;
  readonly ports: Ports;
  readonly journal: Journal;
  readonly log: OutcomeLog;
  readonly memory: FindingMemory;
  readonly recent: RecentChanges;
  readonly done: DoneJobs;
  readonly holds: Holds;
  readonly retries: Retries;
  readonly role: TargetRole;
  readonly breaker: Breaker;
  readonly counts: KnownCounts;
  readonly newer: NewerPoll;
}

/** Values for the stages that follow the reading of the settings. */
export interface ConfiguredWork extends Work {
  readonly settings: Settings;
  readonly mode: Mode;
  /** The runbook that fixes violations, if that is the rule's method. */
  readonly runbook: Runbook | undefined;
}
