import type { Pace } from './pace.ts';

/** One AWS API call of a session, for evidence and metrics. */
export interface AwsCall {
  /** The SDK's service id: `EC2`. */
  readonly service: string;
  /** The operation without `Command`: `RevokeSecurityGroupIngress`. */
  readonly operation: string;
  readonly requestId: string | undefined;
}

/** The settings that a session passes to the constructor of every SDK client. */
export interface ClientSettings {
  region: string;
}

/**
 * Credentials for one account, and clients that use them. Rules and changes receive a session; they never create
 * clients, read the clock or choose an account themselves.
 *
 * SDK clients are loaded lazily: code that calls AWS imports `lambdas/aws/<service>.ts` dynamically, and then gets the
 * client with `session.client(EC2Client)`.
 */
export interface AwsSession {
  /** The account of the resources. */
  readonly account: string;
  /** The region of the session. */
  readonly region: string;
  /** `aws`, `aws-us-gov`, `aws-cn`, `aws-eusc`. */
  readonly partition: string;
  /** The name of the work, which is the same in all its attempts. Created resources have it as a tag. */
  readonly maker: string;
  /** Returns the current time. */
  now(): Date;
  /** Resolves after this many milliseconds. */
  sleep(milliseconds: number): Promise<void>;
  /** Returns the client of this class for `region` (default: the session's), created on first use. */
  client<C>(Client: new (settings: ClientSettings) => C, region?: string): C;
  /**
   * Resolves when calls at this rate may be made in the account without being throttled.
   * @param calls the number of calls to one API. Default: one
   */
  turn(pace: Pace, calls?: number): Promise<void>;
  /** All calls so far, oldest first. */
  readonly calls: readonly AwsCall[];
}
