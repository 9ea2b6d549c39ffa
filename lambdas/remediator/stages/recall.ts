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
}: Work): Promise<Outcome[]> {
  const isKnown = await journal.read();
  const { account, region } = job;
  const resources = job.findings.map(({ resource }) => resource);
  const known = await ports.table.recall(
    job.findings,
    resources.map((resource) => ({ account, region, resource })),
  );
  recent.keep(resources, known.changed);
  memory.keep(known.findings);
  if (attempt.number > 1 || isKnown) await log.read();
  for (const resource of resources) {
    // Another job of the same poll may have had the finding, too.
    const evidence = memory.evidenceAt(job.poll, resource);
    if (evidence !== undefined && log.standing(resource) === undefined) await log.readOf(resource, evidence);
  }
  return resources.flatMap((resource) => {
    const outcome = log.standing(resource)?.outcome;
    if (outcome === undefined || isProvisional(outcome)) return [];
    return knowsAll(outcome, journal.applied(resource)) ? [outcome] : [];
  });
}
