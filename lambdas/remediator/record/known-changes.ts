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

/** Notes of all attempts about one change. */
export interface Notes {
  /** The progress of the change, one note per attempt that wrote one. */
  readonly notes: readonly RecordedChange[];
  /** True if no attempt was interrupted between the start of the change and its first note. */
  readonly isWhole: boolean;
  /** True if, in addition, the answer to each call is known. */
  readonly isSure: boolean;
}

/** Plans of all attempts at one job for each resource, their progress, and the applied changes. */
export class KnownChanges {
  readonly #entries = new Map<string, Entry>();
  readonly #earlierPlans = new Map<string, readonly RecordedChange[]>();

  /** Sets the notes of earlier attempts. */
  protected keep(entries: readonly Entry[]): void {
    for (const entry of entries) {
      // Entries of older versions do not list begun changes.
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

  /** Returns the notes about a change. */
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

  /** Returns the time at which a change to a resource was last begun. */
  begunAt(resource: string): Date | undefined {
    const { begunAt } = this.entry(resource);
    return begunAt === undefined ? undefined : new Date(begunAt);
  }

  /** Returns the time at which the whole plan was applied; undefined if it was not, or if there is a newer plan. */
  completedAt(resource: string): Date | undefined {
    const { completedAt } = this.entry(resource);
    return completedAt === undefined ? undefined : new Date(completedAt);
  }

  /**
   * Lists the changes whose result is unknown because an attempt was interrupted or a call was not answered, in the
   * order in which they were begun. Includes changes that were applied and then begun again.
   */
  unresolved(resource: string): RecordedChange[] {
    const { plan, applied, begun = [], steps = [] } = this.entry(resource);
    const lines = new Set(applied.map(({ line }) => line));
    return plan
      .filter(({ line }) => begun.includes(line) && (!lines.has(line) || isBegunAgain(steps, line)))
      .sort((one, other) => byBegin(steps, one.line, other.line));
  }

  /** Checks whether a change is known to have begun after another one. */
  isBegunAfter(resource: string, line: string, other: string): boolean {
    return line !== other && byBegin(this.entry(resource).steps ?? [], line, other) >= 0;
  }

  /**
   * Returns the time at which a change was last begun. In journals of older versions, this is the time of the last
   * change to the resource.
   */
  beginOf(resource: string, line: string): Date | undefined {
    return beginOf(this.entry(resource).steps ?? [], line) ?? this.begunAt(resource);
  }

  /** Lists the other changes that were applied, completely or in part, since a change was begun. */
  appliedSince(resource: string, line: string): AppliedChange[] {
    const at = beginOf(this.entry(resource).steps ?? [], line);
    if (at === undefined) return [];
    return this.applied(resource).filter(
      (each) =>
        each.line !== line && each.line !== `${line}${IN_PART}` && Date.parse(each.appliedAt) > at.getTime(),
    );
  }

  /**
   * Checks whether another job's change was made after a change was begun. Returns undefined if this is unknown because
   * an older version wrote the journal.
   */
  isByOtherSince(resource: string, line: string, other: AppliedChange): boolean | undefined {
    return isByOtherSince(this.entry(resource).steps ?? [], line, other);
  }

  /** Returns the state of a resource at its first plan. */
  seen(resource: string): Json | undefined {
    return this.#entries.get(resource)?.seen;
  }

  /** Lists all planned changes, of any attempt. */
  planned(resource: string): RecordedChange[] {
    return [...this.entry(resource).plan];
  }

  /** Checks whether at least one planned change is known to be completely applied. */
  hasApplied(resource: string): boolean {
    const { plan, applied } = this.entry(resource);
    const lines = new Set(plan.map(({ line }) => line));
    return applied.some(({ line }) => lines.has(line));
  }

  /** Checks whether this attempt or an earlier one applied a change, or began one whose result is unknown. */
  hasBegun(resource: string): boolean {
    return this.applied(resource).length > 0 || this.unresolved(resource).length > 0;
  }

  /** Lists the changes that this attempt and earlier ones are known to have applied. */
  applied(resource: string): AppliedChange[] {
    return [...this.entry(resource).applied];
  }

  /** The changes that are known to have been applied for any finding, including those that a follow-up job leaves out. */
  get appliedToAny(): AppliedChange[] {
    return this.entries.flatMap(({ applied }) => applied);
  }

  /** Returns the last automation execution that was started for a resource. */
  execution(resource: string): AutomationExecutionStart | undefined {
    for (const { change } of this.applied(resource).reverse()) {
      const parsed = automationExecutionSchema.safeParse(change);
      if (parsed.success) return parsed.data;
    }
    return undefined;
  }

  /** Returns the plan of earlier attempts; undefined if there is none. */
  earlierPlan(resource: string): RecordedChange[] | undefined {
    const plan = this.#earlierPlans.get(resource);
    return plan === undefined ? undefined : [...plan];
  }
}
