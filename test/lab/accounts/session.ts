import type { AwsSession } from '../../../lambdas/aws/session.ts';
import { sessionClient } from '../../../lambdas/aws/session-client.ts';
import { s3ControlEndpoint } from '../local-aws/account-hosts.ts';

/** Destination of a session's calls in a test, and the caller. */
export interface TestSessionSettings {
  /** `http://127.0.0.1:4566`: an address, not a name, so that the SDK addresses buckets by path. */
  readonly endpoint: string;
  readonly account: string;
  readonly region: string;
  readonly now?: () => Date;
  /** Number of times that the SDK sends a read. */
  readonly maxAttempts?: number;
}

/**
 * A session as rules and changes get it, straight against an endpoint: the local AWS takes an access key of twelve
 * digits for that account's root.
 */
export function testSession(settings: TestSessionSettings): AwsSession {
  const { endpoint, account, region, now = () => new Date(), maxAttempts = 3 } = settings;
  const clients = new Map<string, unknown>();
  return {
    account,
    region,
    partition: 'aws',
    maker: 'test',
    now,
    turn: async () => {},
    sleep: async () => {},
    calls: [],
    client(Client, clientRegion = region) {
      const key = `${Client.name} ${clientRegion}`;
      const known = clients.get(key);
      if (known instanceof Client) return known;
      const client = sessionClient(Client, {
        region: clientRegion,
        endpoint: Client.name === 'S3ControlClient' ? s3ControlEndpoint(endpoint) : endpoint,
        maxAttempts,
        credentials: { accessKeyId: account, secretAccessKey: 'test' },
      });
      clients.set(key, client);
      return client;
    },
  };
}
