import type { Pace } from './pace.ts';

/** One AWS API call that a session made, for evidence and for figures. */
export interface AwsCall {
  /** The SDK's service id: `EC2`. */
  readonly service: string;
  /** The operation without `Command`: `RevokeSecurityGroupIngress`. */
  readonly operation: string;
  readonly requestId: string | undefined;
}

/** Settings that every AWS SDK client's constructor takes from a session. */
export interface ClientSettings {
  region: string;
}

/**
 * Credentials for one account, and clients that use them. Rules and changes get one; they never make a client, read
 * the clock or choose an account by themselves.
 *
 * SDK clients load lazily: code that calls AWS imports `lambdas/aws/<service>.ts` dynamically, then asks
 * `session.client(EC2Client)`.
 */
export interface AwsSession {
  /** The account whose resources are worked on. */
  readonly account: string;
  /** The current region. */
  readonly region: string;
  /** `aws`, `aws-us-gov`, `aws-cn`. */
  readonly partition: string;
  /** The name of the work, the same in each of its attempts; created resources have it as a tag. */
  readonly maker: string;
  /** The time against which ages are measured. */
  now(): Date;
  /** Resolves after this many milliseconds. */
  sleep(milliseconds: number): Promise<void>;
  /** The one client of this class for `region` (default: the session's), made on first use. */
  client<C>(Client: new (settings: ClientSettings) => C, region?: string): C;
  /**
   * Resolves when calls of this pace may be made in the account: AWS throttles what comes faster.
   * @param calls how many of one API. Default: one
   */
  turn(pace: Pace, calls?: number): Promise<void>;
  /** Every call made so far, oldest first. */
  readonly calls: readonly AwsCall[];
}
