import type { AwsCall, AwsSession } from '../../aws/session.ts';
import type { Change } from '../../changes/change.ts';
import type { AppliedChange } from '../../model/outcome.ts';

/**
 * Creates the record of a change that was made.
 * @param calls the calls of the change
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
 * Creates the record of a change whose call was not answered, but which reads show to have been made. The calls are not
 * known.
 * @param begunAt the time at which the change was begun
 */
export function foundChange(change: Change, line: string, begunAt: Date): AppliedChange {
  return { change: { ...change }, line, appliedAt: begunAt.toISOString(), requestIds: [], found: true };
}
