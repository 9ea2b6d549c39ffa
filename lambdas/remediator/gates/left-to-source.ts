import { conclude } from '../verdict.ts';
import type { Work } from '../work.ts';
import type { Gate } from './gate.ts';

/** The source itself works on the finding, or is about to: the job says how far it has come. */
export const leftToSource: Gate<Work> = ({ resource }, { job }) => {
  const reason = job.leaves?.[resource];
  return reason === undefined ? undefined : conclude('deferred', { reason, willRetry: true });
};
