import { AsyncLocalStorage } from 'node:async_hooks';
import { Client } from '@smithy/core/client';
import { StandardRetryStrategy } from '@smithy/core/retry';
import { isThrottled } from './errors.ts';
import type { ClientSettings } from './session.ts';

/** The maximum number of times that the current call is sent. */
const sends = new AsyncLocalStorage<number>();

/** The check before each call that changes something. */
const checks = new AsyncLocalStorage<() => Promise<void> | void>();

/**
 * Runs work and checks each of its calls that changes something immediately before it is sent, because earlier reads
 * may have taken time.
 * @param check throws if the call must not be sent. It must not wait for anything if the call depends on a read
 */
export function checkingChanges<T>(check: () => Promise<void> | void, work: () => Promise<T>): Promise<T> {
  return checks.run(check, work);
}

/** Runs the current check for a call that changes something. @throws the error of the check */
export async function checkCall(operation: string): Promise<void> {
  if (!isRead(operation)) await checks.getStore()?.();
}

/** Reports whether a call only reads, by its operation: `DescribeSecurityGroups`. */
export function isRead(operation: string): boolean {
  return /^(Describe|Get|Head|List|Lookup)/.test(operation);
}

/**
 * Creates a client of a session. The SDK retries reads that get no answer, and sends every other call only once: before
 * a change is sent again, the caller must check that its basis is unchanged and that it is still wanted.
 * @param settings with `maxAttempts` for reads
 * @param onThrottled called each time that AWS throttles a call
 */
export function sessionClient<C>(
  ClientOfService: new (settings: ClientSettings) => C,
  settings: ClientSettings & { readonly maxAttempts: number } & Readonly<Record<string, unknown>>,
  onThrottled: () => void = () => {},
): C {
  const maxAttempts = async (): Promise<number> => sends.getStore() ?? settings.maxAttempts;
  const all = { ...settings, maxAttempts, retryStrategy: new StandardRetryStrategy(maxAttempts) };
  const client = new ClientOfService(all);
  if (client instanceof Client) {
    client.middlewareStack.add(
      (next, { commandName = '' }) =>
        async (call) => {
          if (isRead(commandName)) return next(call);
          await checkCall(commandName);
          return sends.run(1, () => next(call));
        },
      // Runs before the logger, because a call that is not sent must not be logged.
      { step: 'initialize', name: 'sendChangesOnce', priority: 'high' },
    );
    client.middlewareStack.add(
      (next) => async (call) => {
        try {
          return await next(call);
        } catch (error) {
          if (isThrottled(error)) onThrottled();
          throw error;
        }
      },
      // Runs once per attempt, within the retries.
      { step: 'finalizeRequest', name: 'tellThrottling', priority: 'low' },
    );
  }
  return client;
}
