import { AutomationError } from '../model/errors.ts';

/** The error for a poll that takes longer than the function may run. */
export class DeadlineError extends AutomationError {
  override readonly name = 'DeadlineError';
}

/**
 * Runs work with a time limit, because Lambda stops a function at its timeout without an error that the function could
 * log.
 * @param milliseconds the time limit
 * @param work the work, which receives a signal that is aborted when the time is up
 * @throws DeadlineError when the time is up, even if the work ignores the signal; otherwise the error of the work
 */
export async function withDeadline<T>(
  milliseconds: number,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const controller = new AbortController();
  const { signal } = controller;
  const late = new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
  const timer = setTimeout(() => {
    controller.abort(
      new DeadlineError(
        `not finished after ${Math.round(milliseconds / 1000)} s, just before the function's timeout: raise the timeout in the module's "collector" variable, or find out why the source of findings is slow`,
      ),
    );
  }, milliseconds);
  try {
    return await Promise.race([work(signal), late]);
  } finally {
    clearTimeout(timer);
  }
}
