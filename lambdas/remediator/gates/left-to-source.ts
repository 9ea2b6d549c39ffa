import { conclude } from '../verdict.ts';
import type { Work } from '../work.ts';
import type { Gate } from './gate.ts';

/** Stops a finding that the source itself is fixing or about to fix. The job contains the reason. */
export const leftToSource: Gate<Work> = ({ resource }, { job }) => {
  const reason = job.leaves?.[resource];
  return reason === undefined ? undefined : conclude('deferred', { reason, willRetry: true });
};
