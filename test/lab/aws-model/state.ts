import type { Json } from '../../../lambdas/model/json.ts';
/**
 * The content of a security group rule, in one form: `tcp`, `udp`, `icmp`, `icmpv6`, `-1` or a number; ports are -1 if there
 * are none.
 */
export interface RuleContent {
  readonly protocol: string;
  readonly fromPort: number;
  readonly toPort: number;
  /** A CIDR in AWS's canonical form, `pl-…`, or `<account>/sg-…`. */
  readonly source: string;
  /** The empty string if there is none. */
  readonly description: string;
}

export interface GroupRule extends RuleContent {
  readonly id: string;
  readonly tags: Tags;
}

export type Tags = Readonly<Record<string, string>>;

export interface SecurityGroup {
  readonly owner: string;
  readonly vpc: string;
  readonly tags: Tags;
  /** Number of inbound rules that it can have. */
  readonly quota: number;
  readonly rules: readonly GroupRule[];
}

/** An inbound entry of a network ACL. */
export interface AclEntry {
  readonly number: number;
  readonly action: 'allow' | 'deny';
  /** An IANA number, or -1. */
  readonly protocol: string;
  readonly cidr: string;
  readonly ports: { readonly from: number; readonly to: number } | null;
  readonly icmp: { readonly type: number; readonly code: number } | null;
}

export interface NetworkAcl {
  readonly owner: string;
  readonly vpc: string;
  readonly isDefault: boolean;
  readonly subnets: readonly string[];
  readonly tags: Tags;
  readonly quota: number;
  /** Entries by number. */
  readonly entries: readonly AclEntry[];
}

export interface Vpc {
  /** True if it is its region's default VPC. */
  readonly isDefault?: boolean;
  readonly cidrs: readonly string[];
  readonly ipv6Cidrs: readonly string[];
  readonly tags?: Tags;
  readonly flowLogs?: readonly FlowLog[];
}

/** A flow log of a VPC. */
export interface FlowLog {
  readonly id: string;
  /** The bucket's ARN, or the log group's name. */
  readonly bucket: string;
  /** Null if AWS does not return one. */
  readonly status: 'SUCCESS' | 'FAILED' | null;
  readonly error?: string;
  /** Time in milliseconds. */
  readonly created: number;
  readonly tags: Tags;
  /** Time at which AWS detects that it cannot deliver, in milliseconds. Default: never. */
  readonly failsAt?: number;
  /** The client token of the call that created it. */
  readonly token?: string;
}

export interface AccessKey {
  readonly id: string;
  readonly status: 'Active' | 'Inactive';
  /** Time in milliseconds, as `lastUsed`. */
  readonly created: number;
  /** Null for never. */
  readonly lastUsed: number | null;
}

/** An IAM user. */
export interface User {
  readonly tags: Tags;
  readonly keys: readonly AccessKey[];
}

/** A manual snapshot. */
export interface Snapshot {
  readonly id: string;
  readonly tags: Tags;
  /** Account ids, or `all`. */
  readonly sharedWith: readonly string[];
}

/** A DB instance or an RDS cluster, and its manual snapshots. */
export interface Database {
  /** Default: an instance. */
  readonly of?: 'instance' | 'cluster';
  /** True if the instance itself still exists. */
  readonly isThere: boolean;
  readonly tags: Tags;
  readonly snapshots: readonly Snapshot[];
}

export interface Trail {
  /** The home region. */
  readonly region: string;
  readonly isValidated: boolean;
  readonly tags: Tags;
}

export interface LogGroup {
  /** Time in milliseconds. */
  readonly created: number;
  /** Retention in days; null if logs are kept forever. */
  readonly retention: number | null;
  readonly tags: Tags;
}

/** A Redshift cluster. */
export interface Cluster {
  readonly isPublic: boolean;
  /** The change that AWS is working on, and its end, in milliseconds. */
  readonly pending: { readonly isPublic: boolean; readonly until: number } | null;
  /** Reason why AWS currently allows no changes (`resizing`, `paused`), and its end in milliseconds. */
  readonly unavailable?: { readonly status: string; readonly until: number } | null;
  readonly tags: Tags;
}

/** A Systems Manager automation execution. */
export interface Execution {
  readonly clientToken: string;
  readonly document: string;
  readonly parameters: Readonly<Record<string, readonly string[]>>;
  readonly tags: Readonly<Record<string, string>>;
  /** Time in milliseconds. */
  readonly startedAt: number;
  /** Time in milliseconds. */
  readonly until: number;
  /** Time at which it makes its change, in milliseconds; null if that is done. */
  readonly worksAt: number | null;
  /** Set if it failed. */
  readonly failure?: string;
}

/** The four settings of a bucket's public access block, in the API's order. */
export const BLOCK_SETTINGS = [
  'BlockPublicAcls',
  'IgnorePublicAcls',
  'BlockPublicPolicy',
  'RestrictPublicBuckets',
] as const;
export type Block = Readonly<Record<(typeof BLOCK_SETTINGS)[number], boolean>>;

export interface Bucket {
  readonly region: string;
  readonly tags: Tags;
  readonly block: Block | null;
  /** True if its ACL grants READ to everyone. */
  readonly aclIsPublic: boolean;
  /** Null if it has no policy. */
  readonly policyIsPublic: boolean | null;
}

/** An update that Cloud Control has accepted. */
export interface CloudControlRequest {
  readonly token: string;
  readonly clientToken: string;
  readonly patch: string;
  /** The properties after the update. */
  readonly after: Readonly<Record<string, Json>>;
  readonly until: number;
}

/** A resource that Cloud Control can change. */
export interface CloudControlResource {
  readonly properties: Readonly<Record<string, Json>>;
  /** Duration of an update, in milliseconds. */
  readonly lasts: number;
  readonly requests: readonly CloudControlRequest[];
}

/** One account's resources at one time. Immutable: each write creates a new state. */
export interface AwsState {
  readonly groups: Readonly<Record<string, SecurityGroup>>;
  readonly acls: Readonly<Record<string, NetworkAcl>>;
  readonly vpcs: Readonly<Record<string, Vpc>>;
  readonly buckets: Readonly<Record<string, Bucket>>;
  readonly users: Readonly<Record<string, User>>;
  readonly databases: Readonly<Record<string, Database>>;
  /** Items by ARN. */
  readonly trails: Readonly<Record<string, Trail>>;
  readonly logGroups: Readonly<Record<string, LogGroup>>;
  readonly clusters: Readonly<Record<string, Cluster>>;
  readonly executions: Readonly<Record<string, Execution>>;
  /** Items by primary identifier. */
  readonly cloudControl: Readonly<Record<string, CloudControlResource>>;
}

export const EMPTY_STATE: AwsState = {
  groups: {},
  acls: {},
  vpcs: {},
  buckets: {},
  users: {},
  databases: {},
  trails: {},
  logGroups: {},
  clusters: {},
  executions: {},
  cloudControl: {},
};

/** A record with one entry set, or removed if the value is undefined. */
export function withEntry<T>(
  record: Readonly<Record<string, T>>,
  key: string,
  value: T | undefined,
): Record<string, T> {
  if (value !== undefined) return { ...record, [key]: value };
  const { [key]: _, ...others } = record;
  return others;
}
