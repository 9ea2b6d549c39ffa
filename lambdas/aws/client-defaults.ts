/** Longest durations of one HTTP request of an SDK client, in milliseconds. */
export interface RequestTimeouts {
  readonly connectionTimeout: number;
  /** Time from sending the request to the answer's headers. */
  readonly requestTimeout: number;
  /** Longest silence of a connection: it ends an answer whose body stalls. */
  readonly socketTimeout: number;
  /** True so that the SDK does more than log a warning when `requestTimeout` is over. */
  readonly throwOnRequestTimeout: true;
}

/** The options of every SDK client, except its region. */
export interface AwsClientOptions {
  /** Address of the service. By default the SDK finds it, in tests by `AWS_ENDPOINT_URL`. */
  readonly endpoint?: string;
  /** Credentials. By default the function's role. */
  readonly credentials?: { readonly accessKeyId: string; readonly secretAccessKey: string };
  readonly maxAttempts?: number;
  readonly requestHandler?: RequestTimeouts;
}

/**
 * The timeouts of every request. With all attempts and the waits between them, a call whose server never answers ends
 * after about 35 seconds: less than a remediator reserves for recording what it did.
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
