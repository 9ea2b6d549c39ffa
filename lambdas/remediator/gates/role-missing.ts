import { conclude } from '../verdict.ts';
import type { Gate } from './gate.ts';
import type { Moments } from './moments.ts';

/**
 * Stops all findings of a job while the account is known to lack the target role, and another job of the poll checks
 * whether the role is back.
 */
export const roleMissing: Gate<Moments['beforeSession']> = (_finding, { job: { account }, role, mayAsk }) => {
  const since = role.missingSince;
  if (since === undefined || mayAsk) return undefined;
  const reason = `the target role in account ${account} has not been assumable since ${since}, so nothing is done there. Each poll checks once whether the role is back. If so, all findings are processed. Deploy modules/target in that account, or add it to excluded_accounts`;
  return conclude('failed', { willRetry: true, gate: 'role', reason });
};
