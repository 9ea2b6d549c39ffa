import { randomUUID } from 'node:crypto';
import type { Principal, ProxiedCall } from '../aws-proxy/index.ts';

/** A management event of a change, as in event history. */
export interface TrailEvent {
  readonly account: string;
  readonly region: string;
  /** Milliseconds since 1970, rounded to seconds as in CloudTrail. */
  readonly at: number;
  readonly id: string;
  readonly name: string;
  readonly source: string;
  readonly user: string;
  readonly resources: readonly string[];
  /** https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html */
  readonly record: object;
}

/** The services whose events are recorded here: those of the resources that rules change. */
const SERVICES: ReadonlySet<string> = new Set(['ec2', 's3', 'iam', 'rds', 'redshift', 'cloudtrail']);

/** The region of events of global services (CloudTrail user guide, "Global service events"). */
const GLOBAL = 'us-east-1';

/** The user agent of an AWS service that calls on someone's behalf, which the event has instead of the caller's. */
const SERVICE_AGENT = /^[a-z0-9-]+\.amazonaws\.com$/;

/**
 * Creates the event of a call. @returns undefined for a call that changes nothing, or only an object: a data event
 * @param now milliseconds since 1970
 */
export function eventOf(call: ProxiedCall, now: number): TrailEvent | undefined {
  const { service, operation, parameters, principal, errorCode } = call;
  if (!call.isWrite || !SERVICES.has(service) || principal.account === '') return undefined;
  if (service === 's3' && 'Key' in parameters) return undefined;
  const at = Math.floor(now / 1000) * 1000;
  const region = service === 'iam' ? GLOBAL : call.region;
  const [id, source] = [randomUUID(), `${service}.amazonaws.com`];
  const userAgent = call.headers['user-agent'] ?? '';
  const invokedBy = SERVICE_AGENT.test(userAgent) ? userAgent : undefined;
  const record = {
    eventVersion: '1.11',
    userIdentity: { ...identityOf(principal), ...(invokedBy !== undefined && { invokedBy }) },
    eventTime: new Date(at).toISOString().replace('.000Z', 'Z'),
    eventSource: source,
    eventName: operation,
    awsRegion: region,
    sourceIPAddress: invokedBy ?? '198.51.100.7',
    userAgent,
    ...(errorCode !== undefined && { errorCode }),
    requestParameters: null,
    responseElements: null,
    readOnly: false,
    eventID: id,
    eventType: 'AwsApiCall',
    managementEvent: true,
    recipientAccountId: principal.account,
    eventCategory: 'Management',
  };
  const user = principal.sessionName ?? 'root';
  const { account } = principal;
  return {
    account,
    region,
    at,
    id,
    name: operation,
    source,
    user,
    resources: resourcesOf(parameters),
    record,
  };
}

/** https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-user-identity.html */
function identityOf({ account, arn, roleArn }: Principal): object {
  if (arn === undefined) return { type: 'Root', arn: `arn:aws:iam::${account}:root`, accountId: account };
  return { type: roleArn === undefined ? 'IAMUser' : 'AssumedRole', arn, accountId: account };
}

/** The names in a call's parameters: `GroupId`, `Bucket`, `DBSnapshotIdentifier`, `InstanceId.1`. */
function resourcesOf(parameters: ProxiedCall['parameters']): string[] {
  return Object.entries(parameters).flatMap(([name, value]) =>
    typeof value === 'string' && /(?:Id|Name|Identifier|Bucket)(?:\.\d+)?$/.test(name) ? value : [],
  );
}
