import { once } from 'node:events';
import { connect } from 'node:net';
import { expect, inject, test } from 'vitest';

/** Sends requests over one connection, the last of which asks to close it. @returns everything that it receives */
async function talk(...requests: readonly string[]): Promise<string> {
  const { hostname, port } = new URL(inject('localAwsEndpoint'));
  const socket = connect(Number(port), hostname);
  const answers: Buffer[] = [];
  socket.on('data', (data: Buffer) => answers.push(data));
  socket.write(requests.join(''));
  await once(socket, 'close');
  return Buffer.concat(answers).toString();
}

const authorization =
  'Authorization: AWS4-HMAC-SHA256 Credential=777777777777/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=none';

function request(line: string, headers: readonly string[] = [], body = ''): string {
  return [`${line} HTTP/1.1`, 'Host: localhost', authorization, ...headers, '', body].join('\r\n');
}

test('one connection carries several requests, with a length or in chunks', async () => {
  const bucket = '/gateway-of-the-local-aws';
  const length = ['Content-Length: 5'];
  const pieces = ['Transfer-Encoding: chunked'];

  const answer = await talk(
    request(`PUT ${bucket}`, ['Content-Length: 0']),
    request(`PUT ${bucket}/length`, length, 'hello'),
    request(`PUT ${bucket}/pieces`, pieces, '3\r\none\r\n4\r\n two\r\n0\r\n\r\n'),
    request(`HEAD ${bucket}/pieces`),
    request(`GET ${bucket}/length`),
    request(`GET ${bucket}/pieces`, ['Connection: close']),
  );

  expect(answer.match(/HTTP\/1\.1 \d+/g)).toEqual(Array.from({ length: 6 }, () => 'HTTP/1.1 200'));
  const [, , , , head = '', whole = '', inPieces = ''] = answer.split(/HTTP\/1\.1 200.*\r\n/);
  expect(head).toMatch(/content-length: 7/i);
  expect(head.trimEnd()).not.toContain('one two');
  expect(whole.trimEnd()).toMatch(/\r\n\r\nhello$/);
  expect(inPieces.trimEnd()).toMatch(/\r\n\r\none two$/);
});
