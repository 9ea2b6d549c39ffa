import type { AwsCall } from '../aws-proxy/index.ts';

/** Values of condition keys. */
export type ConditionValues = Readonly<Record<string, string | readonly string[]>>;

/** One action that AWS asks its policies about before it carries out a call. A call may ask for several. */
export interface Requirement {
  /** `ec2:CreateTags` */
  readonly action: string;
  /**
   * An ARN, or `*` for an action that takes no resource. An ARN that ends with `*` stands for what has no id yet, or
   * for all of a kind: no policy on single ones allows it.
   */
  readonly resource: string;
  /** The account that the resource is in. */
  readonly account: string;
  /** Known values about the request and the resource. Those about the principal are added by the judge. */
  readonly conditions: ConditionValues;
}

/** Look-ups by which the map knows what a call asks for: see `LocalAwsState`. */
export interface StateLookups {
  /** The ARN with the user's path, where there is such a user. */
  userArn(account: string, name: string): Promise<string>;
  /** The name of the user that an access key belongs to; undefined if there is no such key. */
  userOfAccessKey(account: string, accessKeyId: string): Promise<string | undefined>;
  /** The account that owns a bucket, one of these; undefined if none of them does. */
  bucketOwner(bucket: string, candidates: readonly string[]): Promise<string | undefined>;
  objectExists(owner: string, bucket: string, key: string): Promise<boolean>;
  flowLog(
    account: string,
    region: string,
    id: string,
  ): Promise<{ readonly tags: Readonly<Record<string, string>>; readonly destination: string } | undefined>;
}

/** A function that lists what a call asks for. */
export type Requires = (
  call: AwsCall,
  state: StateLookups,
) => readonly Requirement[] | Promise<readonly Requirement[]>;

/** Functions that list what calls ask for, by service and operation: `ec2:CreateFlowLogs`. */
export type Calls = Readonly<Record<string, Requires>>;

/** The ARN of something in the call's region and account, or elsewhere. */
export function arnOf(
  call: AwsCall,
  service: string,
  resource: string,
  place: { readonly region?: string; readonly account?: string } = {},
): string {
  const { region = call.region, account = call.principal.account } = place;
  return `arn:aws:${service}:${region}:${account}:${resource}`;
}

/** Makes the requirement of a call, on a resource of the caller's account unless the ARN names another. */
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
      // IAM is served from there, wherever the caller is.
      'aws:RequestedRegion': call.service === 'iam' ? 'us-east-1' : call.region,
      // In AWS every client of the product speaks TLS, the local one alone does not.
      'aws:SecureTransport': 'true',
      ...(resource !== '*' && { 'aws:ResourceAccount': account }),
      ...conditions,
    },
  };
}

/** Conditions on tags that a call asks for. */
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

/** An action of the operation's own name that takes no resource. */
export const onNothing: Requires = (call) => [requirement(call, `${call.service}:${call.operation}`, '*')];

/** An action of the operation's own name, on one resource or, where the call names none, on all of its kind. */
export const onOneOrAll =
  (kind: string, parameter: string): Requires =>
  (call) => [
    requirement(
      call,
      `${call.service}:${call.operation}`,
      arnOf(call, call.service, `${kind}:${optionalText(call, parameter) ?? '*'}`),
    ),
  ];
