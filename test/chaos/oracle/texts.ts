import type { AwsState } from '../../lab/aws-model/state.ts';
import type { JobSpec } from '../case.ts';
import { Effects, type NetEffect, type Problem, type ResourceOracle, type Write } from './judgement.ts';

/** One item (by its id) before and after a write, as texts; null: it is not there. */
export interface Changed {
  readonly item: string;
  readonly from: string | null;
  readonly to: string | null;
}

/** Judges resources whose changes are one call each: nothing is added for now, and nothing is taken back. */
export abstract class TextsOracle implements ResourceOracle {
  #effects = new Map<string, Effects>();

  /** The contents of the resource, by id, in words that records can be compared by. */
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

  remember(write: Write, seen: Write): { opensForNow: boolean } {
    const effects = this.#effectsOn(write.resource);
    for (const { item, from, to } of this.changedBy(write)) {
      effects.add(item, from, to);
      // The look showed something else than what stood there, so the record can't say it; of what was made, it can.
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
    for (const { item } of this.changedBy({ resource, before, after })) this.#effectsOn(resource).touch(item);
  }

  leftBehind(): Problem[] {
    return [];
  }

  netEffect(resource: string): NetEffect {
    const effects = this.#effectsOn(resource);
    return new Map([...effects.net].filter(([item]) => !effects.isTouched(item)));
  }

  begin(): void {
    this.#effects = new Map();
  }

  #effectsOn(resource: string): Effects {
    const effects = this.#effects.get(resource) ?? new Effects();
    this.#effects.set(resource, effects);
    return effects;
  }
}
