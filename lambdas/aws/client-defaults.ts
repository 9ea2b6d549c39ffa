/** Timeouts of one HTTP request of an SDK client, in milliseconds. */
export interface RequestTimeouts {
  readonly connectionTimeout: number;
  /** Time from sending the request to the answer's headers. */
  readonly requestTimeout: number;
  /** Maximum idle time of a connection, which ends requests whose answer stalls. */
  readonly socketTimeout: number;
  /** True so that the SDK throws an error after `requestTimeout` instead of only logging a warning. */
  readonly throwOnRequestTimeout: true;
}

/** The options of every SDK client, except its region. */
export interface AwsClientOptions {
  /** The address of the service. Default: resolved by the SDK, in tests from `AWS_ENDPOINT_URL`. */
  readonly endpoint?: string;
  /** The credentials. Default: those of the function's role. */
  readonly credentials?: { readonly accessKeyId: string; readonly secretAccessKey: string };
  readonly maxAttempts?: number;
  readonly requestHandler?: RequestTimeouts;
}

/**
 * Timeouts of every request. Including all attempts and the pauses between them, a call to a server that never answers
 * ends after about 35 seconds, which is less than the time that a remediator reserves for recording its changes.
 */
export const requestTimeouts: RequestTimeouts = {
  connectionTimeout: 3_000,
  requestTimeout: 8_000,
  socketTimeout: 8_000,
  throwOnRequestTimeout: true,
};

export const clientDefaults = {
  maxAttempts: 4,
  requestHandler: requestTimeouts,
} as const satisfies AwsClientOptions;
