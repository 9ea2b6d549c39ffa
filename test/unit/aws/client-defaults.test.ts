import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import { DescribeVpcsCommand, EC2Client } from '@aws-sdk/client-ec2';
import { describe, expect, test } from 'vitest';
import { clientDefaults, requestTimeouts } from '../../../lambdas/aws/client-defaults.ts';
import { errorKind } from '../../../lambdas/aws/errors.ts';
import { GetObjectCommand, S3Client } from '../../../lambdas/aws/s3.ts';

async function serve(listener: RequestListener) {
  const server = createServer(listener);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('expected a TCP address');
  return {
    endpoint: `http://127.0.0.1:${address.port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
    },
  };
}

/** The product's settings with a short value for one timeout and without the other, which must not end the call. */
function hasty(endpoint: string, timeout: 'requestTimeout' | 'socketTimeout') {
  const noTimeouts = { requestTimeout: 0, socketTimeout: 0 };
  return {
    ...clientDefaults,
    maxAttempts: 2,
    requestHandler: { ...requestTimeouts, ...noTimeouts, [timeout]: 100 },
    endpoint,
    region: 'eu-central-1',
    forcePathStyle: true,
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
  };
}

describe('an AWS endpoint', () => {
  test('that never answers ends the call with a temporary error', async () => {
    let requests = 0;
    await using server = await serve(() => {
      requests += 1;
    });
    const client = new EC2Client(hasty(server.endpoint, 'requestTimeout'));

    const error = await client.send(new DescribeVpcsCommand({})).catch((thrown: unknown) => thrown);

    expect(error).toMatchObject({ name: 'TimeoutError' });
    expect(errorKind(error)).toBe('unavailable');
    expect(requests).toBe(2);
  });

  test('whose body stalls ends the read with a temporary error', async () => {
    await using server = await serve((_, response) => {
      response.writeHead(200, { 'content-length': '100' });
      response.write('half of the ');
    });
    const client = new S3Client(hasty(server.endpoint, 'socketTimeout'));

    const error = await client
      .send(new GetObjectCommand({ Bucket: 'settings', Key: 'rule.json' }))
      .then(({ Body }) => Body?.transformToString())
      .catch((thrown: unknown) => thrown);

    expect(error).toBeInstanceOf(Error);
    expect(errorKind(error)).toBe('unavailable');
  });
});

test('all attempts at a call fit into the time that is reserved for recording', () => {
  const { maxAttempts = 0 } = clientDefaults;
  const reservedMilliseconds = 45_000;

  expect(maxAttempts * requestTimeouts.requestTimeout).toBeLessThan(reservedMilliseconds - 10_000);
});
