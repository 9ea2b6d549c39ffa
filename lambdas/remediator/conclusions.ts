import pLimit from 'p-limit';
import { describeError, errorKind } from '../aws/errors.ts';
import type { Clock } from '../model/clock.ts';
import { ChangeRefusedError } from '../model/errors.ts';
import type { Finding } from '../model/finding.ts';
import type { Job } from '../model/job.ts';
import type { Outcome, RecordedChange } from '../model/outcome.ts';
import type { Mode } from '../model/settings.ts';
import type { EvidenceStore } from './evidence.ts';
import type { Journal } from './journal.ts';

/** What is known of an outcome besides its job, its finding, its times and what the journal knows. */
export type Facts = Partial<Pick<Outcome, 'reason' | 'willRetry' | 'seen' | 'plan' | 'deadLetter'>>;

/** A finding that must be worked on again, what stopped it, and what is known so far. */
export interface Unfinished {
  readonly finding: Finding;
  readonly error: unknown;
  readonly facts: Facts & Pick<Outcome, 'applied'>;
}

/** A finding that AWS works on for minutes. */
export interface InProgressFinding {
  readonly finding: Finding;
  readonly reason: string;
  readonly facts: Facts;
}

const WRITES_AT_ONCE = 8;

/** Keeps account of a job's findings: each ends with one outcome, or unfinished. */
export class Conclusions {
  /** The rule's mode for the job's account, once it is known. */
  mode: Mode | undefined;
  readonly #job: Job;
  readonly #journal: Journal;
  readonly #clock: Clock;
  readonly #startedAt: string;
  /** Those that earlier attempts wrote. */
  readonly #earlier = new Map<string, Outcome>();
  readonly #outcomes = new Map<string, Outcome>();
  readonly #unfinished = new Map<string, Unfinished>();
  readonly #inProgress = new Map<string, InProgressFinding>();
  readonly #ended = new Map<string, readonly string[]>();
  readonly #idle = new Map<string, Finding>();

  constructor(job: Job, journal: Journal, clock: Clock) {
    this.#job = job;
    this.#journal = journal;
    this.#clock = clock;
    this.#startedAt = new Date(clock.now()).toISOString();
  }

  /** The findings that have neither an outcome nor an error yet. */
  get open(): Finding[] {
    return this.#job.findings.filter(
      ({ resource }) =>
        !this.#earlier.has(resource) &&
        !this.#outcomes.has(resource) &&
        !this.#unfinished.has(resource) &&
        !this.#inProgress.has(resource),
    );
  }

  get inProgress(): readonly InProgressFinding[] {
    return [...this.#inProgress.values()];
  }

  get unfinished(): readonly Unfinished[] {
    return [...this.#unfinished.values()];
  }

  /** Takes an outcome that an earlier attempt wrote: nothing is left to be done for its finding. */
  keep(outcome: Outcome): void {
    this.#earlier.set(outcome.finding.resource, outcome);
  }

  /** Outcomes of earlier attempts that were cut off before they told anyone. */
  get untold(): Outcome[] {
    return [...this.#earlier.values()].filter(({ finding }) => !this.#journal.isTold(finding.resource));
  }

  /** Notes exemptions of a finding that have ended, for whatever outcome it will have. */
  noteEnded(finding: Finding, ended: readonly string[]): void {
    if (ended.length === 0) return;
    this.#ended.set(finding.resource, [...(this.#ended.get(finding.resource) ?? []), ...ended]);
  }

  /** Notes that no automation execution works on a finding, or not any more. */
  noteIdle(finding: Finding): void {
    this.#idle.set(finding.resource, finding);
  }

  get idle(): readonly Finding[] {
    return [...this.#idle.values()];
  }

  /** Whatever the outcome is, it has all that this attempt and earlier ones applied. */
  conclude(finding: Finding, outcome: Outcome['outcome'], facts: Facts = {}): void {
    const { resource } = finding;
    const ended = this.#ended.get(resource);
    const earlierPlan = this.#journal.earlierPlan(resource);
    const applied = this.#journal.applied(resource);
    const seen = this.#journal.seen(resource) ?? facts.seen;
    const plan = facts.plan ?? earlierPlan ?? [];
    const isTold = ({ line }: RecordedChange): boolean =>
      [plan, applied].every((changes) => changes.some((change) => change.line === line));
    this.#inProgress.delete(resource);
    this.#outcomes.set(resource, {
      version: 1,
      poll: this.#job.poll,
      finding,
      outcome,
      ...(this.mode !== undefined && { mode: this.mode }),
      ...facts,
      plan,
      applied,
      ...(earlierPlan?.every(isTold) === false && { earlierPlan }),
      ...(seen !== undefined && { seen }),
      ...(ended !== undefined && { endedExemptions: [...ended] }),
      startedAt: this.#startedAt,
      finishedAt: new Date(this.#clock.now()).toISOString(),
    });
  }

  /** Leaves the finding to a later look: AWS works on it. */
  wait(finding: Finding, reason: string, facts: Facts = {}): void {
    this.#inProgress.set(finding.resource, { finding, reason, facts });
  }

  concludeAll(outcome: Outcome['outcome'], facts: Facts): void {
    for (const finding of this.open) this.conclude(finding, outcome, facts);
  }

  /** Leaves the finding to the next attempt. */
  putBack(finding: Finding, error: unknown, facts: Facts = {}): void {
    const applied = this.#journal.applied(finding.resource);
    this.#inProgress.delete(finding.resource);
    this.#unfinished.set(finding.resource, { finding, error, facts: { ...facts, applied } });
  }

  putBackAll(error: unknown): void {
    for (const finding of this.open) this.putBack(finding, error);
  }

  /** What AWS refused has failed, unless the resource is busy or gone; anything else may go better at the next attempt. */
  failOrPutBack(finding: Finding, error: unknown, facts: Facts = {}, words = ''): void {
    const reason = `${words}${describeError(error)}`;
    if (error instanceof ChangeRefusedError && error.because === 'gone') {
      this.conclude(finding, 'gone', { ...facts, reason });
    } else if (error instanceof ChangeRefusedError && error.because === 'busy') {
      this.conclude(finding, 'deferred', { ...facts, willRetry: true, reason });
    } else if (errorKind(error) === 'refused') {
      this.conclude(finding, 'failed', { ...facts, willRetry: true, reason });
    } else this.putBack(finding, error, facts);
  }

  /**
   * Gives the unfinished findings an outcome, for there is no further attempt: the job goes to the dead-letter queue.
   */
  giveUp(attempts: number): void {
    for (const { finding, error, facts } of this.unfinished) {
      this.conclude(finding, 'failed', {
        ...facts,
        willRetry: true,
        deadLetter: true,
        reason: `not finished in ${attempts} attempts, so the job is in the dead-letter queue; the next poll tries again, as does a redrive. The last error: ${describeError(error)}`,
      });
    }
  }

  /**
   * Writes the outcomes. A finding whose outcome can't be written is unfinished.
   * @returns those that were written, without those that the evidence store had already
   */
  async write(evidence: EvidenceStore): Promise<Outcome[]> {
    const written: Outcome[] = [];
    await pLimit(WRITES_AT_ONCE).map(this.#outcomes.values(), async (outcome) => {
      const { finding, seen, plan } = outcome;
      try {
        if (await evidence.writeOutcome(outcome)) written.push(outcome);
      } catch (error) {
        this.putBack(finding, error, { plan, ...(seen !== undefined && { seen }) });
      }
    });
    return written;
  }
}
