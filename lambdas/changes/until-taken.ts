import { isNotTaken } from '../aws/errors.ts';
import type { AwsSession } from '../aws/session.ts';
import type { MayContinue } from './change.ts';

/** Maximum number of times that a call is sent if AWS does not accept it. */
export const MOST_SENDS = 4;
const FIRST_PAUSE_MILLISECONDS = 200;

/**
 * Returns the pause after a number of sends, in milliseconds. In total, the pauses are short enough for earlier checks
 * to remain valid.
 */
export const pauseAfter = (sends: number): number => FIRST_PAUSE_MILLISECONDS * 2 ** (sends - 1);

/**
 * Repeats a call that AWS did not accept because it was throttled or the session had expired. Only for calls within a
 * change, which would otherwise remain incomplete. A change without a completed call is planned again instead.
 * @param lookAndSend Reads, and then sends the call. `isAgain` is true from the second time on, because earlier reads
 *   and checks may no longer be valid.
 * @param options.mayContinue Called before each further attempt.
 * @param options.isNotTakenBy Checks whether an error means that AWS did not accept the call. Default: `isNotTaken`.
 */
export async function untilTaken<T>(
  session: Pick<AwsSession, 'sleep'>,
  lookAndSend: (isAgain: boolean) => Promise<T>,
  {
    mayContinue = async () => {},
    isNotTakenBy = isNotTaken,
  }: { readonly mayContinue?: MayContinue; readonly isNotTakenBy?: (error: unknown) => boolean } = {},
): Promise<T> {
  for (let sends = 1; ; sends += 1) {
    try {
      return await lookAndSend(sends > 1);
    } catch (error) {
      if (sends === MOST_SENDS || !isNotTakenBy(error)) throw error;
      await session.sleep(pauseAfter(sends));
      await mayContinue();
    }
  }
}
