import type { AwsState } from '../../lab/aws-model/state.ts';
import type { JobSpec } from '../case.ts';

/** A call of ours that changed something. */
export interface Write {
  readonly operation: string;
  readonly input: unknown;
  readonly resource: string;
  readonly before: AwsState;
  readonly after: AwsState;
  /** The job at work. */
  readonly job: JobSpec;
}

/** A mistake of one of our writes, in words. */
export type Problem = string;

/** The judge of one kind of resource. One oracle lives as long as a case. */
export interface ResourceOracle {
  /**
   * Lists what a write did wrong, were these the states before and after it. Does not remember anything.
   */
  problemsOf(write: Write): Problem[];
  /**
   * Remembers a write.
   * @param seen the write as it would have been on the state that the look before it answered, where that excused it
   * @returns whether it opened something that only stands until the job's end
   */
  remember(write: Write, seen: Write): { readonly opensForNow: boolean };
  /** Tells whether a write only takes back what we had added for now. */
  takesBack(write: Write): boolean;
  /** Tells whether a write only takes out what we had added, and nobody has changed since. */
  takesOutOwn(write: Write): boolean;
  /**
   * Tells whether a state, as the look before a write answered it, shows something as it was before a call of ours ended
   * that: then it is known to be older than that call.
   */
  showsEnded(write: Write): boolean;
  /** An item in words; undefined where there is none. */
  textAt(resource: string, state: AwsState, item: string): string | undefined;
  /** Notes that someone else changed the resource. */
  acted(resource: string, before: AwsState, after: AwsState): void;
  /** Lists what our calls left open, or left without purpose, now that a job is over. */
  leftBehind(resource: string, state: AwsState): Problem[];
  /** Tells whether the resource violates the job's rule. */
  violates(resource: string, state: AwsState, job: JobSpec): boolean;
  /** Lists what our calls changed of the resource since the job began, in words that records can be compared by. */
  netEffect(resource: string): NetEffect;
  /**
   * Lists the items that calls of ours changed since the job began, whoever changed them besides, with all that these calls
   * made of them; null: nothing.
   */
  madeItems(resource: string): ReadonlyMap<string, ReadonlySet<string | null>>;
  /** A job begins: its effects are counted anew. */
  begin(): void;
}

/** Item (a rule's id, an entry's number, `block`) to what stood there and what stands there by our calls; null: nothing. */
export type NetEffect = ReadonlyMap<
  string,
  { readonly before: string | null; readonly after: string | null }
>;

/** Adds up what our calls did to items, one call after another. Items that others touched meanwhile are left out. */
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

  /** Notes that someone else changed an item: what our calls did to it cannot be told from the states any more. */
  touch(item: string): void {
    this.#touched.add(item);
  }

  isTouched(item: string): boolean {
    return this.#touched.has(item);
  }

  /** The items that any call changed, with all that calls made of them. */
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
