import { isAwsError } from '../../aws/errors.ts';
import type { AwsSession } from '../../aws/session.ts';
import { BlockedError } from '../../model/errors.ts';
import type { Amid } from '../change.ts';
import { cancelRequest, type RequestState, requestState } from './requests.ts';

/** Pauses between reads of a request's status. Most handlers finish in this time; later jobs follow slower ones. */
const WAITS_MILLISECONDS = [500, 1_000, 2_000, 3_000];

/**
 * Cancels a request.
 * @returns the request's state afterwards
 */
export async function giveUp(session: AwsSession, token: string): Promise<RequestState | undefined> {
  try {
    await cancelRequest(session, token);
  } catch (error) {
    // A request that has ended can't be cancelled.
    if (!isAwsError(error, 'ConcurrentModification', 'RequestTokenNotFound')) throw error;
  }
  for (const milliseconds of WAITS_MILLISECONDS) {
    const state = await requestState(session, token);
    if (state?.is !== 'under_way') return state;
    await session.sleep(milliseconds);
  }
  return requestState(session, token);
}

/**
 * Follows an accepted request for some seconds. If its status can't be read now, it counts as in progress, and later jobs
 * read it again.
 * @returns its state, which may still be in progress
 * @throws BlockedError if `mayContinue` throws it; the request is cancelled, and no change is known to have been made
 */
export async function follow(
  session: AwsSession,
  first: RequestState,
  mayContinue: Amid['mayContinue'],
): Promise<RequestState> {
  let state = first;
  for (const milliseconds of WAITS_MILLISECONDS) {
    if (state.is !== 'under_way') break;
    await session.sleep(milliseconds);
    try {
      await mayContinue();
    } catch (error) {
      if (!(error instanceof BlockedError)) throw error;
      const ended = await giveUp(session, state.token).catch(() => undefined);
      if (ended?.is === 'cancelled' || ended?.is === 'failed') throw error;
      return ended ?? state;
    }
    state = (await requestState(session, state.token).catch(() => undefined)) ?? state;
  }
  return state;
}
