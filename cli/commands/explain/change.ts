import type { AppliedChange } from '../../../lambdas/model/outcome.ts';
import type { ExplainedFinding } from './result.ts';

/** Converts a change to its form in results. */
export function changeOf({
  line,
  appliedAt,
  requestIds,
  found,
}: AppliedChange): ExplainedFinding['history'][number]['changes'][number] {
  return { line, at: appliedAt, request_ids: requestIds, found: found === true };
}
