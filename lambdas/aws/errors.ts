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

/** Fields of every error that an AWS service answered with, as the SDK hands it over. */
const serviceErrorSchema = z.object({
  $fault: z.enum(['client', 'server']),
  $metadata: z.object({ requestId: z.string().optional() }),
});

/** EC2 puts an encoded message of over a thousand characters into a denial. */
const MAX_MESSAGE = 400;

function bounded(text: string): string {
  return text.length > MAX_MESSAGE ? `${text.slice(0, MAX_MESSAGE)}…` : text;
}

/**
 * Reports whether AWS answered with one of these error codes, as the API's reference names them. The SDK puts the code
 * into the error's name; for the codes that it has a class for, it may add `Exception`.
 */
export function isAwsError(error: unknown, ...codes: readonly string[]): error is Error {
  return (
    error instanceof Error && codes.some((code) => error.name === code || error.name === `${code}Exception`)
  );
}

/** Every error may be one of the SDK's: all that `SdkError` adds to `Error` is optional. */
function mayBeSdkError(error: unknown): error is SdkError {
  return error instanceof Error;
}

/**
 * Reports whether AWS refused a call because the session's credentials are not valid, or not yet: they have expired, or
 * a region does not know them so soon after AssumeRole. The call had no effect. EC2 and IAM: "Common errors".
 */
export function isExpiredSession(error: unknown): error is Error {
  return isAwsError(error, 'ExpiredToken', 'RequestExpired', 'AuthFailure');
}

/**
 * Reports whether AWS did not take a call for the moment, by throttling or because the session has expired, or the call was
 * not sent: it had no effect, and may be taken when it is sent again.
 */
export function isNotTaken(error: unknown): boolean {
  if (error instanceof OutdatedError) return true;
  return isExpiredSession(error) || isThrottled(error);
}

/** Tells whether AWS did not take a call because calls come faster than it allows. */
export function isThrottled(error: unknown): boolean {
  return mayBeSdkError(error) && !isUsedUp(error) && isThrottlingError(error);
}

/** The SDK takes it for throttling. Of the services here, it is a quota that is used up: waiting does not help. */
function isUsedUp(error: unknown): boolean {
  return isAwsError(error, 'LimitExceeded');
}

/** Classifies an error, after the SDK's own retries, by what it means for the current finding: see `ErrorKind`. */
export function errorKind(error: unknown): ErrorKind {
  if (error instanceof ChangeRefusedError) return 'refused';
  if (error instanceof OutOfTimeError || error instanceof DeliveryError) return 'unavailable';
  if (error instanceof StalePlanError || error instanceof TakeBackError) return 'unavailable';
  if (error instanceof BlockedError) return 'unavailable';
  if (error instanceof LeaseHeldError) return 'unavailable';
  if (isExpiredSession(error)) return 'unavailable';
  // The job's time was over before AWS answered.
  if (error instanceof Error && error.name === 'AbortError') return 'unavailable';
  if (!mayBeSdkError(error)) return 'bug';
  if (isUsedUp(error)) return 'refused';
  if (isThrottlingError(error) || isTransientError(error) || isServerError(error)) return 'unavailable';
  const service = serviceErrorSchema.safeParse(error);
  if (!service.success) return 'bug';
  return service.data.$fault === 'server' ? 'unavailable' : 'refused';
}

/**
 * Reports whether nobody can know if a call had its effect: no answer came, AWS answered with an internal error, or
 * the answer could not be read.
 */
export function isAnswerLost(error: unknown): boolean {
  if (error instanceof StalePlanError || error instanceof TakeBackError) return false;
  if (error instanceof BlockedError) return false;
  return !isNotTaken(error) && errorKind(error) !== 'refused';
}

/** An error as an outcome's reason and a log line name it: its code, its message and, from AWS, the request's id. */
export function describeError(error: unknown): string {
  if (!(error instanceof Error)) return bounded(String(error));
  const message = bounded(error.message);
  if (error instanceof ChangeRefusedError) return message;
  const requestId = serviceErrorSchema.safeParse(error).data?.$metadata.requestId;
  return `${error.name}: ${message}${requestId === undefined ? '' : ` (request ${requestId})`}`;
}
