import { isProvisional, type Outcome } from '../../model/outcome.ts';
import { knowsAll } from '../record/outcome-log.ts';
import type { Work } from '../work.ts';

/**
 * Finds out what earlier attempts at a job did, and what is known of its findings: reads the journal, the findings table,
 * and the outcomes that stand. A message that comes back from the dead-letter queue counts its attempts from 1 again, so
 * the journal is always read.
 * @returns the outcomes to which nothing is left to add
 */
export async function recall({
  job,
  attempt,
  ports,
  journal,
  log,
  memory,
  recent,
  done,
}: Work): Promise<Outcome[]> {
  const isKnown = await journal.read();
  const { account, region } = job;
  const resources = job.findings.map(({ resource }) => resource);
  const known = await ports.table.recall(
    job.findings,
    resources.map((resource) => ({ account, region, resource })),
    done.place,
  );
  recent.keep(resources, known.changed);
  memory.keep(known.findings);
  done.keep(known.done);
  if (attempt.number > 1 || isKnown) await log.read();
  // Another job of the same poll may have had a finding, too.
  const unknown = new Set(resources.filter((resource) => log.standing(resource) === undefined));
  const told = [...unknown].flatMap((resource) => memory.evidenceAt(job.poll, resource) ?? []);
  for (const key of new Set([...done.evidenceOfOthers(), ...told])) await log.readOf(unknown, key);
  return resources.flatMap((resource) => {
    const outcome = log.standing(resource)?.outcome;
    if (outcome === undefined || isProvisional(outcome)) return [];
    return knowsAll(outcome, journal.applied(resource)) ? [outcome] : [];
  });
}
