import type { AwsCall } from '../aws-proxy/index.ts';

/** Values of condition keys. */
export type ConditionValues = Readonly<Record<string, string | readonly string[]>>;

/** One action that AWS checks before it carries out a call. A call may have several. */
export interface Requirement {
  /** `ec2:CreateTags` */
  readonly action: string;
  /**
   * An ARN, or `*` for an action without resources. An ARN that ends with `*` stands for a resource without an id yet, or for
   * all of a type: no policy on single resources allows it.
   */
  readonly resource: string;
  /** The account of the resource. */
  readonly account: string;
  /** Known values about the request and the resource. The judge adds those about the principal. */
  readonly conditions: ConditionValues;
}

/** Reads with which the map finds out the requirements of a call: see `LocalAwsState`. */
export interface StateLookups {
  /** The ARN with the user's path, if there is such a user. */
  userArn(account: string, name: string): Promise<string>;
  /** The name of the user with an access key; undefined if there is no such key. */
  userOfAccessKey(account: string, accessKeyId: string): Promise<string | undefined>;
  /** The account of these that owns a bucket; undefined if none of them does. */
  bucketOwner(bucket: string, candidates: readonly string[]): Promise<string | undefined>;
  objectExists(owner: string, bucket: string, key: string): Promise<boolean>;
  flowLog(
    account: string,
    region: string,
    id: string,
  ): Promise<{ readonly tags: Readonly<Record<string, string>>; readonly destination: string } | undefined>;
}

/** A function that lists the requirements of a call. */
export type Requires = (
  call: AwsCall,
  state: StateLookups,
) => readonly Requirement[] | Promise<readonly Requirement[]>;

/** Functions that list the requirements of calls, by service and operation: `ec2:CreateFlowLogs`. */
export type Calls = Readonly<Record<string, Requires>>;

/** The ARN of a resource in the call's region and account, or elsewhere. */
export function arnOf(
  call: AwsCall,
  service: string,
  resource: string,
  place: { readonly region?: string; readonly account?: string } = {},
): string {
  const { region = call.region, account = call.principal.account } = place;
  return `arn:aws:${service}:${region}:${account}:${resource}`;
}

/** The requirement of a call, on a resource of the caller's account unless the ARN names another one. */
export function requirement(
  call: AwsCall,
  action: string,
  resource: string,
  conditions: ConditionValues = {},
  account = resource.split(':')[4] || call.principal.account,
): Requirement {
  return {
    action,
    resource,
    account,
    conditions: {
      // IAM is served from there, regardless of the caller's region.
      'aws:RequestedRegion': call.service === 'iam' ? 'us-east-1' : call.region,
      // In AWS every client of the product uses TLS; only the local AWS does not.
      'aws:SecureTransport': 'true',
      ...(resource !== '*' && { 'aws:ResourceAccount': account }),
      ...conditions,
    },
  };
}

/** Conditions on the tags in a call. */
export function requestTags(tags: Readonly<Record<string, string>>): ConditionValues {
  const keys = Object.keys(tags);
  return {
    ...Object.fromEntries(keys.map((key) => [`aws:RequestTag/${key}`, tags[key] ?? ''])),
    ...(keys.length > 0 && { 'aws:TagKeys': keys }),
  };
}

/**
 * A parameter that the map needs.
 * @throws Error if it is missing: without it, the requested resource is unknown
 */
export function text(call: AwsCall, name: string): string {
  const value = optionalText(call, name);
  if (value === undefined) throw new Error(`${call.service}:${call.operation} was called without ${name}`);
  return value;
}

export function optionalText(call: AwsCall, name: string): string | undefined {
  const value = call.parameters[name];
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** A list: `Name.1`, `Name.2` … of the query protocols, or an array of a JSON body. */
export function texts(call: AwsCall, name: string): string[] {
  const value = call.parameters[name];
  if (Array.isArray(value)) return value.filter((item) => typeof item === 'string');
  return Object.entries(call.parameters).flatMap(([key, item]) =>
    key.startsWith(`${name}.`) && /^\d+$/.test(key.slice(name.length + 1)) && typeof item === 'string'
      ? item
      : [],
  );
}

/** An action with the operation's own name and without resources. */
export const onNothing: Requires = (call) => [requirement(call, `${call.service}:${call.operation}`, '*')];

/** An action with the operation's own name, on one resource or, if the call names none, on all of its type. */
export const onOneOrAll =
  (kind: string, parameter: string): Requires =>
  (call) => [
    requirement(
      call,
      `${call.service}:${call.operation}`,
      arnOf(call, call.service, `${kind}:${optionalText(call, parameter) ?? '*'}`),
    ),
  ];
