import type { IncomingHttpHeaders } from 'node:http';
import { cbor } from '@smithy/core/cbor';
import { z } from 'zod';
import { lambdaOperation, s3Operation, schedulerOperation } from './rest-operations.ts';

/** The way in which a service's calls and errors are written: https://smithy.io/2.0/aws/protocols/index.html */
export type Protocol = 'ec2-query' | 'query' | 'json' | 'rest-json' | 'rest-xml' | 'rpc-v2-cbor';

/** The signer of a call, as far as it is known. */
export interface Principal {
  readonly account: string;
  /**
   * Answer of `GetCallerIdentity`; undefined for an account's root, as which an access key of twelve digits counts.
   */
  readonly arn?: string;
  /** The role of a session, with its path. */
  readonly roleArn?: string;
  readonly sessionName?: string;
  /** The policy that was sent when the role was assumed, as it was sent. */
  readonly sessionPolicy?: string;
  /** The principal that assumed the role; undefined for a role that a service took on, such as a function's. */
  readonly assumedBy?: Principal;
}

/** A call as it arrives. */
export interface AwsCall {
  /** Calls are counted from 1, as they arrive. */
  readonly number: number;
  /** The name that the service signs by: `ec2`, `s3`, `events`; `unknown` for a request that nobody signed. */
  readonly service: string;
  /** `RevokeSecurityGroupIngress`; `Unknown` where `method` and `path` say all that is known. */
  readonly operation: string;
  readonly region: string;
  readonly accessKeyId: string;
  readonly principal: Principal;
  readonly protocol: Protocol;
  /**
   * The query protocols' form fields (`IpPermissions.1.FromPort`: text), a JSON or CBOR body, or, of the REST services,
   * what stands in the path (`Bucket`, `Key`; `Name`), in the query and in a JSON body.
   */
  readonly parameters: Readonly<Record<string, unknown>>;
  /** True if it may change something, judged by the operation's name. A dry run of EC2 may not. */
  readonly isWrite: boolean;
  readonly method: string;
  /** The path with the query, undecoded. */
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  readonly startedAt: Date;
}

/** A call that has been answered. */
export interface ProxiedCall extends AwsCall {
  /** 0 where the connection was broken off instead. */
  readonly status: number;
  readonly requestId?: string;
  /** The code of an error: `InvalidGroup.NotFound`. */
  readonly errorCode?: string;
  readonly durationMilliseconds: number;
  /** True if a fault met it. */
  readonly faulted: boolean;
}

/** A call by itself, before it is known who made it. */
export type ParsedCall = Pick<
  AwsCall,
  'service' | 'operation' | 'region' | 'accessKeyId' | 'protocol' | 'parameters' | 'isWrite'
>;

const recordSchema = z.record(z.string(), z.unknown());

const READS =
  /^(Get|List|Describe|Head|Lookup|BatchGet|Search|Select|Filter|Query|Scan|Simulate|Decode|Assume|Receive)/;

/** Reads what a request to AWS asks for. Nothing is refused: what can't be read is `unknown`. */
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
 * The credential scope of a signature (`AKIA…/20260101/eu-central-1/ec2/aws4_request`), in the header or, of a presigned
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
