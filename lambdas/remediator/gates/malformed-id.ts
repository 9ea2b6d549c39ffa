import { formatIssues } from '../../model/issues.ts';
import { conclude } from '../verdict.ts';
import type { Gate } from './gate.ts';

/** Stops a finding whose resource id the rule does not accept, so that the id is never used in an AWS call. */
export const malformedId: Gate = ({ resource }, { rule }) => {
  const id = rule.resourceId.safeParse(resource);
  if (id.success) return undefined;
  const reason = `resource "${resource}": ${formatIssues(id.error)}; nothing is done until the source reports a valid id: correct it there`;
  return conclude('failed', { willRetry: false, reason });
};
