import { isAwsError } from '../aws/errors.ts';
import { ChangeRefusedError, StalePlanError } from '../model/errors.ts';

/**
 * Converts the error of a call that changes something: to a `StalePlanError` if its code means that the state that the
 * plan depends on is gone, or to a `ChangeRefusedError` if the resource is gone or busy. Other errors are returned
 * unchanged.
 * @param what description of the resource: `trail arn:aws:…`
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
