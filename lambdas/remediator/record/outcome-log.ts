import { isDeepStrictEqual } from 'node:util';
import { outcomesKey } from '../../model/evidence-keys.ts';
import { type Job, jobId } from '../../model/job.ts';
import { isProvisional, type Outcome } from '../../model/outcome.ts';
import type { EvidenceStore } from './evidence-store.ts';

/** An outcome, and the key of the evidence object that holds it. */
export interface RecordedOutcome {
  readonly outcome: Outcome;
  readonly evidence: string;
}

type Objects = Pick<EvidenceStore, 'readOutcomes' | 'writeOutcomes'>;

/**
 * The outcomes of a job: one object per attempt that concluded something, numbered from 1, none ever written over. An
 * attempt that does not know of an earlier one's object learns of it when it would take the same number.
 */
export class OutcomeLog {
  readonly #job: Job;
  readonly #objects: Objects;
  /** Outcomes that count, by resource. */
  readonly #standing = new Map<string, RecordedOutcome>();
  /** The resources of which another job of the poll wrote what counts. */
  readonly #ofOthers = new Set<string>();
  #number = 1;

  constructor(job: Job, objects: Objects) {
    this.#job = job;
    this.#objects = objects;
  }

  /** Reads what earlier attempts wrote. */
  async read(): Promise<void> {
    for (;;) {
      const outcomes = await this.#objects.readOutcomes(this.#key);
      if (outcomes === undefined) return;
      this.#learn(outcomes, this.#key);
      this.#number += 1;
    }
  }

  /** Reads of an object that another job of the poll wrote what it says of resources. Where it is gone: nothing. */
  async readOf(resources: ReadonlySet<string>, key: string): Promise<void> {
    const outcomes = (await this.#objects.readOutcomes(key)) ?? [];
    const known = outcomes.filter(({ finding }) => resources.has(finding.resource));
    for (const { finding } of known) this.#ofOthers.add(finding.resource);
    this.#learn(known, key);
  }

  /** The outcome that counts of a resource. */
  standing(resource: string): RecordedOutcome | undefined {
    return this.#standing.get(resource);
  }

  /** Lists the outcomes that attempts at this job wrote and that count. */
  own(): RecordedOutcome[] {
    return [...this.#standing].flatMap(([resource, each]) => (this.#ofOthers.has(resource) ? [] : each));
  }

  /**
   * Writes outcomes, but for those of findings of which a final one stands that knows all that was changed.
   * @returns what was written
   */
  async write(outcomes: readonly Outcome[]): Promise<RecordedOutcome[]> {
    for (;;) {
      const due = outcomes.flatMap((outcome) => this.#due(outcome) ?? []);
      if (due.length === 0) return [];
      const key = this.#key;
      for (const { finding } of due) this.#ofOthers.delete(finding.resource);
      if (await this.#objects.writeOutcomes(key, due)) {
        this.#number += 1;
        this.#learn(due, key);
        return due.flatMap(({ finding }) => this.#standing.get(finding.resource) ?? []);
      }
      const others = await this.#objects.readOutcomes(key);
      if (others === undefined)
        throw new Error(`${key} was there when it was to be written, and now it is not`);
      this.#number += 1;
      this.#learn(others, key);
    }
  }

  get #key(): string {
    return outcomesKey(this.#job.poll, jobId(this.#job), this.#number);
  }

  #learn(outcomes: readonly Outcome[], evidence: string): void {
    for (const outcome of outcomes) {
      const { resource } = outcome.finding;
      this.#standing.set(resource, { outcome, evidence });
    }
  }

  #due(outcome: Outcome): Outcome | undefined {
    const standing = this.#standing.get(outcome.finding.resource);
    if (standing === undefined) return outcome;
    if (!isProvisional(standing.outcome) && knowsAll(standing.outcome, outcome.applied)) return undefined;
    return { ...outcome, replaces: standing.evidence };
  }
}

/** Tells whether an outcome has all of these changes. One of another job may lack what this one applied. */
export function knowsAll({ applied }: Outcome, changes: Outcome['applied']): boolean {
  return changes.every((change) => applied.some((known) => isDeepStrictEqual(known, change)));
}
