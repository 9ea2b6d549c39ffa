import { type Job, jobId, journalId } from '../../model/job.ts';
import type { Ports } from '../ports.ts';
import { preload } from '../preload.ts';
import type { Journal } from '../record/journal.ts';
import type { Work } from '../work.ts';

/** Reads that were started before their results are needed. */
export interface ReadAhead {
  /** Undefined if no attempt can have written the job's journal. */
  readonly journal: ReturnType<Journal['ask']> | undefined;
  readonly known: ReturnType<Ports['table']['recall']>;
}

/**
 * Starts reading the settings, and for a first attempt the table, while the lease is being taken. No earlier attempt
 * can be writing the table then. Later attempts read once they have the lease.
 */
export function readAhead({ job, rule, attempt, ports, journal, done }: Work): ReadAhead | undefined {
  preload(rule);
  // The settings are cached. An error is thrown again when they are needed.
  ports.settings.read(job.poll.rule).catch(() => undefined);
  ports.settings.pause().catch(() => undefined);
  if (attempt.number > 1) return undefined;
  const ahead = {
    journal: mayHaveJournal(job) ? journal.ask() : undefined,
    known: askTable({ job, ports, done }),
  };
  // If another attempt has the lease, nothing awaits these reads, and their errors must not be unhandled.
  for (const answer of Object.values(ahead)) answer?.catch(() => undefined);
  return ahead;
}

/**
 * Checks whether a job may have a journal although no attempt has taken its lease: the journal of the job that it
 * continues, or one of version 0.1.0, which had no leases. Jobs of that version do not name their run.
 */
function mayHaveJournal(job: Job): boolean {
  return journalId(job) !== jobId(job) || job.run === undefined;
}

/** Reads, in one call, everything in the table that concerns a job. */
export function askTable({
  job,
  ports,
  done,
}: Pick<Work, 'job' | 'ports' | 'done'>): ReturnType<Ports['table']['recall']> {
  const { account, region, findings } = job;
  const resources = findings.map(({ resource }) => ({ account, region, resource }));
  return ports.table.recall(findings, resources, done.place);
}
