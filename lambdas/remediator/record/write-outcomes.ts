import pLimit from 'p-limit';
import type { Outcome } from '../../model/outcome.ts';
import { retry, type Verdict, type Verdicts } from '../verdict.ts';
import type { EvidenceStore } from './evidence-store.ts';

const WRITES_AT_ONCE = 8;

/** Writes outcomes. @returns those that the evidence store did not have already, and verdicts on what can't be written */
export async function writeOutcomes(
  outcomes: readonly Outcome[],
  evidence: EvidenceStore,
): Promise<{ readonly written: Outcome[]; readonly unwritten: Verdicts }> {
  const written: Outcome[] = [];
  const unwritten = new Map<string, Verdict>();
  await pLimit(WRITES_AT_ONCE).map(outcomes, async (outcome) => {
    const { finding, seen, plan } = outcome;
    try {
      if (await evidence.writeOutcome(outcome)) written.push(outcome);
    } catch (error) {
      unwritten.set(finding.resource, retry(error, { plan, ...(seen !== undefined && { seen }) }));
    }
  });
  return { written, unwritten };
}
