import { asError } from '../aws/errors.ts';
import { type Source, sourceSchema } from '../model/job.ts';
import type { FindingSource } from '../sources/source.ts';

/** The result of checking each source. */
export type SourceChecks = readonly { readonly source: Source; readonly problem?: string }[];

/** Checks whether each source answers and accepts the credentials. */
export async function checkSources(
  sources: Readonly<Record<Source, Pick<FindingSource, 'check'>>>,
  asOf: Date,
): Promise<SourceChecks> {
  const checks = Object.entries(sources).map(async ([name, source]) => {
    const problem = await source.check(asOf).then(
      () => undefined,
      (error: unknown) => asError(error).message,
    );
    return { source: sourceSchema.parse(name), ...(problem !== undefined && { problem }) };
  });
  return Promise.all(checks);
}
