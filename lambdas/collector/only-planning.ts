import type { CollectorDependencies } from './collect.ts';

/**
 * Adapts the dependencies of a poll so that it only plans: its jobs are dry runs, which do not wait for other jobs, and
 * no listing is read or written, so that nothing is closed.
 */
export function onlyPlanning(dependencies: CollectorDependencies): CollectorDependencies {
  const { jobs, records } = dependencies;
  return {
    ...dependencies,
    jobs: {
      send: (region, ofRegion) =>
        jobs.send(
          region,
          ofRegion.map((job) => ({ ...job, atMost: 'dry_run' })),
        ),
    },
    records: {
      writeUnprocessable: (unprocessable) => records.writeUnprocessable(unprocessable),
      writeSummary: (summary) => records.writeSummary(summary),
      readListing: async () => undefined,
      writeListing: async () => {},
    },
    sentJobs: () => ({
      look: async () => {},
      turnOf: () => ({ is: 'next', startAfter: 0 }),
      sent: () => {},
      write: async () => {},
      lasting: [],
    }),
  };
}
