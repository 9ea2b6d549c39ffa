import type { Outcome } from '../../model/outcome.ts';
import { retry, type Verdict, type Verdicts } from '../verdict.ts';
import type { Work } from '../work.ts';
import type { RecordedOutcome } from './outcome-log.ts';

/** Writes outcomes. @returns those that had to be written, and verdicts on them where they can't be */
export async function writeOutcomes(
  outcomes: readonly Outcome[],
  { log, attempt }: Pick<Work, 'log' | 'attempt'>,
): Promise<{ readonly written: readonly RecordedOutcome[]; readonly unwritten: Verdicts }> {
  try {
    return { written: await log.write(outcomes, attempt.last), unwritten: new Map() };
  } catch (error) {
    const verdicts = outcomes.map(({ finding, seen, plan }): [string, Verdict] => [
      finding.resource,
      retry(error, { plan, ...(seen !== undefined && { seen }) }),
    ]);
    return { written: [], unwritten: new Map(verdicts) };
  }
}
