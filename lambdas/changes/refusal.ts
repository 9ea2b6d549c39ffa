import { isAwsError } from '../aws/errors.ts';
import { ChangeRefusedError, StalePlanError } from '../model/errors.ts';

/**
 * Makes the error to throw for an error of a call that changes something: a `StalePlanError` where its code means
 * that what the plan rests on is gone; a `ChangeRefusedError` where the resource is gone, or busy; otherwise the
 * error itself.
 * @param what the resource in words: `trail arn:aws:…`
 */
export function refusal(
  error: unknown,
  what: string,
  codes: {
    readonly stale?: readonly string[];
    readonly gone?: readonly string[];
    readonly busy?: readonly string[];
  },
): unknown {
  if (isAwsError(error, ...(codes.stale ?? []))) {
    return new StalePlanError(`${what} is gone: nothing was changed`, { cause: error });
  }
  if (isAwsError(error, ...(codes.gone ?? []))) {
    return new ChangeRefusedError(`${what} is gone: nothing was changed`, { cause: error, because: 'gone' });
  }
  if (isAwsError(error, ...(codes.busy ?? []))) {
    return new ChangeRefusedError(`${what} is being changed now: ${error.message}`, {
      cause: error,
      because: 'busy',
    });
  }
  return error;
}
