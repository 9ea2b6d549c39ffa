import {
  type AwsState,
  type Bucket,
  type NetworkAcl,
  type SecurityGroup,
  withEntry,
} from '../lab/aws-model/state.ts';
import { EXEMPTION } from './acts.ts';

interface Look {
  readonly number: number;
  readonly state: AwsState;
  readonly isOld: boolean;
  readonly input: string;
}

const SHOW_TAGS = ['DescribeSecurityGroups', 'DescribeNetworkAcls', 'GetBucketTagging'];

/** How many calls a look may lie back whose answer a write rests on: the reads of one look go side by side. */
const NEAR = 2;
/** A bucket is looked at in several calls. */
const NEAR_OF_BUCKET = 5;

/** What our reads answered last, by operation: what a write could have known. */
export class Looks {
  readonly #last = new Map<string, Look>();
  /** The looks at tags, oldest first. */
  readonly #tags: Look[] = [];
  #lastWrite = 0;
  #usedOld = false;
  #used: AwsState[] = [];

  note(operation: string, input: unknown, number: number, state: AwsState, isOld: boolean): void {
    const look = { number, state, isOld, input: JSON.stringify(input) };
    this.#last.set(operation, look);
    if (SHOW_TAGS.includes(operation)) this.#tags.push(look);
  }

  wrote(number: number): void {
    this.#lastWrite = number;
  }

  /** Why the last excused write went past its look. */
  why(_number: number): string {
    return this.#usedOld
      ? 'an act of someone else that a lagging read hid from the look before the write'
      : 'an act of someone else between the look and the write';
  }

  /** The states that the reads answered which `seen` gave last. */
  get used(): readonly AwsState[] {
    return this.#used;
  }

  /** `now`, but with the resource as the look directly before this call answered it; undefined where there was none. */
  seen(resource: string, now: AwsState, number: number): AwsState | undefined {
    this.#used = [];
    const group = now.groups[resource];
    if (group !== undefined) {
      const look = this.#near('DescribeSecurityGroupRules', resource, number, NEAR, group);
      const rules = look?.state.groups[resource]?.rules;
      if (rules === undefined) return undefined;
      return { ...now, groups: withEntry(now.groups, resource, { ...group, rules }) };
    }
    const acl = now.acls[resource];
    if (acl !== undefined) {
      const entries = this.#near('DescribeNetworkAcls', resource, number, NEAR)?.state.acls[resource]
        ?.entries;
      if (entries === undefined) return undefined;
      return { ...now, acls: withEntry(now.acls, resource, { ...acl, entries }) };
    }
    const bucket = now.buckets[resource];
    if (bucket === undefined) return undefined;
    const near = (operation: string): Bucket | undefined =>
      this.#near(operation, resource, number, NEAR_OF_BUCKET)?.state.buckets[resource];
    const block = near('GetPublicAccessBlock')?.block;
    if (block === undefined) return undefined;
    const aclIsPublic = near('GetBucketAcl')?.aclIsPublic ?? bucket.aclIsPublic;
    const policyIsPublic = near('GetBucketPolicyStatus')?.policyIsPublic ?? bucket.policyIsPublic;
    return {
      ...now,
      buckets: withEntry(now.buckets, resource, { ...bucket, block, aclIsPublic, policyIsPublic }),
    };
  }

  /** The last look before this call at the resource's tags that showed no exemption. */
  notExemptBefore(resource: string, call: number): number | undefined {
    const [tag = ''] = Object.keys(EXEMPTION);
    return this.#tags.findLast(
      ({ number, state, input }) =>
        number < call && input.includes(resource) && contentOf(state, resource)?.tags[tag] === undefined,
    )?.number;
  }

  /** Whether the last look before this call at the resource's tags showed an exemption. */
  showsExempt(resource: string, call: number): boolean {
    const [tag = ''] = Object.keys(EXEMPTION);
    const last = this.#tags.findLast(({ number, input }) => number < call && input.includes(resource));
    return last !== undefined && contentOf(last.state, resource)?.tags[tag] !== undefined;
  }

  #near(
    operation: string,
    resource: string,
    number: number,
    near: number,
    group?: SecurityGroup,
  ): Look | undefined {
    const look = this.#last.get(operation);
    if (look === undefined || number - look.number > near || look.number < this.#lastWrite) return undefined;
    const names = [resource, ...(group?.rules ?? []).map(({ id }) => id)];
    if (!names.some((name) => look.input.includes(name))) return undefined;
    this.#usedOld = look.isOld;
    this.#used.push(look.state);
    return look;
  }
}

/** A resource's content, whatever its kind. */
export function contentOf(
  state: AwsState,
  resource: string,
): SecurityGroup | NetworkAcl | Bucket | undefined {
  return state.groups[resource] ?? state.acls[resource] ?? state.buckets[resource];
}

/** A resource as text, without what an undo can't give back: the ids of rules, and their order. */
export function onlyOf(state: AwsState, resource: string): string {
  const group = state.groups[resource];
  if (group === undefined) return JSON.stringify(contentOf(state, resource));
  const rules = group.rules.map(({ protocol, fromPort, toPort, source, description, tags }) =>
    JSON.stringify([protocol, fromPort, toPort, source, description, Object.entries(tags).sort()]),
  );
  return JSON.stringify({ ...group, rules: rules.sort() });
}
