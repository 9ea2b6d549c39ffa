import type { AwsState } from '../../lab/aws-model/state.ts';
import type { JobSpec } from '../case.ts';
import { Effects, type NetEffect, type Problem, type ResourceOracle, type Write } from './judgement.ts';

/** One item (by its id) before and after a write, as texts; null: it does not exist. */
export interface Changed {
  readonly item: string;
  readonly from: string | null;
  readonly to: string | null;
}

/** Judges resources whose changes take one call each: nothing is added temporarily, and nothing is reverted. */
export abstract class TextsOracle implements ResourceOracle {
  #effects = new Map<string, Effects>();
  /** The items that the product changed, with their contents before, by resource. */
  readonly #ended = new Map<string, Map<string, string | null>>();

  /** The contents of the resource, by id, as texts that can be compared with records. */
  protected abstract textsOf(resource: string, state: AwsState): ReadonlyMap<string, string>;

  abstract problemsOf(write: Write): Problem[];

  abstract violates(resource: string, state: AwsState, job: JobSpec): boolean;

  protected changedBy({ resource, before, after }: Pick<Write, 'resource' | 'before' | 'after'>): Changed[] {
    const [from, to] = [this.textsOf(resource, before), this.textsOf(resource, after)];
    return [...new Set([...from.keys(), ...to.keys()])].flatMap((item) => {
      const changed = { item, from: from.get(item) ?? null, to: to.get(item) ?? null };
      return changed.from === changed.to ? [] : [changed];
    });
  }

  /** The items whose content the read before a write shows: all of the resource, unless each one is read separately. */
  protected shownTo({ resource, before }: Write): Iterable<string> {
    return [...this.#endedOf(resource).keys(), ...this.textsOf(resource, before).keys()];
  }

  showsEnded(write: Write): boolean {
    const ended = this.#endedOf(write.resource);
    const texts = this.textsOf(write.resource, write.before);
    return [...this.shownTo(write)].some(
      (item) => ended.has(item) && ended.get(item) === (texts.get(item) ?? null),
    );
  }

  remember(write: Write, seen: Write): { opensForNow: boolean } {
    const effects = this.#effectsOn(write.resource);
    for (const { item, from, to } of this.changedBy(write)) {
      effects.add(item, from, to);
      this.#endedOf(write.resource).set(item, from);
      // The read showed another state than the actual one, so the record cannot have that. It can have new items.
      if (seen.before !== write.before && from !== null) effects.touch(item);
    }
    return { opensForNow: false };
  }

  takesBack(): boolean {
    return false;
  }

  takesOutOwn(): boolean {
    return false;
  }

  textAt(resource: string, state: AwsState, item: string): string | undefined {
    return this.textsOf(resource, state).get(item);
  }

  acted(resource: string, before: AwsState, after: AwsState): void {
    for (const { item } of this.changedBy({ resource, before, after })) {
      this.#effectsOn(resource).touch(item);
      // A later content may be the same again.
      this.#endedOf(resource).delete(item);
    }
  }

  leftBehind(): Problem[] {
    return [];
  }

  netEffect(resource: string): NetEffect {
    const effects = this.#effectsOn(resource);
    return new Map([...effects.net].filter(([item]) => !effects.isTouched(item)));
  }

  madeItems(resource: string): ReadonlyMap<string, ReadonlySet<string | null>> {
    return this.#effectsOn(resource).made;
  }

  begin(): void {
    this.#effects = new Map();
  }

  #endedOf(resource: string): Map<string, string | null> {
    const ended = this.#ended.get(resource) ?? new Map<string, string | null>();
    this.#ended.set(resource, ended);
    return ended;
  }

  #effectsOn(resource: string): Effects {
    const effects = this.#effects.get(resource) ?? new Effects();
    this.#effects.set(resource, effects);
    return effects;
  }
}
