import type { Logger } from '@aws-lambda-powertools/logger';
import { z } from 'zod';
import { logCall } from '../aws/call-log.ts';
import { clientDefaults } from '../aws/client-defaults.ts';
import { type Pace, Pacer } from '../aws/pace.ts';
import { SessionRequestHandler } from '../aws/request-handler.ts';
import type { AwsCall, AwsSession, ClientSettings } from '../aws/session.ts';
import { sessionClient } from '../aws/session-client.ts';
import { AssumeRoleCommand, STSClient } from '../aws/sts.ts';
import { stsRegionForAnyAccount } from '../aws/sts-region.ts';
import type { Clock } from '../model/clock.ts';
import type { Permission } from '../rules/permission.ts';
import type { Environment } from './environment.ts';
import { type Credentials, credentialsSchema, RenewableCredentials } from './renewable-credentials.ts';
import { sessionPolicy } from './session-policy.ts';

/** Request to open a session. */
export interface SessionRequest {
  readonly account: string;
  readonly region: string;
  /** Name that CloudTrail shows: the id of the poll, which contains the rule. */
  readonly name: string;
  /** Name with which created resources are marked: the id of the job's journal. Default: the session's name. */
  readonly maker?: string;
  /** All permissions of the session. */
  readonly permissions: readonly Permission[];
  /**
   * True if the session may come from STS in any region, because its work is not limited to one, as for IAM or buckets.
   * Default: false.
   */
  readonly inAnyRegion?: boolean;
  /** Aborts every call of the session. The remaining time of the job is for recording. */
  readonly signal?: AbortSignal;
}

/** Session whose connections must be closed. */
export interface OpenSession extends AwsSession {
  /** Closes the session's connections. No calls may be made afterwards. */
  close(): void;
}

/** Fields of an entry that an SDK client logs, one per call. */
const callSchema = z.object({
  clientName: z.string(),
  commandName: z.string(),
  metadata: z.object({ requestId: z.string().optional() }).optional(),
});

/** Converts a name to a role session name: 2 to 64 characters of `\w+=,.@-` (STS, AssumeRole, `RoleSessionName`). */
function sessionName(name: string): string {
  return name.replaceAll(/[^\w+=,.@-]/g, '-').slice(0, 64);
}

/** Log to which the size of session policies is written. */
export type SessionLog = Pick<Logger, 'debug' | 'warn'>;

/** Size in percent from which a longer role name could make STS refuse the policy. */
const LARGE_PACKED_POLICY = 85;

/** Opens sessions in target accounts by assuming the target role. */
export class Sessions {
  readonly #environment: Environment;
  readonly #clock: Clock;
  readonly #log: SessionLog;
  readonly #sts = new Map<string, STSClient>();
  /** One for all sessions of this function instance. Jobs of an account and region never run in parallel. */
  readonly #pacer: Pacer;

  constructor(environment: Environment, clock: Clock, log: SessionLog) {
    this.#environment = environment;
    this.#clock = clock;
    this.#log = log;
    this.#pacer = new Pacer(clock);
  }

  /**
   * Assumes the target role of an account, limited to the requested permissions.
   * @throws AWS's own error: `AccessDenied` if there is no such role, or if it does not trust this remediator
   */
  async open({
    account,
    region,
    name,
    maker = name,
    permissions,
    inAnyRegion = false,
    signal,
  }: SessionRequest): Promise<OpenSession> {
    const { PARTITION: partition, TARGET_ROLE_NAME, EXTERNAL_ID, AWS_REGION } = this.#environment;
    const stsRegion = inAnyRegion ? stsRegionForAnyAccount(partition, AWS_REGION) : AWS_REGION;
    const command = new AssumeRoleCommand({
      RoleArn: `arn:${partition}:iam::${account}:role/${TARGET_ROLE_NAME}`,
      RoleSessionName: sessionName(name),
      ExternalId: EXTERNAL_ID,
      Policy: sessionPolicy(permissions, { partition, region, account }),
    });
    const assume = async (): Promise<Credentials> => {
      const answer = await this.#stsIn(stsRegion).send(command);
      const { PackedPolicySize: packed = 0 } = answer;
      const words = `session policy of ${name}: ${packed} % of the size that STS allows`;
      if (packed > LARGE_PACKED_POLICY) this.#log.warn(words);
      else this.#log.debug(words);
      return credentialsSchema.parse(answer.Credentials);
    };
    const credentials = new RenewableCredentials(await assume(), assume);
    const place = { account, region, partition };
    return new AssumedSession(place, maker, credentials, this.#clock, this.#pacer, signal);
  }

  #stsIn(region: string): STSClient {
    const known = this.#sts.get(region);
    if (known !== undefined) return known;
    const client = new STSClient({ ...clientDefaults, region });
    this.#sts.set(region, client);
    return client;
  }
}

class AssumedSession implements OpenSession {
  readonly account: string;
  readonly region: string;
  readonly partition: string;
  readonly maker: string;
  readonly calls: AwsCall[] = [];
  readonly #clock: Clock;
  readonly #pacer: Pacer;
  readonly #credentials: RenewableCredentials;
  readonly #clients = new Map<string, unknown>();
  readonly #requestHandler: SessionRequestHandler;

  constructor(
    place: { account: string; region: string; partition: string },
    maker: string,
    credentials: RenewableCredentials,
    clock: Clock,
    pacer: Pacer,
    signal: AbortSignal | undefined,
  ) {
    this.#requestHandler = new SessionRequestHandler(signal);
    this.account = place.account;
    this.region = place.region;
    this.partition = place.partition;
    this.maker = maker;
    this.#clock = clock;
    this.#pacer = pacer;
    this.#credentials = credentials;
  }

  now(): Date {
    return new Date(this.#clock.now());
  }

  sleep(milliseconds: number): Promise<void> {
    return this.#clock.sleep(milliseconds);
  }

  turn(pace: Pace, calls?: number): Promise<void> {
    return this.#pacer.turn(this.account, pace, calls);
  }

  close(): void {
    this.#requestHandler.destroy();
  }

  client<C>(Client: new (settings: ClientSettings) => C, region = this.region): C {
    const key = `${Client.name} ${region}`;
    const known = this.#clients.get(key);
    if (known instanceof Client) return known;
    const record = (entry: unknown): void => {
      const call = callSchema.safeParse(entry);
      if (!call.success) return;
      logCall(this.calls, {
        service: call.data.clientName.replace(/Client$/, ''),
        operation: call.data.commandName.replace(/Command$/, ''),
        requestId: call.data.metadata?.requestId,
      });
    };
    const nothing = (): void => {};
    const settings = {
      ...clientDefaults,
      region,
      credentials: this.#credentials.provider,
      requestHandler: this.#requestHandler,
      // The SDK logs every call: at level info if it succeeded, and at level error if it failed.
      logger: { trace: nothing, debug: nothing, warn: nothing, info: record, error: record },
    };
    const quota = Client.name.replace(/Client$/, '').toLowerCase();
    const client = sessionClient(Client, settings, () => this.#pacer.throttled(this.account, quota));
    this.#credentials.renewIn(client);
    this.#clients.set(key, client);
    return client;
  }
}
