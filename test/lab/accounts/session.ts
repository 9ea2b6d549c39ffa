import type { AwsSession } from '../../../lambdas/aws/session.ts';
import { sessionClient } from '../../../lambdas/aws/session-client.ts';
import { s3ControlEndpoint } from '../local-aws/account-hosts.ts';

/** Destination and caller of a session's calls in a test. */
export interface TestSessionSettings {
  /** `http://127.0.0.1:4566`: an address, not a name, so that the SDK addresses buckets by path. */
  readonly endpoint: string;
  readonly account: string;
  readonly region: string;
  readonly now?: () => Date;
  /** The most times that the SDK sends a read. */
  readonly maxAttempts?: number;
}

/**
 * A session as rules and changes receive it, with calls directly to an endpoint. In the local AWS, an access key of twelve
 * digits is that account's root.
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
