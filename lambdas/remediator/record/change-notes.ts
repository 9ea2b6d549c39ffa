import { isDeepStrictEqual } from 'node:util';
import type { Json } from '../../model/json.ts';
import type { AppliedChange, RecordedChange } from '../../model/outcome.ts';
import { KnownChanges } from './known-changes.ts';
import { begunStep, withoutBegin } from './steps.ts';

/** An attempt's notes of planned and applied changes. */
export class ChangeNotes extends KnownChanges {
  /** The change that was begun last of each finding's resource, as far as it came. */
  readonly #noted = new Map<string, RecordedChange>();
  /** Time at which a change had been begun before that one. */
  readonly #begunBefore = new Map<string, string | undefined>();
  /** True if a change was applied, or known not to be made, and that is not written down yet. */
  protected hasNews = false;

  /** Notes what is to be done. What an earlier attempt saw and planned stays known: it may have been applied. */
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
   * Notes that a change is about to be made: from then on it may have been.
   * @param others other jobs' changes of the same resource that are known by then, by `RecentChanges.namesOfOthers`
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

  /** Notes how far the change of a resource came that was begun last. */
  note(resource: string, noted: RecordedChange): void {
    const entry = this.entry(resource);
    const others = (entry.noted ?? []).filter((other) => other !== this.#noted.get(resource));
    this.put({ ...entry, noted: [...others, noted] });
    this.#noted.set(resource, noted);
  }

  /** Notes that the change of a resource that was begun last was not made. An earlier attempt may have made it. */
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

  /** Notes that nothing is left of a change that was begun, by any attempt. */
  settle(resource: string, line: string): void {
    const entry = this.entry(resource);
    this.put({
      ...entry,
      begun: (entry.begun ?? []).filter((begun) => begun !== line),
      noted: (entry.noted ?? []).filter((noted) => noted.line !== line),
    });
  }

  /** Notes that all that is planned now has been applied. */
  complete(resource: string, at: Date): void {
    this.put({ ...this.entry(resource), completedAt: at.toISOString() });
  }

  /** @param before what they were made before, where that is known only now; otherwise they are the last ones */
  apply(resource: string, changes: readonly AppliedChange[], before?: AppliedChange): void {
    this.hasNews = true;
    const entry = this.entry(resource);
    const at = before === undefined ? -1 : entry.applied.indexOf(before);
    const applied = [...entry.applied];
    applied.splice(at < 0 ? applied.length : at, 0, ...changes);
    const steps = [...(entry.steps ?? []), ...changes.map(({ line }) => ({ is: 'applied' as const, line }))];
    this.put({ ...entry, applied, steps });
  }

  /** Takes back the note that a change was applied in part: another, which says more, takes its place. */
  drop(resource: string, line: string, change?: RecordedChange['change']): void {
    const entry = this.entry(resource);
    const applied = entry.applied.filter(
      (each) =>
        each.line !== line || (change !== undefined && !isDeepStrictEqual(each.change, { ...change })),
    );
    this.put({ ...entry, applied });
  }
}
