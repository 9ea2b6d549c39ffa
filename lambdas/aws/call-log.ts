import { AsyncLocalStorage } from 'node:async_hooks';
import type { AwsCall } from './session.ts';

/** The calls of the current work. */
const logs = new AsyncLocalStorage<AwsCall[]>();

/** Does work, and adds its calls to a list, oldest first: those of other work in parallel are not in it. */
export function loggingCalls<T>(calls: AwsCall[], work: () => Promise<T>): Promise<T> {
  return logs.run(calls, work);
}

/** Adds a call to those of its session, and to the list of the work that makes it. */
export function logCall(ofSession: AwsCall[], call: AwsCall): void {
  ofSession.push(call);
  logCalls([call]);
}

/** Adds calls to the list of the work that they were made for, one of several. */
export function logCalls(calls: readonly AwsCall[]): void {
  logs.getStore()?.push(...calls);
}
