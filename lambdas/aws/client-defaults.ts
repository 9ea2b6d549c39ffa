/** What every SDK client is made with, besides its region: no call may hang until the function's end. */
export interface AwsClientOptions {
  /** By default the SDK finds it, in tests by `AWS_ENDPOINT_URL`. */
  readonly endpoint?: string;
  /** By default the function's role. */
  readonly credentials?: { readonly accessKeyId: string; readonly secretAccessKey: string };
  readonly maxAttempts?: number;
  readonly requestHandler?: { readonly connectionTimeout: number; readonly requestTimeout: number };
}

export const clientDefaults: AwsClientOptions = {
  maxAttempts: 4,
  requestHandler: { connectionTimeout: 3_000, requestTimeout: 20_000 },
};
