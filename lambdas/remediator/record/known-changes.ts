import {
  type AutomationExecutionStart,
  schema as automationExecutionSchema,
} from '../../changes/automation-execution/start.ts';
import type { JournalRecord } from '../../model/journal.ts';
import type { Json } from '../../model/json.ts';
import type { AppliedChange, RecordedChange } from '../../model/outcome.ts';
import { IN_PART } from './in-part.ts';
import { beginOf, byBegin, isBegunAgain, isByOtherSince } from './steps.ts';

export type Entry = JournalRecord['resources'][number];

/** Notes of attempts on one change. */
export interface Notes {
  /** The change as far as it came, once per attempt that noted it. */
  readonly notes: readonly RecordedChange[];
  /** True if no attempt began it and was cut off before it noted anything. */
  readonly isWhole: boolean;
  /** True if the answer to each call is known, too. */
  readonly isSure: boolean;
}

/** Knowledge of what attempts at one job planned for each resource, how far they came with it, and what they applied. */
export class KnownChanges {
  readonly #entries = new Map<string, Entry>();
  readonly #earlierPlans = new Map<string, readonly RecordedChange[]>();

  /** Keeps what earlier attempts noted. */
  protected keep(entries: readonly Entry[]): void {
    for (const entry of entries) {
      // One of an older version does not say what was begun.
      const begun = entry.begun ?? entry.plan.map(({ line }) => line);
      this.#entries.set(entry.resource, { ...entry, begun });
      this.#earlierPlans.set(entry.resource, entry.plan);
    }
  }

  protected get entries(): Entry[] {
    return [...this.#entries.values()];
  }
  protected entry(resource: string): Entry {
    return this.#entries.get(resource) ?? { resource, plan: [], applied: [] };
  }

  protected put(entry: Entry): void {
    this.#entries.set(entry.resource, entry);
  }

  /** Finds how far a change came. */
  noted(resource: string, line: string): Notes {
    const { begun = [], noted = [] } = this.entry(resource);
    const notes = noted.filter((each) => each.line === line);
    const isWhole = notes.length >= begun.filter((each) => each === line).length;
    return {
      notes,
      isWhole,
      isSure:
        isWhole &&
        notes.every(
          ({ change: { mayBeMade, unconfirmed, replaces, closed } }) =>
            mayBeMade === undefined &&
            unconfirmed === undefined &&
            replaces !== true &&
            closed !== 'unconfirmed',
        ),
    };
  }

  /** Finds when a change was begun last. */
  begunAt(resource: string): Date | undefined {
    const { begunAt } = this.entry(resource);
    return begunAt === undefined ? undefined : new Date(begunAt);
  }

  /** Finds when the whole plan was applied; undefined if it was not, or planned again since. */
  completedAt(resource: string): Date | undefined {
    const { completedAt } = this.entry(resource);
    return completedAt === undefined ? undefined : new Date(completedAt);
  }

  /**
   * The changes with an unknown result: an attempt was interrupted, or an answer lost. Also one that
   * was applied before, and begun again. In the order in which they were begun.
   */
  unresolved(resource: string): RecordedChange[] {
    const { plan, applied, begun = [], steps = [] } = this.entry(resource);
    const lines = new Set(applied.map(({ line }) => line));
    return plan
      .filter(({ line }) => begun.includes(line) && (!lines.has(line) || isBegunAgain(steps, line)))
      .sort((one, other) => byBegin(steps, one.line, other.line));
  }

  /** Reports whether a change was begun after another one, as far as is known. */
  isBegunAfter(resource: string, line: string, other: string): boolean {
    return line !== other && byBegin(this.entry(resource).steps ?? [], line, other) >= 0;
  }

  /** Finds when a change was begun last; of one that an older version noted, when any of the resource was. */
  beginOf(resource: string, line: string): Date | undefined {
    return beginOf(this.entry(resource).steps ?? [], line) ?? this.begunAt(resource);
  }

  /** Lists what was applied, to its end or in part, since another change was begun. */
  appliedSince(resource: string, line: string): AppliedChange[] {
    const at = beginOf(this.entry(resource).steps ?? [], line);
    if (at === undefined) return [];
    return this.applied(resource).filter(
      (each) =>
        each.line !== line && each.line !== `${line}${IN_PART}` && Date.parse(each.appliedAt) > at.getTime(),
    );
  }

  /** Reports whether another job's change was made after one was begun; undefined if an older version did not note when. */
  isByOtherSince(resource: string, line: string, other: AppliedChange): boolean | undefined {
    return isByOtherSince(this.entry(resource).steps ?? [], line, other);
  }

  /** Finds what was seen of a resource when something was planned for the first time. */
  seen(resource: string): Json | undefined {
    return this.#entries.get(resource)?.seen;
  }

  /** All that was planned, by any attempt. */
  planned(resource: string): RecordedChange[] {
    return [...this.entry(resource).plan];
  }

  /** Reports whether a planned change is known to have been applied to its end. */
  hasApplied(resource: string): boolean {
    const { plan, applied } = this.entry(resource);
    const lines = new Set(plan.map(({ line }) => line));
    return applied.some(({ line }) => lines.has(line));
  }

  /** Reports whether anything was applied, or begun with a result that is not known yet, by this attempt or earlier ones. */
  hasBegun(resource: string): boolean {
    return this.applied(resource).length > 0 || this.unresolved(resource).length > 0;
  }

  /** Lists what is known to have been applied, by this attempt and those before. */
  applied(resource: string): AppliedChange[] {
    return [...this.entry(resource).applied];
  }

  /** The automation execution that was started for a resource last. */
  execution(resource: string): AutomationExecutionStart | undefined {
    for (const { change } of this.applied(resource).reverse()) {
      const parsed = automationExecutionSchema.safeParse(change);
      if (parsed.success) return parsed.data;
    }
    return undefined;
  }

  /** Finds what earlier attempts planned, or undefined if none came that far. */
  earlierPlan(resource: string): RecordedChange[] | undefined {
    const plan = this.#earlierPlans.get(resource);
    return plan === undefined ? undefined : [...plan];
  }
}
