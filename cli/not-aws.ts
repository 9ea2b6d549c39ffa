import { z } from 'zod';

/** An error that contains the HTTP response in a non-enumerable field of the SDK. */
const answerSchema = z.object({
  $response: z.object({
    statusCode: z.number(),
    headers: z.record(z.string(), z.string()).default({}),
    // A body that was not read as text is Node's IncomingMessage, which references its request.
    body: z.unknown(),
  }),
});

const bodySchema = z.object({ req: z.object({ host: z.string() }) });

const errorCodeSchema = z.object({ code: z.string() });

/** Codes of TLS. https://nodejs.org/api/tls.html#x509-certificate-error-codes and https://nodejs.org/api/errors.html */
const TLS_CODE =
  /^(SELF_SIGNED_CERT_IN_CHAIN|DEPTH_ZERO_SELF_SIGNED_CERT|UNABLE_TO_\w+|CERT_\w+|CRL_\w+|INVALID_(CA|PURPOSE)|HOSTNAME_MISMATCH|PATH_LENGTH_EXCEEDED|ERR_TLS_\w+|ERR_SSL_\w+|EPROTO)$/;

/** Explains an error of a connection that is not trusted, or does not speak TLS; undefined if it is another error. */
export function tlsProblem(error: Error): string | undefined {
  const code = errorCodeSchema.safeParse(error).data?.code;
  if (code === undefined || !TLS_CODE.test(code)) return undefined;
  return `no trusted TLS connection to AWS (${code}: ${error.message}): if a proxy signs with its own certificate authority, set NODE_EXTRA_CA_CERTS to the file with that authority's certificate; otherwise check the proxy, AWS_ENDPOINT_URL, and this machine's clock`;
}

/**
 * Explains an answer that did not come from AWS but, for example, from a proxy or a sign-in page of the network; undefined if
 * the error is another one.
 */
export function notAwsProblem(error: Error): string | undefined {
  const answer = answerSchema.safeParse(error).data?.$response;
  if (answer === undefined) return undefined;
  // Every response from AWS has headers with its ids. The SDK marks responses that it cannot parse, and calls errors without a
  // code "Unknown".
  if (Object.keys(answer.headers).some((name) => name.startsWith('x-amz'))) return undefined;
  const isParsed = !error.message.includes('Deserialization error:');
  if (isParsed && error.name !== 'Unknown' && error.name !== 'UnknownError') return undefined;
  const type = answer.headers['content-type'] ?? 'no content type';
  const host = bodySchema.safeParse(answer.body).data?.req.host;
  const at = host === undefined ? ' instead of AWS' : ` at ${host}`;
  return `what answered${at} is not AWS (HTTP ${answer.statusCode}, ${type}): check the proxy, the network's sign-in page, and AWS_ENDPOINT_URL`;
}
