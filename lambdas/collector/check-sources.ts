import { type Source, sourceSchema } from '../model/job.ts';
import type { FindingSource } from '../sources/source.ts';

/** The result of asking each source whether it answers. */
export type SourceChecks = readonly { readonly source: Source; readonly problem?: string }[];

/** Asks each source whether it answers and takes the credentials. */
export async function checkSources(
  sources: Readonly<Record<Source, Pick<FindingSource, 'check'>>>,
  asOf: Date,
): Promise<SourceChecks> {
  const checks = Object.entries(sources).map(async ([name, source]) => {
    const problem = await source.check(asOf).then(
      () => undefined,
      (error: unknown) => (error instanceof Error ? error.message : String(error)),
    );
    return { source: sourceSchema.parse(name), ...(problem !== undefined && { problem }) };
  });
  return Promise.all(checks);
}
