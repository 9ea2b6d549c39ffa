import type { AppliedChange } from '../../../lambdas/model/outcome.ts';
import type { ExplainedFinding } from './result.ts';

/** A change as results name it. */
export function changeOf({
  line,
  appliedAt,
  requestIds,
  found,
}: AppliedChange): ExplainedFinding['history'][number]['changes'][number] {
  return { line, at: appliedAt, request_ids: requestIds, found: found === true };
}
