import { Readable } from 'node:stream';
import { HttpResponse } from '@smithy/core/transport';
import { z } from 'zod';
import type { AwsSession } from '../../../lambdas/aws/session.ts';
import { sessionClient } from '../../../lambdas/aws/session-client.ts';
import type { Answer, ReceivedCall } from '../scripted-aws/scripted-aws.ts';

/** The part of a request that is used here, as the SDK passes it to its HTTP handler. */
const requestSchema = z.object({
  method: z.string(),
  path: z.string(),
  headers: z.record(z.string(), z.string()),
  body: z.string().default(''),
});

export interface InProcessAws {
  readonly session: AwsSession;
  /** All calls so far, oldest first. */
  readonly calls: readonly ReceivedCall[];
}

/**
 * A session whose calls a function answers within the process: the real SDK without a network, for tests of thousands
 * of cases. Each call is sent once: a lost answer stays unknown.
 */
export function inProcessAws(account: string, answer: (call: ReceivedCall) => Answer): InProcessAws {
  const calls: ReceivedCall[] = [];
  const clients = new Map<string, unknown>();
  const requestHandler = {
    async handle(request: unknown): Promise<{ response: HttpResponse }> {
      const { method, path, headers, body } = requestSchema.parse(request);
      const call: ReceivedCall = { method, path, headers, body, form: new URLSearchParams(body) };
      calls.push(call);
      const answered = answer(call);
      if (answered === 'cut') throw Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' });
      const { status: statusCode, body: text } = answered;
      return {
        response: new HttpResponse({
          statusCode,
          headers: { 'content-type': 'text/xml' },
          body: Readable.from([text]),
        }),
      };
    },
  };
  const session: AwsSession = {
    account,
    region: 'eu-central-1',
    partition: 'aws',
    maker: 'test',
    turn: async () => {},
    sleep: async () => {},
    now: () => new Date(),
    calls: [],
    client(Client, region = 'eu-central-1') {
      const known = clients.get(Client.name);
      if (known instanceof Client) return known;
      const client = sessionClient(Client, {
        region,
        requestHandler,
        maxAttempts: 1,
        credentials: { accessKeyId: account, secretAccessKey: 'test' },
      });
      clients.set(Client.name, client);
      return client;
    },
  };
  return { session, calls };
}
