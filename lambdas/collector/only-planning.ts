import type { CollectorDependencies } from './collect.ts';

/**
 * Makes what a poll works with that only plans: its jobs are dry runs, which wait for no others; no listing is read or
 * written, and so nothing is closed.
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
