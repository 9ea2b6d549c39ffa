import { isNotTaken } from '../aws/errors.ts';
import type { AwsSession } from '../aws/session.ts';
import type { MayContinue } from './change.ts';

/** Number of times that a call is sent which AWS does not take. */
export const MOST_SENDS = 4;
const FIRST_PAUSE_MILLISECONDS = 200;

/** The pause after a call was sent so often, in milliseconds: in total short enough for earlier checks to stay valid. */
export const pauseAfter = (sends: number): number => FIRST_PAUSE_MILLISECONDS * 2 ** (sends - 1);

/**
 * Sends a call again that AWS did not take: it was throttled, or the session had expired. For a call within a change, where
 * giving up would leave the change half made; a change of which nothing is made is planned again as a whole.
 * @param lookAndSend Looks, then sends. `isAgain` is true from the second time on: what was seen and asked before may not
 *   no longer hold.
 * @param options.mayContinue Asked before each further time.
 * @param options.isNotTakenBy Tells whether an error means that. Default: `isNotTaken`.
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
