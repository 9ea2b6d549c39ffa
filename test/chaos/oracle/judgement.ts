import type { AwsState } from '../../lab/aws-model/state.ts';
import type { JobSpec } from '../case.ts';

/** A call of the product that changed something. */
export interface Write {
  readonly operation: string;
  readonly input: unknown;
  readonly resource: string;
  readonly before: AwsState;
  readonly after: AwsState;
  /** The current job. */
  readonly job: JobSpec;
}

/** A fault of one of the product's writes, as text. */
export type Problem = string;

/** The judge of one kind of resource, for one case. */
export interface ResourceOracle {
  /**
   * Lists the faults of a write, if these were the states before and after it. Does not record anything.
   */
  problemsOf(write: Write): Problem[];
  /**
   * Records a write.
   * @param seen the write as it would have been on the state of the read before it, if that excused it
   * @returns whether it opened something temporarily, until the end of the job
   */
  remember(write: Write, seen: Write): { readonly opensForNow: boolean };
  /** Tells whether a write only reverts what the product had added temporarily. */
  takesBack(write: Write): boolean;
  /** Tells whether a write only removes what the product had added, and nobody has changed since. */
  takesOutOwn(write: Write): boolean;
  /**
   * Tells whether a state that the read before a write returned shows something as it was before a call of the product ended
   * that: then it is known to be older than that call.
   */
  showsEnded(write: Write): boolean;
  /** An item as text; undefined if there is none. */
  textAt(resource: string, state: AwsState, item: string): string | undefined;
  /** Records that someone else changed the resource. */
  acted(resource: string, before: AwsState, after: AwsState): void;
  /** Lists what the product's calls left open, or left without purpose, after a job. */
  leftBehind(resource: string, state: AwsState): Problem[];
  /** Tells whether the resource violates the job's rule. */
  violates(resource: string, state: AwsState, job: JobSpec): boolean;
  /** Lists what the product's calls changed since the job began, as texts that can be compared with records. */
  netEffect(resource: string): NetEffect;
  /**
   * Lists the items that the product's calls changed since the job began, even if others changed them, too, with all their
   * contents after these calls; null: nothing.
   */
  madeItems(resource: string): ReadonlyMap<string, ReadonlySet<string | null>>;
  /** A job begins: its effects are counted from here. */
  begin(): void;
}

/** An item (a rule's id, an entry's number, `block`) with its contents before and after the product's calls; null: none. */
export type NetEffect = ReadonlyMap<
  string,
  { readonly before: string | null; readonly after: string | null }
>;

/** The effects of the product's calls on items, call by call. Items that others changed in between are left out. */
export class Effects {
  readonly #items = new Map<string, { before: string | null; after: string | null }>();
  readonly #touched = new Set<string>();
  readonly #made = new Map<string, ReadonlySet<string | null>>();

  add(item: string, before: string | null, after: string | null): void {
    this.#made.set(item, new Set([...(this.#made.get(item) ?? []), after]));
    const known = this.#items.get(item);
    if (known === undefined) this.#items.set(item, { before, after });
    else known.after = after;
  }

  /** Records that someone else changed an item: the effect of the product's calls no longer shows in the states. */
  touch(item: string): void {
    this.#touched.add(item);
  }

  isTouched(item: string): boolean {
    return this.#touched.has(item);
  }

  /** The items that any call changed, with all their contents after those calls. */
  get made(): ReadonlyMap<string, ReadonlySet<string | null>> {
    return this.#made;
  }

  get net(): NetEffect {
    return new Map([...this.#items].filter(([, { before, after }]) => before !== after));
  }
}

/** Entries of both records by key. */
export function differences<T>(
  before: readonly T[],
  after: readonly T[],
  keyOf: (value: T) => string,
): { readonly added: T[]; readonly removed: T[]; readonly modified: { readonly from: T; readonly to: T }[] } {
  const old = new Map(before.map((value) => [keyOf(value), value]));
  const added: T[] = [];
  const modified: { from: T; to: T }[] = [];
  for (const value of after) {
    const from = old.get(keyOf(value));
    if (from === undefined) added.push(value);
    else if (from !== value) modified.push({ from, to: value });
    old.delete(keyOf(value));
  }
  return { added, removed: [...old.values()], modified };
}
