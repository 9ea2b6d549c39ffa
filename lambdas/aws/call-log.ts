import { AsyncLocalStorage } from 'node:async_hooks';
import type { AwsCall } from './session.ts';

/** The calls of the current work. */
const logs = new AsyncLocalStorage<AwsCall[]>();

/** Runs work and adds its calls, but not those of parallel work, to a list, oldest first. */
export function loggingCalls<T>(calls: AwsCall[], work: () => Promise<T>): Promise<T> {
  return logs.run(calls, work);
}

/** Adds a call to its session's calls, and to the list of the work that makes it. */
export function logCall(ofSession: AwsCall[], call: AwsCall): void {
  ofSession.push(call);
  logCalls([call]);
}

/** Adds shared calls to the list of the current work. */
export function logCalls(calls: readonly AwsCall[]): void {
  logs.getStore()?.push(...calls);
}
