import { isDeepStrictEqual } from 'node:util';
import pLimit from 'p-limit';
import { isProvisional, type Outcome } from '../../model/outcome.ts';
import type { Work } from '../work.ts';

const READS_AT_ONCE = 8;

/**
 * Finds out what earlier attempts at a job did: reads the journal, and the outcomes that stand. A message that comes
 * back from the dead-letter queue counts its attempts from 1 again, so the journal is always read.
 * @returns the outcomes to which nothing is left to add
 */
export async function recall({ job, attempt, ports, journal }: Work): Promise<Outcome[]> {
  const isKnown = await journal.read();
  if (attempt.number === 1 && !isKnown) return [];
  const outcomes = await pLimit(READS_AT_ONCE).map(job.findings, (finding) =>
    ports.evidence.readOutcome(job.poll, finding),
  );
  return outcomes.flatMap((outcome) => {
    if (outcome === undefined || isProvisional(outcome)) return [];
    // One that does not know what this job applied was written by another job of the same poll meanwhile.
    const applied = journal.applied(outcome.finding.resource);
    const knowsAll = applied.every((change) =>
      outcome.applied.some((known) => isDeepStrictEqual(known, change)),
    );
    return knowsAll ? [outcome] : [];
  });
}
