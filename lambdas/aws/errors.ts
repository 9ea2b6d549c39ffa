import { isServerError, isThrottlingError, isTransientError } from '@smithy/core/retry';
import type { SdkError } from '@smithy/types';
import { z } from 'zod';
import {
  BlockedError,
  ChangeRefusedError,
  DeliveryError,
  type ErrorKind,
  LeaseHeldError,
  OutdatedError,
  OutOfTimeError,
  StalePlanError,
  TakeBackError,
} from '../model/errors.ts';

/** Fields of every service error as the SDK throws it. */
const serviceErrorSchema = z.object({
  $fault: z.enum(['client', 'server']),
  $metadata: z.object({ requestId: z.string().optional() }),
});

/** Maximum length of a message; EC2 adds an encoded message of over a thousand characters to a denial. */
const MAX_MESSAGE = 400;

function bounded(text: string): string {
  return text.length > MAX_MESSAGE ? `${text.slice(0, MAX_MESSAGE)}…` : text;
}

/** Returns a thrown value if it is an error, otherwise wraps it in one. */
export function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown), { cause: thrown });
}

/**
 * Reports whether AWS answered with one of these error codes from the API reference. The SDK uses the code as the error's
 * name; for codes with a class, it may append `Exception`.
 */
export function isAwsError(error: unknown, ...codes: readonly string[]): error is Error {
  return (
    error instanceof Error && codes.some((code) => error.name === code || error.name === `${code}Exception`)
  );
}

/** Narrows an error to `SdkError`, whose additional fields are all optional. */
function mayBeSdkError(error: unknown): error is SdkError {
  return error instanceof Error;
}

/**
 * Reports whether AWS refused a call because the session's credentials have expired, or are not yet known in a region
 * so soon after AssumeRole. The call had no effect. See "Common errors" in the EC2 and IAM API references.
 */
export function isExpiredSession(error: unknown): error is Error {
  return isAwsError(error, 'ExpiredToken', 'RequestExpired', 'AuthFailure');
}

/**
 * Reports whether AWS temporarily refused a call, because of throttling or an expired session, or the call was not
 * sent. It had no effect and may succeed if it is sent again.
 */
export function isNotTaken(error: unknown): boolean {
  if (error instanceof OutdatedError) return true;
  return isExpiredSession(error) || isThrottled(error);
}

/**
 * Reports whether AWS throttled a call, or, in Redshift's case, a service that it called for it: the SDK does not classify
 * this error as throttling. https://docs.aws.amazon.com/redshift/latest/APIReference/API_ModifyCluster.html
 */
export function isThrottled(error: unknown): boolean {
  if (isAwsError(error, 'DependentServiceRequestThrottlingFault')) return true;
  return mayBeSdkError(error) && !isUsedUp(error) && isThrottlingError(error);
}

/** Reports whether a quota is used up, so that waiting does not help. The SDK classifies this error as throttling. */
function isUsedUp(error: unknown): boolean {
  return isAwsError(error, 'LimitExceeded');
}

/** Classifies an error, after the SDK's retries, by its effect on the current finding: see `ErrorKind`. */
export function errorKind(error: unknown): ErrorKind {
  if (error instanceof ChangeRefusedError) return 'refused';
  if (error instanceof OutOfTimeError || error instanceof DeliveryError) return 'unavailable';
  if (error instanceof StalePlanError || error instanceof TakeBackError) return 'unavailable';
  if (error instanceof BlockedError) return 'unavailable';
  if (error instanceof LeaseHeldError) return 'unavailable';
  if (isExpiredSession(error)) return 'unavailable';
  // The job's time ended before AWS answered.
  if (error instanceof Error && error.name === 'AbortError') return 'unavailable';
  if (!mayBeSdkError(error)) return 'bug';
  if (isUsedUp(error)) return 'refused';
  if (isThrottled(error) || isTransientError(error) || isServerError(error)) return 'unavailable';
  const service = serviceErrorSchema.safeParse(error);
  if (!service.success) return 'bug';
  return service.data.$fault === 'server' ? 'unavailable' : 'refused';
}

/**
 * Reports whether the effect of a call is unknown, because no answer arrived, AWS answered with an internal error, or
 * the answer could not be parsed.
 */
export function isAnswerLost(error: unknown): boolean {
  if (error instanceof StalePlanError || error instanceof TakeBackError) return false;
  if (error instanceof BlockedError) return false;
  return !isNotTaken(error) && errorKind(error) !== 'refused';
}

/** Describes an error for an outcome's reason or a log line: its code, its message and, for AWS errors, the request id. */
export function describeError(error: unknown): string {
  if (!(error instanceof Error)) return bounded(String(error));
  const message = bounded(error.message);
  if (error instanceof ChangeRefusedError) return message;
  const requestId = serviceErrorSchema.safeParse(error).data?.$metadata.requestId;
  return `${error.name}: ${message}${requestId === undefined ? '' : ` (request ${requestId})`}`;
}
