import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import { promisify } from 'node:util';
import { gunzipSync, gzipSync } from 'node:zlib';

/** One call as an AWS service receives it. */
export interface ReceivedCall {
  readonly method: string;
  /** The path with the query, undecoded. */
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  /** `Action` and its parameters, for services that take a form (EC2, IAM, STS …); empty for others. */
  readonly form: URLSearchParams;
  /** The body as text, decompressed. */
  readonly body: string;
}

/** An answer: `cut` cuts the connection without one. Objects whose keys end in `.gz` are compressed. */
export type Answer =
  | { readonly status: number; readonly body: string; readonly headers?: Readonly<Record<string, string>> }
  | 'cut';

/** No answer: the connection stays open. */
export type Silence = 'silent';

export interface ScriptedAws extends AsyncDisposable {
  readonly endpoint: string;
  /** All calls so far, oldest first. */
  readonly calls: readonly ReceivedCall[];
  /** Counts the open connections. */
  connections(): Promise<number>;
}

/** An AWS endpoint with answers from a test, for what no emulator does: faults, old keys, races. */
export async function scriptedAws(answer: (call: ReceivedCall) => Answer | Silence): Promise<ScriptedAws> {
  const calls: ReceivedCall[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const bytes = Buffer.concat(chunks);
      const isCompressed = request.headers['content-type'] === 'application/gzip';
      const body = (isCompressed ? gunzipSync(bytes) : bytes).toString();
      const isForm = request.headers['content-type']?.includes('x-www-form-urlencoded') === true;
      const call: ReceivedCall = {
        method: request.method ?? '',
        path: request.url ?? '',
        headers: request.headers,
        form: new URLSearchParams(isForm ? body : ''),
        body,
      };
      calls.push(call);
      const answered = answer(call);
      if (answered === 'cut') request.socket.destroy();
      else if (answered !== 'silent') {
        response.writeHead(answered.status, { 'content-type': 'text/xml', ...answered.headers });
        const isObject = request.method === 'GET' && /\.gz(\?|$)/.test(call.path) && answered.status === 200;
        response.end(isObject ? gzipSync(answered.body) : answered.body);
      }
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('expected a TCP address');
  return {
    endpoint: `http://127.0.0.1:${address.port}`,
    calls,
    connections: promisify(server.getConnections.bind(server)),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

/** An error in EC2's form. */
export function ec2Error(code: string, message = code): Answer {
  return {
    status: 400,
    body: `<Response><Errors><Error><Code>${code}</Code><Message>${message}</Message></Error></Errors><RequestID>r-1</RequestID></Response>`,
  };
}

/** An error in the form of IAM and STS. */
export function queryError(code: string, status = 400): Answer {
  return {
    status,
    body: `<ErrorResponse><Error><Type>Sender</Type><Code>${code}</Code><Message>${code}</Message></Error><RequestId>r-1</RequestId></ErrorResponse>`,
  };
}

/** An error in S3's form. */
export function s3Error(code: string, status: number): Answer {
  return { status, body: `<Error><Code>${code}</Code><Message>${code}</Message></Error>` };
}

/** An answer, or an error if it contains `__type`, in the form of JSON services (CloudTrail, CloudWatch Logs). */
export function jsonAnswer(body: unknown, status = 200): Answer {
  return {
    status,
    body: JSON.stringify(body),
    headers: { 'content-type': 'application/x-amz-json-1.1' },
  };
}

/** An answer of a service that takes a form and returns XML: EC2, IAM, RDS, Redshift. */
export function xmlAnswer(body: string): Answer {
  return { status: 200, body };
}
