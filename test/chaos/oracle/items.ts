import type { AwsState } from '../../lab/aws-model/state.ts';
import type { JobSpec } from '../case.ts';
import { describeReach, type Reach } from '../traffic.ts';
import {
  differences,
  Effects,
  type NetEffect,
  type Problem,
  type ResourceOracle,
  type Write,
} from './judgement.ts';

/** An item before and after a write. */
export interface Modified<T> {
  readonly from: T;
  readonly to: T;
}

/**
 * Judges changes of resources that allow traffic by a list of items: a security group's rules, a network ACL's entries.
 * What the product adds for an item that it will narrow is temporary until it has narrowed that item.
 */
export abstract class ItemsOracle<T> implements ResourceOracle {
  /** Items that the product added and whose wide item it has not narrowed or removed yet. */
  readonly #forNow = new Set<string>();
  /** Items that the product added, which are its own as long as their content is unchanged. */
  readonly #made = new Map<string, string>();
  /** Items that the product removed or modified, with their content before. */
  readonly #ended = new Map<string, string>();
  /** Traffic that others gave up when they removed what the product had added temporarily. */
  #renounced: Reach = 0n;
  #effects = new Map<string, Effects>();

  /** The name of an item in problems: `rule`, `entry`. */
  protected abstract readonly noun: string;
  protected abstract itemsOf(resource: string, state: AwsState): readonly T[];
  /** The key of an item among those of its resource. */
  protected abstract keyOf(item: T): string;
  /** The whole content of an item, as text that can be compared with records. */
  protected abstract textOf(item: T): string;
  protected abstract wordsOf(item: T): string;
  /** The traffic that items allow together. */
  protected abstract reachOf(items: readonly T[]): Reach;
  /** The traffic that one item matches. */
  protected abstract matchOf(item: T): Reach;
  /** Tells whether the job's rule is about an item. */
  protected abstract opens(item: T, job: JobSpec): boolean;
  /** The traffic that may be cut when items that violate the job's rule are removed or narrowed. */
  protected abstract namedBy(items: readonly T[], write: Write): Reach;
  /** The traffic that modified items allow, if nothing is added. */
  protected abstract openedBy(modified: readonly Modified<T>[], standing: readonly T[]): Reach;
  /** Lists further faults of how an item was modified. */
  protected problemsOfModified(_modified: Modified<T>): Problem[] {
    return [];
  }

  /** The traffic that someone opened on purpose, or that the product opened in place of an item that it narrowed. */
  #deliberate(resource: string, items: readonly T[]): Reach {
    return this.reachOf(items.filter((item) => !this.#forNow.has(this.#nameOf(resource, item))));
  }

  #nameOf(resource: string, item: T): string {
    return `${resource} ${this.keyOf(item)}`;
  }

  #differences(resource: string, before: AwsState, after: AwsState) {
    const [from, to] = [this.itemsOf(resource, before), this.itemsOf(resource, after)];
    return differences(from, to, (item) => this.keyOf(item));
  }

  problemsOf(write: Write): Problem[] {
    const { resource, before, after, job } = write;
    const problems: Problem[] = [];
    const items = this.itemsOf(resource, before);
    const next = this.itemsOf(resource, after);
    const { added, removed, modified } = this.#differences(resource, before, after);
    const concerned: T[] = [];
    for (const item of [...removed, ...modified.map(({ from }) => from)]) {
      const name = this.#nameOf(resource, item);
      if (this.#forNow.has(name) || this.#made.get(name) === this.textOf(item)) continue;
      if (!this.opens(item, job))
        problems.push(`changed ${this.wordsOf(item)}, which is not what the rule ${job.rule} is about`);
      concerned.push(item);
    }
    for (const each of modified) problems.push(...this.problemsOfModified(each));
    const deliberate = this.#deliberate(resource, items);
    const standing = next.filter((item) => !this.#forNow.has(this.#nameOf(resource, item)));
    // Once the wide item is gone, an added one opens something, however briefly.
    const openedForNow = added.length > 0 ? this.reachOf(standing) & ~deliberate : 0n;
    if (openedForNow !== 0n) problems.push(`opened ${describeReach(openedForNow)} temporarily`);
    const opened = modified.length === 0 ? 0n : this.openedBy(modified, standing) & ~deliberate;
    if (opened !== 0n) problems.push(`opened ${describeReach(opened)}`);
    const named = this.namedBy(concerned, write) | this.#renounced;
    const cut = this.reachOf(items) & ~this.reachOf(next) & deliberate & ~named;
    if (cut !== 0n) problems.push(`cut ${describeReach(cut)}`);
    return problems;
  }

  remember({ resource, before, after }: Write, seen: Write): { opensForNow: boolean } {
    const next = this.itemsOf(resource, after);
    const { added, removed, modified } = this.#differences(resource, before, after);
    const deliberate = this.#deliberate(resource, this.itemsOf(resource, before));
    const opensForNow = added.length > 0 && (this.reachOf(next) & ~deliberate) !== 0n;
    const effects = this.#effectsOn(resource);
    for (const item of added) {
      this.#forNow.add(this.#nameOf(resource, item));
      this.#made.set(this.#nameOf(resource, item), this.textOf(item));
      effects.add(this.keyOf(item), null, this.textOf(item));
    }
    for (const item of removed) effects.add(this.keyOf(item), this.textOf(item), null);
    for (const { from, to } of modified) effects.add(this.keyOf(from), this.textOf(from), this.textOf(to));
    for (const item of added) this.#ended.delete(this.#nameOf(resource, item));
    for (const item of [...removed, ...modified.map(({ from }) => from)]) {
      this.#ended.set(this.#nameOf(resource, item), this.textOf(item));
    }
    if (seen.before !== before) {
      // The read showed another state than the actual one, so the record cannot have it.
      for (const item of [...removed, ...modified.map(({ from }) => from)]) effects.touch(this.keyOf(item));
    }
    // An item that replaced one that the product narrowed or removed is permanent.
    const ended = this.#differences(resource, seen.before, seen.after);
    for (const item of [...ended.removed, ...ended.modified.map(({ from }) => from)]) {
      if (this.#forNow.delete(this.#nameOf(resource, item))) continue;
      for (const piece of next) {
        if ((this.matchOf(piece) & ~this.matchOf(item)) === 0n)
          this.#forNow.delete(this.#nameOf(resource, piece));
      }
    }
    return { opensForNow };
  }

  takesBack({ resource, before, after }: Write): boolean {
    const { added, removed, modified } = this.#differences(resource, before, after);
    return (
      added.length + modified.length === 0 &&
      removed.every((item) => this.#forNow.has(this.#nameOf(resource, item)))
    );
  }

  takesOutOwn({ resource, before, after }: Write): boolean {
    const { added, removed, modified } = this.#differences(resource, before, after);
    return (
      added.length + modified.length === 0 &&
      removed.every((item) => this.#made.get(this.#nameOf(resource, item)) === this.textOf(item))
    );
  }

  showsEnded({ resource, before }: Write): boolean {
    return this.itemsOf(resource, before).some(
      (item) => this.#ended.get(this.#nameOf(resource, item)) === this.textOf(item),
    );
  }

  textAt(resource: string, state: AwsState, item: string): string | undefined {
    const found = this.itemsOf(resource, state).find((one) => this.keyOf(one) === item);
    return found === undefined ? undefined : this.textOf(found);
  }

  acted(resource: string, before: AwsState, after: AwsState): void {
    const { removed, modified, added } = this.#differences(resource, before, after);
    // A change of an item to its former content does not count.
    const changed = modified.filter(({ from, to }) => this.textOf(from) !== this.textOf(to));
    for (const item of [...removed, ...added, ...changed.map(({ from }) => from)]) {
      // An item that someone else narrowed or described is theirs now.
      if (this.#forNow.delete(this.#nameOf(resource, item))) this.#renounced |= this.matchOf(item);
      // A later state may be the same again.
      this.#ended.delete(this.#nameOf(resource, item));
      this.#effectsOn(resource).touch(this.keyOf(item));
    }
  }

  leftBehind(resource: string, state: AwsState): Problem[] {
    const items = this.itemsOf(resource, state);
    const opened = this.reachOf(items) & ~this.#deliberate(resource, items);
    return items
      .filter((item) => this.#forNow.delete(this.#nameOf(resource, item)))
      .map(
        (item) =>
          `left ${this.wordsOf(item)}, which it had added for a wider ${this.noun} that it did not narrow: ${opened === 0n ? 'it opens nothing that is not open anyway' : `it opens ${describeReach(opened)}`}`,
      );
  }

  violates(resource: string, state: AwsState, job: JobSpec): boolean {
    return this.itemsOf(resource, state).some((item) => this.opens(item, job));
  }

  netEffect(resource: string): NetEffect {
    const effects = this.#effectsOn(resource);
    return new Map([...effects.net].filter(([key]) => !effects.isTouched(key)));
  }

  madeItems(resource: string): ReadonlyMap<string, ReadonlySet<string | null>> {
    return this.#effectsOn(resource).made;
  }

  begin(): void {
    this.#effects = new Map();
    this.#renounced = 0n;
  }

  #effectsOn(resource: string): Effects {
    const effects = this.#effects.get(resource) ?? new Effects();
    this.#effects.set(resource, effects);
    return effects;
  }
}
