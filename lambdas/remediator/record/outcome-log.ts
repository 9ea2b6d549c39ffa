import { isDeepStrictEqual } from 'node:util';
import { outcomesKey } from '../../model/evidence-keys.ts';
import { type Job, jobId } from '../../model/job.ts';
import { type AppliedChange, isProvisional, type Outcome } from '../../model/outcome.ts';
import { standingLines } from '../../model/standing.ts';
import type { DoneJobs } from './done-jobs.ts';
import type { EvidenceStore } from './evidence-store.ts';
import { isSupersededBy, notIn, takePlace } from './take-place.ts';

/** An outcome, and the key of the evidence object that holds it. */
export interface RecordedOutcome {
  readonly outcome: Outcome;
  readonly evidence: string;
}

type Objects = Pick<EvidenceStore, 'readOutcomes' | 'writeOutcomes'>;

/**
 * The outcomes of a job: one object per attempt that concluded something, numbered from 1, none ever written over. An
 * attempt that does not know of an earlier one's object learns of it when it would take the same number. In addition, what
 * other jobs of the poll wrote of the same findings: a finding has one line that counts.
 */
export class OutcomeLog {
  readonly #job: Job;
  readonly #objects: Objects;
  readonly #done: Pick<DoneJobs, 'evidenceOfOthers' | 'announce' | 'retract'>;
  /** All lines that are known of the job's findings, by resource, each once. */
  readonly #lines = new Map<string, RecordedOutcome[]>();
  /** The keys of the objects that were read or written. */
  readonly #known = new Set<string>();
  /** The keys of those of jobs with another journal. */
  readonly #ofOtherWork = new Set<string>();
  #number = 1;
  /** The number of an object that was announced before it was known whether there will be one. */
  #ahead: number | undefined;

  constructor(job: Job, objects: Objects, done: Pick<DoneJobs, 'evidenceOfOthers' | 'announce' | 'retract'>) {
    this.#job = job;
    this.#objects = objects;
    this.#done = done;
    for (const { resource } of job.findings) this.#lines.set(resource, []);
  }

  /** Reads what earlier attempts at the job wrote. Of an object that one of them could not announce, others know from now on. */
  async read(): Promise<void> {
    for (;;) {
      const outcomes = await this.#objects.readOutcomes(this.#key);
      if (outcomes === undefined) return;
      await this.#done.announce(this.#number);
      this.#learn(outcomes, this.#key);
      this.#number += 1;
    }
  }

  /** Reads what other jobs of the poll wrote of the job's findings, as far as it is not known. Where an object is gone: nothing. */
  async readOthers(furtherKeys: Iterable<string> = []): Promise<void> {
    const further = [...furtherKeys].map((key) => ({ key, isOfSameWork: false }));
    for (const { key, isOfSameWork } of [...this.#done.evidenceOfOthers(), ...further]) {
      if (this.#known.has(key)) continue;
      if (!isOfSameWork) this.#ofOtherWork.add(key);
      this.#learn((await this.#objects.readOutcomes(key)) ?? [], key);
    }
  }

  /**
   * The outcome that counts of a resource: no other one takes its place. There are several only where an attempt did not learn
   * of the others; then the first is the final one, if any is.
   */
  standing(resource: string): RecordedOutcome[] {
    return standingLines(this.#lines.get(resource) ?? []);
  }

  /**
   * The final outcome of a resource, if nothing is left to add: one line counts, it is final, and it knows what was applied.
   * @param isUnresolved whether this job may have left something, of which another one does not know
   */
  lastWord(resource: string, applied: Outcome['applied'], isUnresolved = false): Outcome | undefined {
    const [line, ...others] = this.standing(resource);
    if (line === undefined || others.length > 0 || isProvisional(line.outcome)) return undefined;
    const isOfOther = this.#ofOtherWork.has(line.evidence);
    if (isUnresolved && isOfOther) return undefined;
    // That another job left the finding to one that is at work is not the end of what this one changed.
    if (isOfOther && line.outcome.outcome === 'deferred' && applied.length > 0) return undefined;
    return knowsAll(line.outcome, applied) ? line.outcome : undefined;
  }

  /** Lists the outcomes that attempts at this job wrote and that count. */
  own(): RecordedOutcome[] {
    const keys = new Set(Array.from({ length: this.#number - 1 }, (_, index) => this.#keyOf(index + 1)));
    return [...this.#lines.keys()]
      .flatMap((resource) => this.standing(resource))
      .filter(({ evidence }) => keys.has(evidence));
  }

  /** Announces the object that is likely to be written next. Never throws: it is announced before it is written in any case. */
  async announceAhead(): Promise<void> {
    this.#ahead = this.#number;
    await this.#done.announce(this.#number).catch(() => undefined);
  }

  /**
   * Takes back what was announced ahead, if nothing is written after all. Never throws: then others look for an object
   * that is not there.
   */
  async retractUnused(): Promise<void> {
    if (this.#ahead === undefined) return;
    await this.#done.retract(this.#ahead).catch(() => undefined);
    this.#ahead = undefined;
  }

  /**
   * Writes outcomes, but for those of findings of which a final one stands that knows all that was changed. Other jobs know
   * before that there will be an object, but for a job without attempts that only says that it was not finished.
   * @param isLast whether no attempt follows
   * @param told what has to be known to others before there is an object, whether that went well or not
   * @returns what was written
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
        throw new Error(`${key} existed when this attempt tried to write it, but can no longer be found`);
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

  /** Lists what jobs with another journal say they applied to the job's findings at this poll. */
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

  /** The outcomes that are to be written, each with the line whose place it takes. */
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

/** Reports whether an outcome has all of these changes. One of another job may lack what this one applied. */
function knowsAll({ applied }: Outcome, changes: Outcome['applied']): boolean {
  return changes.every((change) =>
    applied.some((known) => isDeepStrictEqual(known, change) || isSupersededBy(change, known)),
  );
}
