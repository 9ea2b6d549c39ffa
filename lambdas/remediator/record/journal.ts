import { isDeepStrictEqual } from 'node:util';
import {
  type AutomationExecutionStart,
  schema as automationExecutionSchema,
} from '../../changes/automation-execution/start.ts';
import type { Json } from '../../model/json.ts';
import { type AppliedChange, isProvisional, type Outcome, type RecordedChange } from '../../model/outcome.ts';
import type { EvidenceStore, JournalRecord } from './evidence-store.ts';
import { beginOf, byBegin, isBegunAgain, withoutBegin } from './steps.ts';

type Entry = JournalRecord['resources'][number];

type HandedOn = NonNullable<JournalRecord['handedOn']>[number];

/** What attempts noted of one change. */
export interface Notes {
  /** How far it came, once per attempt that noted it. */
  readonly notes: readonly RecordedChange[];
  /** Whether no attempt began it and was cut off before it noted anything. */
  readonly isWhole: boolean;
  /** Whether, besides, the answer to each call is known. */
  readonly isSure: boolean;
}

/**
 * What all attempts at one job planned and applied. It is written before anything is changed, so that an attempt that is
 * cut off leaves no change that nobody knows of, and after an attempt that leaves something to the next.
 */
export class Journal {
  readonly #jobId: string;
  readonly #evidence: EvidenceStore;
  readonly #entries = new Map<string, Entry>();
  readonly #earlierPlans = new Map<string, readonly RecordedChange[]>();
  /** How far the change came that was begun last. */
  #noted: RecordedChange | undefined;
  /** When a change had been begun before that one. */
  #begunBefore: string | undefined;
  readonly #published = new Set<string>();
  #handedOn: readonly HandedOn[] = [];
  #startedAt: string | undefined;

  constructor(jobId: string, evidence: EvidenceStore) {
    this.#jobId = jobId;
    this.#evidence = evidence;
  }

  /** @returns whether an earlier attempt wrote one */
  async read(): Promise<boolean> {
    const record = await this.#evidence.readJournal(this.#jobId);
    for (const entry of record?.resources ?? []) {
      // One of an older version does not say what was begun.
      const begun = entry.begun ?? entry.plan.map(({ line }) => line);
      this.#entries.set(entry.resource, { ...entry, begun });
      this.#earlierPlans.set(entry.resource, entry.plan);
    }
    this.#handedOn = record?.handedOn ?? [];
    for (const resource of record?.published ?? []) this.#published.add(resource);
    this.#startedAt = record?.startedAt;
    return record !== undefined;
  }

  write(): Promise<void> {
    const resources = [...this.#entries.values()];
    return this.#evidence.writeJournal(this.#jobId, {
      version: 1,
      ...(this.#startedAt !== undefined && { startedAt: this.#startedAt }),
      resources,
      ...(this.#handedOn.length > 0 && { handedOn: [...this.#handedOn] }),
      published: [...this.#published],
    });
  }

  /** Notes that an attempt begins. @returns when the first one began */
  start(at: string): string {
    this.#startedAt ??= at;
    return this.#startedAt;
  }

  /** Notes that a later job goes on with findings: from then on this one leaves them alone, but sees to it that it is sent. */
  handOn(look: number, resources: readonly string[]): void {
    this.#handedOn = [...this.#handedOn, { look, resources: [...resources] }];
  }

  /** What was handed on to jobs of a look. */
  handedOn(look: number): readonly HandedOn[] {
    return this.#handedOn.filter((each) => each.look === look);
  }

  /** When the first attempt began; now, if this is the first. */
  startOf(now: Date): Date {
    return this.#startedAt === undefined ? now : new Date(this.#startedAt);
  }

  /** Notes what is to be done. What an earlier attempt saw and planned stays known: it may have been applied. */
  plan(resource: string, plan: readonly RecordedChange[], seen?: Json): void {
    const entry = this.#entry(resource);
    const added = plan.filter(
      ({ change }) => !entry.plan.some((other) => isDeepStrictEqual(other.change, change)),
    );
    const { completedAt: _, ...begun } = entry;
    this.#entries.set(resource, {
      ...(seen !== undefined && { seen }),
      ...begun,
      plan: [...entry.plan, ...added],
      begun: entry.begun ?? [],
    });
  }

  /** Notes that a change is about to be made: from then on it may have been. */
  begin(resource: string, line: string, at: Date): void {
    const entry = this.#entry(resource);
    this.#noted = undefined;
    this.#begunBefore = entry.begunAt;
    this.#entries.set(resource, {
      ...entry,
      begun: [...(entry.begun ?? []), line],
      steps: [...(entry.steps ?? []), { is: 'begun', line, at: at.toISOString() }],
      begunAt: at.toISOString(),
    });
  }

  /** Notes how far the change came that was begun last. */
  note(resource: string, noted: RecordedChange): void {
    const entry = this.#entry(resource);
    const others = (entry.noted ?? []).filter((other) => other !== this.#noted);
    this.#entries.set(resource, { ...entry, noted: [...others, noted] });
    this.#noted = noted;
  }

  /** How far a change came. */
  noted(resource: string, line: string): Notes {
    const { begun = [], noted = [] } = this.#entry(resource);
    const notes = noted.filter((each) => each.line === line);
    const isWhole = notes.length >= begun.filter((each) => each === line).length;
    return {
      notes,
      isWhole,
      isSure:
        isWhole &&
        notes.every(
          ({ change: { unconfirmed, replaces, closed } }) =>
            unconfirmed === undefined && replaces !== true && closed !== 'unconfirmed',
        ),
    };
  }

  /** When a change was begun last. */
  begunAt(resource: string): Date | undefined {
    const { begunAt } = this.#entry(resource);
    return begunAt === undefined ? undefined : new Date(begunAt);
  }

  /** Notes that the change that was begun last was not made. An earlier attempt may have made it. */
  cancel(resource: string, line: string): void {
    const { begunAt: _, ...entry } = this.#entry(resource);
    const begun = [...(entry.begun ?? [])];
    const last = begun.lastIndexOf(line);
    if (last >= 0) begun.splice(last, 1);
    const noted = (entry.noted ?? []).filter((each) => each !== this.#noted);
    const steps = withoutBegin(entry.steps ?? [], line);
    const begunAt = this.#begunBefore;
    this.#entries.set(resource, { ...entry, begun, steps, noted, ...(begunAt !== undefined && { begunAt }) });
  }

  /** Notes that nothing is left of a change that was begun, by whichever attempt. */
  settle(resource: string, line: string): void {
    const entry = this.#entry(resource);
    this.#entries.set(resource, {
      ...entry,
      begun: (entry.begun ?? []).filter((begun) => begun !== line),
      noted: (entry.noted ?? []).filter((noted) => noted.line !== line),
    });
  }

  /** Notes that all that is planned now has been applied. */
  complete(resource: string, at: Date): void {
    this.#entries.set(resource, { ...this.#entry(resource), completedAt: at.toISOString() });
  }

  /** @param before what they were made before, where that is known only now; otherwise they are the last ones */
  apply(resource: string, changes: readonly AppliedChange[], before?: AppliedChange): void {
    const entry = this.#entry(resource);
    const at = before === undefined ? -1 : entry.applied.indexOf(before);
    const applied = [...entry.applied];
    applied.splice(at < 0 ? applied.length : at, 0, ...changes);
    const steps = [...(entry.steps ?? []), ...changes.map(({ line }) => ({ is: 'applied' as const, line }))];
    this.#entries.set(resource, { ...entry, applied, steps });
  }

  /** Takes back the note that a change was applied in part: another, which says more, takes its place. */
  drop(resource: string, line: string, change?: RecordedChange['change']): void {
    const entry = this.#entry(resource);
    const applied = entry.applied.filter(
      (each) =>
        each.line !== line || (change !== undefined && !isDeepStrictEqual(each.change, { ...change })),
    );
    this.#entries.set(resource, { ...entry, applied });
  }

  #entry(resource: string): Entry {
    return this.#entries.get(resource) ?? { resource, plan: [], applied: [] };
  }

  /** When the whole plan was applied; undefined where it was not, or planned anew since. */
  completedAt(resource: string): Date | undefined {
    const { completedAt } = this.#entry(resource);
    return completedAt === undefined ? undefined : new Date(completedAt);
  }

  /**
   * The changes of which nobody knows whether they were applied: an attempt was cut off, or an answer lost. Also one that
   * was applied before, and begun again. In the order in which they were begun.
   */
  unresolved(resource: string): RecordedChange[] {
    const { plan, applied, begun = [], steps = [] } = this.#entry(resource);
    const lines = new Set(applied.map(({ line }) => line));
    return plan
      .filter(({ line }) => begun.includes(line) && (!lines.has(line) || isBegunAgain(steps, line)))
      .sort((one, other) => byBegin(steps, one.line, other.line));
  }

  /** Whether a change was begun after another one, as far as is known. */
  isBegunAfter(resource: string, line: string, other: string): boolean {
    return line !== other && byBegin(this.#entry(resource).steps ?? [], line, other) >= 0;
  }

  /** Whether a change was begun after a moment; false where an older version did not note when. */
  isBegunSince(resource: string, line: string, moment: Date): boolean {
    const at = beginOf(this.#entry(resource).steps ?? [], line);
    return at !== undefined && at.getTime() > moment.getTime();
  }

  /** What was seen of a resource when something was planned for the first time. */
  seen(resource: string): Json | undefined {
    return this.#entries.get(resource)?.seen;
  }

  /** All that was planned, by whichever attempt. */
  planned(resource: string): RecordedChange[] {
    return [...this.#entry(resource).plan];
  }

  /** Whether a planned change is known to have been applied to its end. */
  hasApplied(resource: string): boolean {
    const { plan, applied } = this.#entry(resource);
    const lines = new Set(plan.map(({ line }) => line));
    return applied.some(({ line }) => lines.has(line));
  }

  /** What is known to have been applied, by this attempt and those before. */
  applied(resource: string): AppliedChange[] {
    return [...this.#entry(resource).applied];
  }

  /** The automation execution that was started for a resource last. */
  execution(resource: string): AutomationExecutionStart | undefined {
    for (const { change } of this.applied(resource).reverse()) {
      const parsed = automationExecutionSchema.safeParse(change);
      if (parsed.success) return parsed.data;
    }
    return undefined;
  }

  /** What earlier attempts planned, or undefined where none came that far. */
  earlierPlan(resource: string): RecordedChange[] | undefined {
    const plan = this.#earlierPlans.get(resource);
    return plan === undefined ? undefined : [...plan];
  }

  /** Notes that the event bus has these outcomes. A provisional one is not the last word. */
  publish(outcomes: readonly Outcome[]): void {
    for (const outcome of outcomes) {
      if (!isProvisional(outcome)) this.#published.add(outcome.finding.resource);
    }
  }

  isPublished(resource: string): boolean {
    return this.#published.has(resource);
  }
}
