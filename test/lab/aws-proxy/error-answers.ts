import { randomUUID } from 'node:crypto';
import { cbor } from '@smithy/core/cbor';
import { z } from 'zod';
import { type AwsAnswer, bodyText } from './answer.ts';
import type { AwsCall } from './call.ts';

/** Errors that every service has, each with its own code. */
export type CommonError = 'throttle' | 'unavailable' | 'internal' | 'denied';

interface CodeAndStatus {
  readonly code: string;
  readonly status: number;
}

type CommonErrors = Readonly<Record<CommonError, CodeAndStatus>>;

/** https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html */
const EC2: CommonErrors = {
  throttle: { code: 'RequestLimitExceeded', status: 503 },
  unavailable: { code: 'Unavailable', status: 503 },
  internal: { code: 'InternalError', status: 500 },
  denied: { code: 'UnauthorizedOperation', status: 403 },
};

/** https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html */
const S3: CommonErrors = {
  throttle: { code: 'SlowDown', status: 503 },
  unavailable: { code: 'ServiceUnavailable', status: 503 },
  internal: { code: 'InternalError', status: 500 },
  denied: { code: 'AccessDenied', status: 403 },
};

/** https://docs.aws.amazon.com/IAM/latest/APIReference/CommonErrors.html */
const QUERY: CommonErrors = {
  throttle: { code: 'Throttling', status: 400 },
  unavailable: { code: 'ServiceUnavailable', status: 503 },
  internal: { code: 'InternalFailure', status: 500 },
  denied: { code: 'AccessDenied', status: 403 },
};

/** https://docs.aws.amazon.com/systems-manager/latest/APIReference/CommonErrors.html */
const JSON_RPC: CommonErrors = {
  throttle: { code: 'ThrottlingException', status: 400 },
  unavailable: { code: 'ServiceUnavailable', status: 503 },
  internal: { code: 'InternalFailure', status: 500 },
  denied: { code: 'AccessDeniedException', status: 400 },
};

/** https://docs.aws.amazon.com/scheduler/latest/APIReference/CommonErrors.html */
const REST_JSON: CommonErrors = {
  throttle: { code: 'ThrottlingException', status: 429 },
  unavailable: { code: 'ServiceUnavailable', status: 503 },
  internal: { code: 'InternalFailure', status: 500 },
  denied: { code: 'AccessDeniedException', status: 403 },
};

/** https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html#API_Invoke_Errors */
const LAMBDA: CommonErrors = {
  ...REST_JSON,
  throttle: { code: 'TooManyRequestsException', status: 429 },
  internal: { code: 'ServiceException', status: 500 },
};

function commonErrors(call: AwsCall): CommonErrors {
  if (call.service === 'lambda') return LAMBDA;
  switch (call.protocol) {
    case 'ec2-query':
      return EC2;
    case 'rest-xml':
      return S3;
    case 'query':
      return QUERY;
    case 'rest-json':
      return REST_JSON;
    case 'json':
    case 'rpc-v2-cbor':
      return JSON_RPC;
  }
}

/** One of the errors that every service has, with the code and form of the called service. */
export function commonErrorAnswer(call: AwsCall, error: CommonError, message?: string): AwsAnswer {
  const { code, status } = commonErrors(call)[error];
  return awsError(call, code, { status, ...(message !== undefined && { message }) });
}

export interface ErrorDetails {
  /** Default: 400. */
  readonly status?: number;
  readonly message?: string;
}

/** An error in the form of the called service, in the protocol of the call. */
export function awsError(call: AwsCall, code: string, details: ErrorDetails = {}): AwsAnswer {
  const { status = 400, message = `${code} (put before ${call.operation} by the proxy)` } = details;
  const requestId = randomUUID();
  const answer = (
    contentType: string,
    headers: Record<string, string>,
    body: string | Uint8Array,
  ): AwsAnswer => ({
    status,
    headers: { 'content-type': contentType, 'x-amzn-requestid': requestId, ...headers },
    // An answer to HEAD has no body: clients only see the status.
    body: Buffer.from(call.method === 'HEAD' ? '' : body),
  });
  const codeAndMessage = `<Code>${escapeXml(code)}</Code><Message>${escapeXml(message)}</Message>`;
  switch (call.protocol) {
    case 'ec2-query':
      return answer(
        'text/xml;charset=UTF-8',
        {},
        `<?xml version="1.0" encoding="UTF-8"?>\n<Response><Errors><Error>${codeAndMessage}</Error></Errors><RequestID>${requestId}</RequestID></Response>`,
      );
    case 'query': {
      const type = status < 500 ? 'Sender' : 'Receiver';
      return answer(
        'text/xml',
        {},
        `<ErrorResponse><Error><Type>${type}</Type>${codeAndMessage}</Error><RequestId>${requestId}</RequestId></ErrorResponse>`,
      );
    }
    case 'rest-xml':
      return answer(
        'application/xml',
        { 'x-amz-request-id': requestId },
        `<?xml version="1.0" encoding="UTF-8"?>\n<Error>${codeAndMessage}<RequestId>${requestId}</RequestId></Error>`,
      );
    case 'json':
      return answer('application/x-amz-json-1.1', {}, JSON.stringify({ __type: code, message }));
    case 'rest-json':
      return answer('application/json', { 'x-amzn-errortype': code }, JSON.stringify({ message }));
    case 'rpc-v2-cbor':
      return answer(
        'application/cbor',
        { 'smithy-protocol': 'rpc-v2-cbor' },
        cbor.serialize({ __type: code, message }),
      );
  }
}

const jsonErrorSchema = z.looseObject({ __type: z.string().optional(), code: z.string().optional() });

/** The code of an error answer; undefined for other answers, and errors without a code. */
export function errorCode(call: AwsCall, answer: AwsAnswer): string | undefined {
  if (answer.status < 300) return undefined;
  switch (call.protocol) {
    case 'ec2-query':
    case 'query':
    case 'rest-xml':
      return /<Code>([^<]+)<\/Code>/.exec(bodyText(answer))?.[1];
    case 'json':
    case 'rest-json':
    case 'rpc-v2-cbor': {
      const named = answer.headers['x-amzn-errortype'] ?? codeInBody(call, answer);
      // `com.amazonaws.sqs#QueueDoesNotExist`, `ResourceNotFoundException:http://…`
      return named?.replace(/^.*#/, '').replace(/:.*$/, '');
    }
  }
}

function codeInBody(call: AwsCall, answer: AwsAnswer): string | undefined {
  try {
    const body: unknown =
      call.protocol === 'rpc-v2-cbor' ? cbor.deserialize(answer.body) : JSON.parse(bodyText(answer));
    const { __type, code } = jsonErrorSchema.parse(body);
    return __type ?? code;
  } catch {
    return undefined;
  }
}

/** The id with which AWS would find the call again. */
export function requestId(answer: AwsAnswer): string | undefined {
  return (
    answer.headers['x-amzn-requestid'] ??
    answer.headers['x-amz-request-id'] ??
    /<request(?:Id|ID)>([^<]+)</i.exec(bodyText(answer))?.[1]
  );
}

export function escapeXml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}
