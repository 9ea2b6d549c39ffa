import type { Outcome } from '../../model/outcome.ts';
import { retry, type Verdict, type Verdicts } from '../verdict.ts';
import type { Work } from '../work.ts';
import type { RecordedOutcome } from './outcome-log.ts';

/**
 * Writes outcomes.
 * @param told writes that must end before the outcomes are written
 * @returns the outcomes that were written, and verdicts on findings whose outcomes could not be written
 */
export async function writeOutcomes(
  outcomes: readonly Outcome[],
  { log, attempt }: Pick<Work, 'log' | 'attempt'>,
  told: Promise<unknown>,
): Promise<{ readonly written: readonly RecordedOutcome[]; readonly unwritten: Verdicts }> {
  try {
    const written = await log.write(outcomes, attempt.last, told);
    await log.retractUnused();
    return { written, unwritten: new Map() };
  } catch (error) {
    const verdicts = outcomes.map(({ finding, seen, plan }): [string, Verdict] => [
      finding.resource,
      retry(error, { plan, ...(seen !== undefined && { seen }) }),
    ]);
    return { written: [], unwritten: new Map(verdicts) };
  }
}
