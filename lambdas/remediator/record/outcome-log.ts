import { isDeepStrictEqual } from 'node:util';
import { outcomesKey } from '../../model/evidence-keys.ts';
import { type Job, jobId } from '../../model/job.ts';
import { type AppliedChange, isProvisional, type Outcome } from '../../model/outcome.ts';
import { standingLines } from '../../model/standing.ts';
import type { DoneJobs } from './done-jobs.ts';
import type { EvidenceStore } from './evidence-store.ts';
import { isSupersededBy, notIn, takePlace } from './take-place.ts';

/** An outcome, and the key of the evidence object that contains it. */
export interface RecordedOutcome {
  readonly outcome: Outcome;
  readonly evidence: string;
}

type Objects = Pick<EvidenceStore, 'readOutcomes' | 'writeOutcomes'>;

/**
 * Outcomes of a job: one object per attempt that concluded a finding, numbered from 1 and never overwritten. An attempt
 * that does not know about the object of an earlier one finds it when it tries to use the same number. The log also
 * contains the outcomes of other jobs of the poll for the same findings, because only one line per finding counts.
 */
export class OutcomeLog {
  readonly #job: Job;
  readonly #objects: Objects;
  readonly #done: Pick<DoneJobs, 'evidenceOfOthers' | 'announce' | 'retract'>;
  /** All known lines of the job's findings, by resource, without duplicates. */
  readonly #lines = new Map<string, RecordedOutcome[]>();
  /** Keys of the objects that were read or written. */
  readonly #known = new Set<string>();
  /** Keys of the objects that jobs with another journal wrote. */
  readonly #ofOtherWork = new Set<string>();
  #number = 1;
  /** The number of an object that was announced early and may not be needed. */
  #ahead: number | undefined;

  constructor(job: Job, objects: Objects, done: Pick<DoneJobs, 'evidenceOfOthers' | 'announce' | 'retract'>) {
    this.#job = job;
    this.#objects = objects;
    this.#done = done;
    for (const { resource } of job.findings) this.#lines.set(resource, []);
  }

  /** Reads the outcomes of earlier attempts at the job. Objects that they could not announce are announced now. */
  async read(): Promise<void> {
    for (;;) {
      const outcomes = await this.#objects.readOutcomes(this.#key);
      if (outcomes === undefined) return;
      await this.#done.announce(this.#number);
      this.#learn(outcomes, this.#key);
      this.#number += 1;
    }
  }

  /**
   * Reads the outcomes of other jobs of the poll for the job's findings that are not known yet. Missing objects are
   * skipped.
   */
  async readOthers(furtherKeys: Iterable<string> = []): Promise<void> {
    const further = [...furtherKeys].map((key) => ({ key, isOfSameWork: false }));
    for (const { key, isOfSameWork } of [...this.#done.evidenceOfOthers(), ...further]) {
      if (this.#known.has(key)) continue;
      if (!isOfSameWork) this.#ofOtherWork.add(key);
      this.#learn((await this.#objects.readOutcomes(key)) ?? [], key);
    }
  }

  /**
   * Returns the outcomes of a resource that no other outcome replaces. There are several only if an attempt did not
   * know about the others. A final one, if there is one, comes first.
   */
  standing(resource: string): RecordedOutcome[] {
    return standingLines(this.#lines.get(resource) ?? []);
  }

  /**
   * Returns the final outcome of a resource if nothing needs to be added: only one line counts, it is final, and it
   * lists all applied changes.
   * @param isUnresolved whether this job may have made changes that another job does not know about
   */
  lastWord(resource: string, applied: Outcome['applied'], isUnresolved = false): Outcome | undefined {
    const [line, ...others] = this.standing(resource);
    if (line === undefined || others.length > 0 || isProvisional(line.outcome)) return undefined;
    const isOfOther = this.#ofOtherWork.has(line.evidence);
    if (isUnresolved && isOfOther) return undefined;
    // Another job may have deferred the finding because this job was working on it. Such an outcome does not cover this
    // job's changes.
    if (isOfOther && line.outcome.outcome === 'deferred' && applied.length > 0) return undefined;
    return knowsAll(line.outcome, applied) ? line.outcome : undefined;
  }

  /** Lists the outcomes that attempts at this job wrote and that no other outcome replaces. */
  own(): RecordedOutcome[] {
    const keys = new Set(Array.from({ length: this.#number - 1 }, (_, index) => this.#keyOf(index + 1)));
    return [...this.#lines.keys()]
      .flatMap((resource) => this.standing(resource))
      .filter(({ evidence }) => keys.has(evidence));
  }

  /**
   * Announces the object that will probably be written next. Never throws: the object is announced again before it is
   * written.
   */
  async announceAhead(): Promise<void> {
    this.#ahead = this.#number;
    await this.#done.announce(this.#number).catch(() => undefined);
  }

  /** Announces the object that will probably be written next, while something is read. */
  async announceWhile<T>(reading: Promise<T>): Promise<T> {
    const announcing = this.announceAhead();
    try {
      return await reading;
    } finally {
      await announcing;
    }
  }

  /**
   * Withdraws an early announcement if no object was needed. Never throws: if this fails, other jobs try to read an
   * object that does not exist.
   */
  async retractUnused(): Promise<void> {
    if (this.#ahead === undefined) return;
    await this.#done.retract(this.#ahead).catch(() => undefined);
    this.#ahead = undefined;
  }

  /**
   * Writes outcomes, except for findings whose final outcome already lists every change. The object is announced to
   * other jobs first. Only the last attempt may write provisional outcomes without an announcement.
   * @param isLast whether this is the last attempt
   * @param told writes that must have ended, successfully or not, before the object is written
   * @returns the outcomes that were written
   */
  async write(
    outcomes: readonly Outcome[],
    isLast = false,
    told: Promise<unknown> = Promise.resolve(),
  ): Promise<RecordedOutcome[]> {
    for (;;) {
      if (this.#due(outcomes).length === 0) return [];
      try {
        await this.#done.announce(this.#number);
        await this.readOthers();
      } catch (error) {
        if (!isLast || !outcomes.every(isProvisional)) throw error;
      }
      const due = this.#due(outcomes);
      if (due.length === 0) return [];
      const key = this.#key;
      await told;
      this.#ahead = undefined;
      const isWritten = await this.#objects.writeOutcomes(key, due);
      const standing = isWritten ? due : await this.#objects.readOutcomes(key);
      if (standing === undefined)
        throw new Error(`${key} existed when this attempt tried to write it, but no longer exists`);
      this.#number += 1;
      this.#learn(standing, key);
      if (isWritten) return due.flatMap(({ finding }) => this.standing(finding.resource).slice(0, 1));
    }
  }

  get #key(): string {
    return this.#keyOf(this.#number);
  }

  #keyOf(number: number): string {
    return outcomesKey(this.#job.poll, jobId(this.#job), number);
  }

  #learn(outcomes: readonly Outcome[], evidence: string): void {
    if (this.#known.has(evidence)) return;
    this.#known.add(evidence);
    for (const outcome of outcomes) this.#lines.get(outcome.finding.resource)?.push({ outcome, evidence });
  }

  /** Lists the changes that jobs with another journal applied to the job's findings at this poll. */
  appliedByOthers(): AppliedChange[] {
    return [...this.#lines].flatMap(([resource, lines]) => {
      const own = this.#ownLines(resource).flatMap(({ applied }) => applied);
      return lines
        .filter(({ evidence }) => this.#ofOtherWork.has(evidence))
        .flatMap(({ outcome }) => notIn(outcome.applied, own));
    });
  }

  #ownLines(resource: string): Outcome[] {
    const lines = this.#lines.get(resource) ?? [];
    return lines.flatMap(({ outcome, evidence }) => (this.#ofOtherWork.has(evidence) ? [] : outcome));
  }

  /** Selects the outcomes that must be written, each with the lines that it replaces. */
  #due(outcomes: readonly Outcome[]): Outcome[] {
    return outcomes.flatMap((outcome) => {
      const { resource } = outcome.finding;
      const [first, ...further] = this.standing(resource);
      if (first === undefined) return outcome;
      if (this.lastWord(resource, outcome.applied) !== undefined) return [];
      const replacing: Outcome = {
        ...outcome,
        replaces: first.evidence,
        ...(further.length > 0 && { alsoReplaces: further.map(({ evidence }) => evidence) }),
      };
      const own = this.#ownLines(resource);
      return [first, ...further]
        .filter(({ evidence }) => this.#ofOtherWork.has(evidence))
        .reduce((taking, other) => takePlace(taking, other.outcome, own), replacing);
    });
  }
}

/**
 * Checks whether an outcome lists all of these changes. Another job's outcome may not contain those that this job
 * applied.
 */
function knowsAll({ applied }: Outcome, changes: Outcome['applied']): boolean {
  return changes.every((change) =>
    applied.some((known) => isDeepStrictEqual(known, change) || isSupersededBy(change, known)),
  );
}
