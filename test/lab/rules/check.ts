/** The place of a check: one account, with clients for that account. */
export interface Place {
  readonly account: string;
  /** A region's code. For checks of the whole account: the region to send requests to. */
  readonly region: string;
  /** Settings of an AWS SDK client for this account; by default for the place's region. */
  settings(region?: string): {
    readonly region: string;
    readonly endpoint: string;
    readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string };
    readonly maxAttempts: number;
  };
}

/** The result of a check for one resource and one rule. */
export interface Verdict {
  /** The rule's number in its benchmark. */
  readonly rule: string;
  /** The resource as findings name it. */
  readonly resource: string;
  /** A name for people. */
  readonly name: string;
  /** A region's code, or `global`. */
  readonly region: string;
  readonly violated: boolean;
  readonly tags: readonly { readonly name: string; readonly value: string }[];
}

/** A check of one kind of resource, and its rules. */
export interface Check {
  /** Text for messages: what the check reads. */
  readonly reads: string;
  readonly rules: readonly string[];
  /** True if it checks the whole account at once, instead of region by region. */
  readonly wholeAccount?: boolean;
  run(place: Place, now: Date): Promise<Verdict[]>;
}

/** A field that AWS always returns, although the SDK's types make it optional. */
export function given<Value>(value: Value | null | undefined, field: string): Value {
  if (value === undefined || value === null) throw new Error(`AWS returned a resource without ${field}`);
  return value;
}

interface AwsTag {
  readonly Key?: string | undefined;
  readonly Value?: string | undefined;
}

/** Tags as Netskope lists them. */
export function tenantTags(tags: readonly AwsTag[] | undefined): Verdict['tags'] {
  return (tags ?? []).map(({ Key = '', Value = '' }) => ({ name: Key, value: Value }));
}

/** The value of the resource's Name tag, or else its id. */
export function nameOf(id: string, tags: readonly AwsTag[] | undefined): string {
  return tags?.find(({ Key }) => Key === 'Name')?.Value ?? id;
}
