import { isAwsError } from '../../aws/errors.ts';
import type { AwsSession } from '../../aws/session.ts';
import { BlockedError } from '../../model/errors.ts';
import type { Amid } from '../change.ts';
import { cancelRequest, type RequestState, requestState } from './requests.ts';

/** Time to wait for a request: quick handlers are done by then; what takes longer is followed by later jobs. */
const WAITS_MILLISECONDS = [500, 1_000, 2_000, 3_000];

/**
 * Gives up a request.
 * @returns how it stands then
 */
export async function giveUp(session: AwsSession, token: string): Promise<RequestState | undefined> {
  try {
    await cancelRequest(session, token);
  } catch (error) {
    // What has ended can't be cancelled.
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
 * Follows a request for some seconds. AWS has taken it: where it can't be asked about it now, it is under way, and later jobs
 * ask again.
 * @returns its state, which may be that AWS is still at work
 * @throws BlockedError when `mayContinue` does: the request is given up, and nothing is known to have been changed
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
