import type { Ports } from '../ports.ts';
import { preload } from '../preload.ts';
import type { Journal } from '../record/journal.ts';
import type { Work } from '../work.ts';

/** Answers that were asked for before they are needed. */
export interface ReadAhead {
  readonly journal: ReturnType<Journal['ask']>;
  readonly known: ReturnType<Ports['table']['recall']>;
}

/**
 * Asks for the settings, the journal and what the table knows while the lease is taken: what nobody has worked on before,
 * nobody can have changed in the meantime. An attempt that is not the first asks once it has the lease.
 */
export function readAhead({ job, rule, attempt, ports, journal, done }: Work): ReadAhead | undefined {
  preload(rule);
  // They are remembered; an error is met again by who needs them.
  ports.settings.read(job.poll.rule).catch(() => undefined);
  ports.settings.pause().catch(() => undefined);
  if (attempt.number > 1) return undefined;
  const ahead = { journal: journal.ask(), known: askTable({ job, ports, done }) };
  // Where the lease is another's, nobody waits for these.
  for (const answer of Object.values(ahead)) answer.catch(() => undefined);
  return ahead;
}

/** Asks the table, by one question, what it knows that matters to a job. */
export function askTable({
  job,
  ports,
  done,
}: Pick<Work, 'job' | 'ports' | 'done'>): ReturnType<Ports['table']['recall']> {
  const { account, region, findings } = job;
  const resources = findings.map(({ resource }) => ({ account, region, resource }));
  return ports.table.recall(findings, resources, done.place);
}
