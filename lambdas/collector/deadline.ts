import { AutomationError } from '../model/errors.ts';

/** A poll that takes longer than the function may run. */
export class DeadlineError extends AutomationError {
  override readonly name = 'DeadlineError';
}

/**
 * Runs work that must be over in time: Lambda ends a function that is late without a word.
 * @param milliseconds how long it may take
 * @param work given a signal that is aborted when the time is up
 * @throws DeadlineError when the time is up, whatever the work does then; else what the work throws
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
        `not done after ${Math.round(milliseconds / 1000)} s, just before the function's timeout: raise the timeout in the module's "collector" variable, or find out why the source of findings is slow`,
      ),
    );
  }, milliseconds);
  try {
    return await Promise.race([work(signal), late]);
  } finally {
    clearTimeout(timer);
  }
}
