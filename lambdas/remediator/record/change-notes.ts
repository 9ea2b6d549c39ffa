import { isDeepStrictEqual } from 'node:util';
import type { Json } from '../../model/json.ts';
import type { AppliedChange, RecordedChange } from '../../model/outcome.ts';
import { KnownChanges } from './known-changes.ts';
import { begunStep, withoutBegin } from './steps.ts';
import { notIn } from './take-place.ts';

/** Notes of an attempt about planned and applied changes. */
export class ChangeNotes extends KnownChanges {
  /** The last noted progress of the change that this attempt began last, by the finding's resource. */
  readonly #noted = new Map<string, RecordedChange>();
  /** The previous value of `begunAt` for each resource, which `cancel` restores. */
  readonly #begunBefore = new Map<string, string | undefined>();
  /** True if a change was applied, or was found not to have been made, since the journal was last written. */
  protected hasNews = false;

  /** Notes a plan. Earlier attempts' plans are kept, because their changes may have been applied. */
  plan(resource: string, plan: readonly RecordedChange[], seen?: Json): void {
    const entry = this.entry(resource);
    const added = plan.filter(
      ({ change }) => !entry.plan.some((other) => isDeepStrictEqual(other.change, change)),
    );
    const { completedAt: _, ...begun } = entry;
    this.put({
      ...(seen !== undefined && { seen }),
      ...begun,
      plan: [...entry.plan, ...added],
      begun: entry.begun ?? [],
    });
  }

  /**
   * Notes that a change is about to be made.
   * @param others names of other jobs' changes to the same resource that are known at that time, from
   *   `RecentChanges.namesOfOthers`
   */
  begin(resource: string, line: string, at: Date, others?: readonly string[]): void {
    const entry = this.entry(resource);
    this.#noted.delete(resource);
    this.#begunBefore.set(resource, entry.begunAt);
    this.put({
      ...entry,
      begun: [...(entry.begun ?? []), line],
      steps: [...(entry.steps ?? []), begunStep(line, at, others)],
      begunAt: at.toISOString(),
    });
  }

  /** Notes the progress of the last change begun for a resource. */
  note(resource: string, noted: RecordedChange): void {
    const entry = this.entry(resource);
    const others = (entry.noted ?? []).filter((other) => other !== this.#noted.get(resource));
    this.put({ ...entry, noted: [...others, noted] });
    this.#noted.set(resource, noted);
  }

  /** Notes that the last change begun for a resource was not made. An earlier attempt may have made it. */
  cancel(resource: string, line: string): void {
    this.hasNews = true;
    const { begunAt: _, ...entry } = this.entry(resource);
    const begun = [...(entry.begun ?? [])];
    const last = begun.lastIndexOf(line);
    if (last >= 0) begun.splice(last, 1);
    const noted = (entry.noted ?? []).filter((each) => each !== this.#noted.get(resource));
    const steps = withoutBegin(entry.steps ?? [], line);
    const begunAt = this.#begunBefore.get(resource);
    this.put({ ...entry, begun, steps, noted, ...(begunAt !== undefined && { begunAt }) });
  }

  /** Notes that the result of a change is known, regardless of which attempt began it. */
  settle(resource: string, line: string): void {
    const entry = this.entry(resource);
    this.put({
      ...entry,
      begun: (entry.begun ?? []).filter((begun) => begun !== line),
      noted: (entry.noted ?? []).filter((noted) => noted.line !== line),
    });
  }

  /** Notes that the whole current plan was applied. */
  complete(resource: string, at: Date): void {
    this.put({ ...this.entry(resource), completedAt: at.toISOString() });
  }

  /**
   * Notes applied changes.
   * @param before the change before which they are inserted, if they were discovered late. Default: they are added at
   *   the end
   */
  apply(resource: string, changes: readonly AppliedChange[], before?: AppliedChange): void {
    this.hasNews = true;
    const entry = this.entry(resource);
    const at = before === undefined ? -1 : entry.applied.indexOf(before);
    const applied = [...entry.applied];
    applied.splice(at < 0 ? applied.length : at, 0, ...changes);
    const steps = [...(entry.steps ?? []), ...changes.map(({ line }) => ({ is: 'applied' as const, line }))];
    this.put({ ...entry, applied, steps });
  }

  /**
   * Notes begun changes with unknown results as applied if they are among those that this job recorded elsewhere.
   * @param recorded the changes that this job recorded, of any finding
   */
  adopt(recorded: readonly AppliedChange[]): void {
    let left = notIn(recorded, this.appliedToAny);
    for (const { resource } of this.entries) {
      for (const { line } of this.unresolved(resource)) {
        const made = left.filter((each) => each.line === line);
        if (made.length === 0) continue;
        left = left.filter((each) => each.line !== line);
        const [next] = this.appliedSince(resource, line);
        this.apply(resource, made, next);
      }
    }
  }

  /** Removes the record of an applied change, for example because a more complete record replaces it. */
  drop(resource: string, line: string, change?: RecordedChange['change']): void {
    const entry = this.entry(resource);
    const applied = entry.applied.filter(
      (each) =>
        each.line !== line || (change !== undefined && !isDeepStrictEqual(each.change, { ...change })),
    );
    this.put({ ...entry, applied });
  }
}
