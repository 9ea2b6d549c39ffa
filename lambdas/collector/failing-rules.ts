import type { FailingRules } from '../model/failing-rules.ts';
import { type Source, sourceSchema } from '../model/job.ts';
import type { FindingSource } from '../sources/source.ts';

/** Reads the failing rules from each source. @throws FindingSourceError if one does not answer */
export async function failingRules(
  sources: Readonly<Record<Source, Pick<FindingSource, 'failingRules'>>>,
  asOf: Date,
  signal: AbortSignal,
): Promise<FailingRules> {
  const lists = Object.entries(sources).map(async ([name, source]) => ({
    source: sourceSchema.parse(name),
    rules: [...(await source.failingRules(asOf, signal))],
  }));
  return { failing_rules: await Promise.all(lists) };
}
