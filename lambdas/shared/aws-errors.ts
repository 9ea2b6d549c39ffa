import { z } from 'zod';

const attemptsSchema = z.object({ $metadata: z.object({ attempts: z.number() }) });

/**
 * Whether AWS answered with one of these error codes, as the API's reference names them. The SDK puts the code into
 * the error's name; for the codes that it has a class for, it may add `Exception`.
 */
export function isAwsError(error: unknown, ...codes: readonly string[]): error is Error {
  return (
    error instanceof Error && codes.some((code) => error.name === code || error.name === `${code}Exception`)
  );
}

/**
 * Whether the SDK had sent the call before, and sent it again because it saw no answer or an error. The first try may
 * have taken effect: "exists already" and "is gone already" may then be our own doing.
 */
export function wasRetried(error: unknown): boolean {
  const parsed = attemptsSchema.safeParse(error);
  return parsed.success && parsed.data.$metadata.attempts > 1;
}
