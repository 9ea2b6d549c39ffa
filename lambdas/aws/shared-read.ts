import DataLoader from 'dataloader';
import { logCalls, loggingCalls } from './call-log.ts';
import { isNotTaken } from './errors.ts';
import type { AwsCall, AwsSession } from './session.ts';

/** Reads many resources by as few calls as their API allows. @returns what is there, by key */
type ReadAll<Value> = (session: AwsSession, keys: readonly string[]) => Promise<ReadonlyMap<string, Value>>;

/** The answer to one of those who asked at the same moment. */
interface Answer<Value> {
  readonly value: Value | undefined;
  readonly calls: readonly AwsCall[];
}

/**
 * Makes a function that reads one resource, by a call that all share who ask in the same moment: changes that start
 * together look together. Nobody waits for those who ask later, and nothing is remembered, so that an answer is as new as
 * that to a separate call. Where the shared call fails, each resource is read by itself: one that AWS refuses, or whose
 * answer can't be read, stops no other. Only where AWS did not take the call, as it throttles, further ones would not help.
 * @param readAll throws where it can't read one of them
 */
export function sharedRead<Value>(
  readAll: ReadAll<Value>,
): (session: AwsSession, key: string) => Promise<Value | undefined> {
  const loaders = new WeakMap<AwsSession, DataLoader<string, Answer<Value>>>();
  const loaderOf = (session: AwsSession): DataLoader<string, Answer<Value>> => {
    const known = loaders.get(session);
    if (known !== undefined) return known;
    const made = new DataLoader<string, Answer<Value>>((keys) => answerAll(session, keys, readAll), {
      cache: false,
    });
    loaders.set(session, made);
    return made;
  };
  return async (session, key) => {
    const { value, calls } = await loaderOf(session).load(key);
    // Each has made it, for evidence and for the count of its calls.
    logCalls(calls);
    return value;
  };
}

async function answerAll<Value>(
  session: AwsSession,
  keys: readonly string[],
  readAll: ReadAll<Value>,
): Promise<(Answer<Value> | Error)[]> {
  try {
    const calls: AwsCall[] = [];
    const found = await loggingCalls(calls, () => readAll(session, [...new Set(keys)]));
    return keys.map((key) => ({ value: found.get(key), calls }));
  } catch (error) {
    if (keys.length === 1 || isNotTaken(error)) throw error;
    const alone = keys.map((key) =>
      answerAll(session, [key], readAll).catch((own: unknown) => [asError(own)]),
    );
    return (await Promise.all(alone)).flat();
  }
}

const asError = (thrown: unknown): Error => (thrown instanceof Error ? thrown : new Error(String(thrown)));
