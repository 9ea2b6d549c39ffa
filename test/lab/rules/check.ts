/** The place of a check: one account, with clients that are that account's. */
export interface Place {
  readonly account: string;
  /** A region's code. Of checks of the whole account: where to ask. */
  readonly region: string;
  /** Makes the settings of an AWS SDK client for this account; by default for the place's region. */
  settings(region?: string): {
    readonly region: string;
    readonly endpoint: string;
    readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string };
    readonly maxAttempts: number;
  };
}

/** The judgement of a check on one resource and one rule. */
export interface Verdict {
  /** The rule's number in the benchmark that it comes from. */
  readonly rule: string;
  /** The resource in the form that findings name it by. */
  readonly resource: string;
  /** A name for people. */
  readonly name: string;
  /** A region's code, or `global`. */
  readonly region: string;
  readonly violated: boolean;
  readonly tags: readonly { readonly name: string; readonly value: string }[];
}

/** One kind of resource, and the rules that it is judged by. */
export interface Check {
  /** Words for messages: what is read. */
  readonly reads: string;
  readonly rules: readonly string[];
  /** True if it looks at the whole account at once, instead of region by region. */
  readonly wholeAccount?: boolean;
  run(place: Place, now: Date): Promise<Verdict[]>;
}

/** A field that AWS always answers, though the SDK's types leave it open. */
export function given<Value>(value: Value | null | undefined, field: string): Value {
  if (value === undefined || value === null) throw new Error(`AWS answered a resource without ${field}`);
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

/** The name that people gave by the tag of this name, else the id. */
export function nameOf(id: string, tags: readonly AwsTag[] | undefined): string {
  return tags?.find(({ Key }) => Key === 'Name')?.Value ?? id;
}
