import { type AwsState, withEntry } from '../lab/aws-model/state.ts';
import type { Case } from './case.ts';
import { isExempt } from './exemption.ts';
import { asSeen, contentOf, NEAR, PUBLIC_LIST, TAG_READS } from './resources.ts';

/** A write by the product. */
interface Write {
  readonly isWrite: true;
  readonly number: number;
  readonly input: string;
}

/** A read by the product, with the state that it returned. */
interface Read {
  readonly isWrite: false;
  readonly number: number;
  readonly input: string;
  readonly operation: string;
  readonly state: AwsState;
  readonly isOld: boolean;
}

/** Tells whether one of `TAG_READS` shows the tags of a resource, or that the resource does not exist. */
function showsTagsOf(resource: string, { operation, state, input }: Read): boolean {
  // Without an identifier it lists all clusters.
  if (operation === 'DescribeClusters')
    return input.includes(resource) || !input.includes('ClusterIdentifier');
  const { of = 'instance' } = state.databases[resource] ?? {};
  const other = of === 'instance' ? 'DescribeDBClusters' : 'DescribeDBInstances';
  return operation !== other && input.includes(resource);
}

/** Trails are read in two regions, with two calls each. */
const NEAR_OF_RUNBOOK = 4;

/**
 * The answers to the product's reads: what it could have known at a write. It changes resources side by side: calls
 * about other resources between a read and the write that is based on it do not count.
 */
export class Reads {
  /** All calls, oldest first. */
  readonly #calls: (Read | Write)[] = [];
  readonly #lastWrites = new Map<string, number>();
  #usedOld = false;
  #used: AwsState[] = [];
  readonly #kind: Case['kind'];

  constructor(kind: Case['kind']) {
    this.#kind = kind;
  }

  note(operationOfCall: string, asked: unknown, number: number, state: AwsState, isOld: boolean): void {
    const input = JSON.stringify(asked);
    const operation = `${operationOfCall}${input.includes('"SnapshotType":"public"') ? PUBLIC_LIST : ''}`;
    this.#calls.push({ isWrite: false, number, input, operation, state, isOld });
  }

  wrote(number: number, input: unknown, resource: string | undefined): void {
    this.#calls.push({ isWrite: true, number, input: JSON.stringify(input) });
    if (resource !== undefined) this.#lastWrites.set(resource, number);
  }

  /**
   * Counts the calls that mention one of the names, after call `from` and up to call `to`, which counts too. A read
   * that is too old to show what must be there is repeated, and does not count.
   */
  callsAbout(names: readonly string[], from: number, to: number): number {
    let about = 1;
    for (const call of this.#calls.toReversed()) {
      const { number, input } = call;
      if (number <= from) break;
      const counts = call.isWrite || !call.isOld;
      if (number < to && counts && names.some((name) => input.includes(name))) about += 1;
    }
    return about;
  }

  /** The reason why the last excused write did not fit what its reads showed. */
  why(): string {
    return this.#usedOld
      ? 'an act of someone else that a lagging read hid from the read before the write'
      : 'an act of someone else between the read and the write';
  }

  /** The states that were returned to the reads on which the last result of `seen` is based. */
  get used(): readonly AwsState[] {
    return this.#used;
  }

  /** `now`, but with the resource as the read immediately before this call returned it; undefined if there was none. */
  seen(resource: string, now: AwsState, number: number): AwsState | undefined {
    this.#used = [];
    if (this.#kind === 'runbook') return this.#seenByRunbook(resource, now, number);
    return asSeen(now, resource, (operation, names = [], calls = NEAR) => {
      const isMeant = ({ input, number: at }: Read) =>
        at < number && names.some((name) => input.includes(name));
      const read = this.#lastRead([operation].flat(), isMeant);
      return this.#near([resource, ...names], read, number, calls);
    });
  }

  /** The last read of the resource's tags before this call that showed no exemption. */
  notExemptBefore(resource: string, call: number): number | undefined {
    return this.#lastRead(
      TAG_READS,
      (read) => read.number < call && showsTagsOf(resource, read) && !isExempt(read.state, resource),
    )?.number;
  }

  /** Tells whether the last read of the resource's tags before this call showed an exemption. */
  showsExempt(resource: string, call: number): boolean {
    const last = this.#lastRead(TAG_READS, (read) => read.number < call && showsTagsOf(resource, read));
    return last !== undefined && isExempt(last.state, resource);
  }

  /** A document is started because of what the rule's own read showed: AWS accepts no condition with it. */
  #seenByRunbook(resource: string, now: AwsState, number: number): AwsState | undefined {
    const read = this.#lastRead(
      ['DescribeClusters', 'DescribeTrails'],
      ({ input, state }) =>
        (input.includes(resource) || !/ClusterIdentifier|trailNameList/.test(input)) &&
        contentOf(state, resource) !== undefined,
    );
    const seen = this.#near([resource], read, number, NEAR_OF_RUNBOOK);
    if (seen === undefined) return undefined;
    const { clusters, trails } = seen;
    return {
      ...now,
      clusters: withEntry(now.clusters, resource, clusters[resource]),
      trails: withEntry(now.trails, resource, trails[resource]),
    };
  }

  #lastRead(operations: readonly string[], isMeant: (read: Read) => boolean): Read | undefined {
    return this.#calls.findLast(
      (call): call is Read => !call.isWrite && operations.includes(call.operation) && isMeant(call),
    );
  }

  /** The state that a read returned, which is used from now on; undefined if the read is too far from the call. */
  #near(
    [resource = '', ...names]: readonly string[],
    read: Read | undefined,
    number: number,
    calls: number,
  ): AwsState | undefined {
    if (read === undefined || this.callsAbout([resource, ...names], read.number, number) > calls)
      return undefined;
    if (read.number < (this.#lastWrites.get(resource) ?? 0)) return undefined;
    this.#usedOld = read.isOld;
    this.#used.push(read.state);
    return read.state;
  }
}
