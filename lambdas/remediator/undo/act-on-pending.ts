import { describeError, errorKind } from '../../aws/errors.ts';
import { count } from '../../aws/metrics.ts';
import { type PendingItem, REQUEST_VALID_MILLISECONDS, type RequestMessage } from '../../model/requests.ts';
import type { Attempt } from '../ports.ts';
import { logError } from '../report.ts';
import type { Answer } from './act-on-request.ts';
import { RESERVED_MILLISECONDS } from './may-undo.ts';
import { reportAnswer } from './report-answer.ts';
import type { RequestPlace } from './requests-store.ts';
import type { RequestPorts } from './undo-work.ts';

/** Maximum share of the remaining time that requests may use before the job. Each request also has its own message. */
const SHARE = 0.5;

/**
 * Acts on an account's pending requests before its next job, in the order in which they were submitted, while there is
 * enough time. A message group is processed in order, so a request's own message arrives only after all jobs that were
 * queued before it. Errors do not affect the job.
 * @returns whether anything may have changed
 */
export async function actOnPending(
  pending: PendingItem['requests'],
  place: RequestPlace,
  attempt: Attempt,
  { clock, requests }: Pick<RequestPorts, 'clock' | 'requests'>,
  act: (message: RequestMessage, attempt: Attempt) => Promise<Answer>,
): Promise<boolean> {
  let hasActed = false;
  const total = attempt.remainingMilliseconds();
  for (const message of await messagesOf(pending, place, clock.now(), requests)) {
    if (attempt.remainingMilliseconds() < total * SHARE) break;
    hasActed = true;
    try {
      // Only the request's own message counts attempts.
      reportAnswer(await act(message, { ...attempt, number: 1, last: false }));
    } catch (error) {
      logLeft(
        `request ${message.request.id} for account ${place.account} failed early and waits for its own message`,
        error,
      );
    }
  }
  return hasActed;
}

/** Lists the messages of requests that have not begun; empty if their results can't be read. */
async function messagesOf(
  ...[pending, place, now, requests]: Parameters<typeof notBegun>
): Promise<RequestMessage[]> {
  try {
    return await notBegun(pending, place, now, requests);
  } catch (error) {
    logLeft(`requests for account ${place.account} cannot be read and wait for their own messages`, error);
    return [];
  }
}

function logLeft(words: string, error: unknown): void {
  logError(`${words}: ${describeError(error)}`, error);
  if (errorKind(error) === 'bug') count('UnexpectedError', 1);
}

/**
 * Acts on requests that arrived during an attempt that did not finish its job. Until the job's next attempt, the queue
 * delivers no other message for its account.
 */
export async function actBeforePuttingBack(
  place: RequestPlace,
  attempt: Attempt,
  ports: Pick<RequestPorts, 'clock' | 'requests'>,
  act: (message: RequestMessage, attempt: Attempt) => Promise<Answer>,
): Promise<void> {
  // After the last attempt, the queue delivers the account's next message immediately.
  if (attempt.last || attempt.remainingMilliseconds() < RESERVED_MILLISECONDS) return;
  try {
    const pending = await ports.requests.readPending(place);
    await actOnPending(pending, place, attempt, ports, act);
  } catch (error) {
    logError(
      `requests for account ${place.account} wait until its job is delivered again: ${describeError(error)}`,
      error,
    );
  }
}

/**
 * Lists the messages of requests that have not begun, or whose attempt was interrupted. Requests that wait for AWS are
 * left out: their own messages continue them.
 */
async function notBegun(
  pending: PendingItem['requests'],
  place: RequestPlace,
  now: number,
  requests: RequestPorts['requests'],
): Promise<RequestMessage[]> {
  const listed = pending
    .filter(({ at }) => now - Date.parse(at) < REQUEST_VALID_MILLISECONDS)
    .sort((one, other) => Date.parse(one.at) - Date.parse(other.at));
  const results = await requests.readResults(place, listed);
  const messages: RequestMessage[] = [];
  for (const [index, { principal, id }] of listed.entries()) {
    const result = results[index];
    if (result !== undefined && 'unreadable' in result) {
      logError(
        `request ${id} waits for its own message, because its result cannot be read: ${describeError(result.unreadable)}`,
        result.unreadable,
      );
      continue;
    }
    if (result !== undefined && result.state !== 'working') continue;
    const request = { principal, id };
    try {
      const item = await requests.read(request);
      if (item === undefined) continue;
      // A request that can't be parsed is refused, so that the operator is informed.
      const addressed = 'problem' in item ? item.addressed : item;
      if (addressed !== undefined) messages.push({ version: 1, kind: addressed.kind, request, ...place });
    } catch (error) {
      logLeft(
        `request ${id} for account ${place.account} cannot be read and waits for its own message`,
        error,
      );
    }
  }
  return messages;
}
