import { conclude } from '../verdict.ts';
import type { Work } from '../work.ts';
import type { Gate } from './gate.ts';

/** Holds a finding that the source itself is fixing or about to fix. The job contains the progress. */
export const leftToSource: Gate<Work> = ({ resource }, { job }) => {
  const reason = job.leaves?.[resource];
  return reason === undefined ? undefined : conclude('deferred', { reason, willRetry: true });
};
