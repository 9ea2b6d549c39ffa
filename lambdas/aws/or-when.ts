import { isAwsError } from './errors.ts';

/** Returns the result of `read()`, or `fallback` if AWS answers with one of these error codes. */
export async function orWhen<T, F>(
  codes: readonly string[],
  fallback: F,
  read: () => Promise<T>,
): Promise<T | F> {
  try {
    return await read();
  } catch (error) {
    if (isAwsError(error, ...codes)) return fallback;
    throw error;
  }
}
