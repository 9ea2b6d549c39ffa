import DataLoader from 'dataloader';
import { logCalls, loggingCalls } from './call-log.ts';
import { asError, isNotTaken } from './errors.ts';
import { perSession } from './per-session.ts';
import type { AwsCall, AwsSession } from './session.ts';

/** Reads many resources in as few calls as their API allows. @returns the existing ones, by key */
type ReadAll<Value> = (session: AwsSession, keys: readonly string[]) => Promise<ReadonlyMap<string, Value>>;

/** The result for one of the callers that share a read. */
interface Answer<Value> {
  readonly value: Value | undefined;
  readonly calls: readonly AwsCall[];
}

/**
 * Creates a function that reads one resource, and batches reads that start at the same moment, such as those of
 * parallel changes, into one call. Nothing is cached, so a result is as fresh as that of a separate read. If the shared
 * call fails, each resource is read separately, so that one with an error does not affect the others, unless AWS
 * temporarily refused the call, for example by throttling it.
 * @param readAll throws if it can't read one of them
 */
export function sharedRead<Value>(
  readAll: ReadAll<Value>,
): (session: AwsSession, key: string) => Promise<Value | undefined> {
  const loaderOf = perSession(
    (session) =>
      new DataLoader<string, Answer<Value>>((keys) => answerAll(session, keys, readAll), { cache: false }),
  );
  return async (session, key) => {
    const { value, calls } = await loaderOf(session).load(key);
    // Each caller records the call, for its evidence and its count of calls.
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
