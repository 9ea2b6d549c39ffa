import type { AwsCall, AwsSession } from '../../aws/session.ts';
import type { Change } from '../../changes/change.ts';
import type { AppliedChange } from '../../model/outcome.ts';

/**
 * A change as it is recorded once it was made.
 * @param calls those of the change
 */
export function appliedChange(
  session: Pick<AwsSession, 'now'>,
  change: Change,
  line: string,
  calls: readonly AwsCall[],
): AppliedChange {
  return {
    change: { ...change },
    line,
    appliedAt: session.now().toISOString(),
    requestIds: calls.flatMap(({ requestId }) => requestId ?? []),
  };
}

/**
 * A change of which reads show that it was made, where no answer said so: by which calls is not known.
 * @param begunAt when it was begun
 */
export function foundChange(change: Change, line: string, begunAt: Date): AppliedChange {
  return { change: { ...change }, line, appliedAt: begunAt.toISOString(), requestIds: [], found: true };
}
