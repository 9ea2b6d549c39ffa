import type { IncomingHttpHeaders } from 'node:http';
import { cbor } from '@smithy/core/cbor';
import { z } from 'zod';
import { lambdaOperation, s3Operation, schedulerOperation } from './rest-operations.ts';

/** The protocol of a service's calls and errors: https://smithy.io/2.0/aws/protocols/index.html */
export type Protocol = 'ec2-query' | 'query' | 'json' | 'rest-json' | 'rest-xml' | 'rpc-v2-cbor';

/** The signer of a call, as far as known. */
export interface Principal {
  readonly account: string;
  /**
   * Answer of `GetCallerIdentity`; undefined for an account's root, which an access key of twelve digits stands for.
   */
  readonly arn?: string;
  /** The role of a session, with its path. */
  readonly roleArn?: string;
  readonly sessionName?: string;
  /** The policy of the `AssumeRole` request, unchanged. */
  readonly sessionPolicy?: string;
  /** The principal that assumed the role; undefined if a service did, for example for a function. */
  readonly assumedBy?: Principal;
}

/** An incoming call. */
export interface AwsCall {
  /** Number of the call, from 1, by arrival. */
  readonly number: number;
  /** The name for which the service's requests are signed: `ec2`, `s3`, `events`; `unknown` for an unsigned request. */
  readonly service: string;
  /** `RevokeSecurityGroupIngress`; `Unknown` if only `method` and `path` are known. */
  readonly operation: string;
  readonly region: string;
  readonly accessKeyId: string;
  readonly principal: Principal;
  readonly protocol: Protocol;
  /**
   * The query protocols' form fields (`IpPermissions.1.FromPort`: text), a JSON or CBOR body, or, for REST services, the
   * values in the path (`Bucket`, `Key`; `Name`), in the query and in a JSON body.
   */
  readonly parameters: Readonly<Record<string, unknown>>;
  /** True if it may change something, according to the operation's name. A dry run of EC2 never does. */
  readonly isWrite: boolean;
  readonly method: string;
  /** The path with the query, undecoded. */
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  readonly startedAt: Date;
}

/** An answered call. */
export interface ProxiedCall extends AwsCall {
  /** 0 if the connection was cut instead. */
  readonly status: number;
  readonly requestId?: string;
  /** The code of an error: `InvalidGroup.NotFound`. */
  readonly errorCode?: string;
  readonly durationMilliseconds: number;
  /** True if a fault affected it. */
  readonly faulted: boolean;
}

/** A call without its principal. */
export type ParsedCall = Pick<
  AwsCall,
  'service' | 'operation' | 'region' | 'accessKeyId' | 'protocol' | 'parameters' | 'isWrite'
>;

const recordSchema = z.record(z.string(), z.unknown());

const READS =
  /^(Get|List|Describe|Head|Lookup|BatchGet|Search|Select|Filter|Query|Scan|Simulate|Decode|Assume|Receive)/;

/** Reads a request to AWS. Nothing is refused: what cannot be read is `unknown`. */
export function parseCall(
  method: string,
  path: string,
  headers: IncomingHttpHeaders,
  body: Buffer,
): ParsedCall {
  const url = new URL(path, 'http://aws');
  const { accessKeyId, region, service } = parseSigner(headers, url);
  const { protocol, operation, parameters } = parseOperation(service, method, url, headers, body);
  const isWrite = !READS.test(operation) && parameters['DryRun'] !== 'true';
  return { service, operation, region, accessKeyId, protocol, parameters, isWrite };
}

/**
 * The credential scope of a signature (`AKIA…/20260101/eu-central-1/ec2/aws4_request`), in the header or, for a presigned
 * URL, in the query. https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
 */
function parseSigner(
  headers: IncomingHttpHeaders,
  url: URL,
): Pick<AwsCall, 'accessKeyId' | 'region' | 'service'> {
  const credential =
    /Credential=([^,\s]+)/.exec(headers.authorization ?? '')?.[1] ??
    url.searchParams.get('X-Amz-Credential') ??
    '';
  const [accessKeyId = '', , region = '', service = 'unknown'] = credential.split('/');
  return { accessKeyId, region, service };
}

type Operation = Pick<AwsCall, 'protocol' | 'operation' | 'parameters'>;

function parseOperation(
  service: string,
  method: string,
  url: URL,
  headers: IncomingHttpHeaders,
  body: Buffer,
): Operation {
  const query = Object.fromEntries(url.searchParams);
  const cborOperation = /^\/service\/[^/]+\/operation\/([^/]+)$/.exec(url.pathname)?.[1];
  if (headers['smithy-protocol'] === 'rpc-v2-cbor' && cborOperation !== undefined) {
    return { protocol: 'rpc-v2-cbor', operation: cborOperation, parameters: parseCbor(body) };
  }
  const target = headers['x-amz-target'];
  if (typeof target === 'string') {
    const operation = target.slice(target.lastIndexOf('.') + 1);
    return { protocol: 'json', operation, parameters: parseJson(body) };
  }
  const isForm = headers['content-type']?.startsWith('application/x-www-form-urlencoded') === true;
  const fields = isForm ? Object.fromEntries(new URLSearchParams(body.toString())) : query;
  if (fields['Action'] !== undefined) {
    const { Action: operation, Version: _, ...parameters } = fields;
    return { protocol: service === 'ec2' ? 'ec2-query' : 'query', operation, parameters };
  }
  if (service === 's3') {
    const { operation, labels } = s3Operation(method, url, headers);
    return { protocol: 'rest-xml', operation, parameters: { ...query, ...labels } };
  }
  const { operation, labels } =
    service === 'lambda'
      ? lambdaOperation(method, url)
      : service === 'scheduler'
        ? schedulerOperation(method, url)
        : { operation: 'Unknown', labels: {} };
  return { protocol: 'rest-json', operation, parameters: { ...query, ...parseJson(body), ...labels } };
}

function parseJson(body: Buffer): Record<string, unknown> {
  try {
    return recordSchema.parse(JSON.parse(body.toString()));
  } catch {
    return {};
  }
}

function parseCbor(body: Buffer): Record<string, unknown> {
  try {
    return recordSchema.parse(cbor.deserialize(body));
  } catch {
    return {};
  }
}
