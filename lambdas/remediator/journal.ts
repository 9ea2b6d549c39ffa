import { isDeepStrictEqual } from 'node:util';
import {
  type AutomationExecutionStart,
  schema as automationExecutionSchema,
} from '../changes/automation-execution/start.ts';
import type { Json } from '../model/json.ts';
import type { AppliedChange, Outcome, RecordedChange } from '../model/outcome.ts';
import type { EvidenceStore, JournalRecord } from './evidence.ts';

type Entry = JournalRecord['resources'][number];

/**
 * What all tries at one job planned and applied. It is written before anything is changed, so that a try that is cut
 * off leaves no change that nobody knows of, and after a try that leaves something to the next.
 */
export class Journal {
  readonly #jobId: string;
  readonly #evidence: EvidenceStore;
  readonly #entries = new Map<string, Entry>();
  readonly #earlierPlans = new Map<string, readonly RecordedChange[]>();
  readonly #told = new Set<string>();

  constructor(jobId: string, evidence: EvidenceStore) {
    this.#jobId = jobId;
    this.#evidence = evidence;
  }

  /** @returns whether an earlier try wrote one */
  async read(): Promise<boolean> {
    const record = await this.#evidence.readJournal(this.#jobId);
    for (const entry of record?.resources ?? []) {
      this.#entries.set(entry.resource, entry);
      this.#earlierPlans.set(entry.resource, entry.plan);
    }
    for (const resource of record?.told ?? []) this.#told.add(resource);
    return record !== undefined;
  }

  write(): Promise<void> {
    const resources = [...this.#entries.values()];
    return this.#evidence.writeJournal(this.#jobId, { version: 1, resources, told: [...this.#told] });
  }

  /** Notes what is to be done. What an earlier try saw and planned stays known: it may have been applied. */
  plan(resource: string, plan: readonly RecordedChange[], seen?: Json): void {
    const entry = this.#entry(resource);
    const added = plan.filter(
      ({ change }) => !entry.plan.some((other) => isDeepStrictEqual(other.change, change)),
    );
    this.#entries.set(resource, {
      ...(seen !== undefined && { seen }),
      ...entry,
      plan: [...entry.plan, ...added],
    });
  }

  apply(resource: string, changes: readonly AppliedChange[]): void {
    const entry = this.#entry(resource);
    this.#entries.set(resource, { ...entry, applied: [...entry.applied, ...changes] });
  }

  #entry(resource: string): Entry {
    return this.#entries.get(resource) ?? { resource, plan: [], applied: [] };
  }

  /** What was seen of a resource when something was planned for the first time. */
  seen(resource: string): Json | undefined {
    return this.#entries.get(resource)?.seen;
  }

  /** What is known to have been applied, by this try and those before. */
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

  /** What earlier tries planned, or undefined where none came that far. */
  earlierPlan(resource: string): RecordedChange[] | undefined {
    const plan = this.#earlierPlans.get(resource);
    return plan === undefined ? undefined : [...plan];
  }

  /** Notes that the event bus has these outcomes. One that went to the dead-letter queue is not the last word. */
  tell(outcomes: readonly Outcome[]): void {
    for (const { finding, deadLetter } of outcomes) {
      if (deadLetter !== true) this.#told.add(finding.resource);
    }
  }

  isTold(resource: string): boolean {
    return this.#told.has(resource);
  }
}
