import { ConfiguredRetryStrategy } from '@smithy/core/retry';
import type { SdkError } from '@smithy/types';
import type { AwsProxy } from './index.ts';

export const ACCOUNT = '111122223333';
export const REGION = 'eu-central-1';
export const ATTEMPTS = 3;

/** Settings of an SDK client: calls go to the proxy, signed by an account's root, with three attempts and no delays. */
export function through(proxy: AwsProxy, accessKeyId = ACCOUNT, region = REGION) {
  return {
    endpoint: proxy.endpoint,
    region,
    credentials: { accessKeyId, secretAccessKey: 'secret' },
    retryStrategy: new ConfiguredRetryStrategy(ATTEMPTS, () => 0),
  };
}

/** Awaits the error of a refused call, after the SDK's retries. */
export async function errorOf(promise: Promise<unknown>): Promise<SdkError> {
  const error: unknown = await promise.then(
    () => 'no error',
    (reason: unknown) => reason,
  );
  if (!isError(error)) throw new Error(`expected an error, got ${String(error)}`);
  return error;
}

/** Treats an error as an SDK error, whose other fields are optional. */
function isError(error: unknown): error is SdkError {
  return error instanceof Error;
}
