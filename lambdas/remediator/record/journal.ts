import { randomUUID } from 'node:crypto';
import { LeaseHeldError } from '../../model/errors.ts';
import type { JournalRecord } from '../../model/journal.ts';
import { isProvisional, type Outcome } from '../../model/outcome.ts';
import { ChangeNotes } from './change-notes.ts';
import type { EvidenceStore } from './evidence-store.ts';

type HandedOn = NonNullable<JournalRecord['handedOn']>[number];

/**
 * Plans and changes of all attempts at one job, stored as an S3 object. It is written before each change, so that an
 * interrupted attempt leaves no unrecorded change; after each change, so that its result is known without a read; and
 * after an attempt that leaves work to the next one.
 */
export class Journal extends ChangeNotes {
  readonly #jobId: string;
  readonly #evidence: EvidenceStore;
  readonly #published = new Set<string>();
  #handedOn: readonly HandedOn[] = [];
  #startedAt: string | undefined;
  readonly #writer = randomUUID();
  /** The last version that was read or written. */
  #version: string | undefined;
  #isTakenOver = false;
  /** The write in progress, followed by the next one. */
  #writing: Promise<void> | undefined;
  #next: Promise<void> | undefined;

  constructor(jobId: string, evidence: EvidenceStore) {
    super();
    this.#jobId = jobId;
    this.#evidence = evidence;
  }

  /**
   * Reads the journal.
   * @param reading a read that was started earlier, if the journal cannot have been written since
   * @returns whether an earlier attempt wrote one
   */
  async read(reading = this.ask()): Promise<boolean> {
    const found = await reading;
    const record = found?.journal;
    this.#version = found?.version;
    this.keep(record?.resources ?? []);
    this.#handedOn = record?.handedOn ?? [];
    for (const resource of record?.published ?? []) this.#published.add(resource);
    this.#startedAt = record?.startedAt;
    return record !== undefined;
  }

  /** Starts reading the journal, without using the result yet. */
  ask(): ReturnType<EvidenceStore['readJournal']> {
    return this.#evidence.readJournal(this.#jobId);
  }

  /**
   * Writes the journal if the current version is the one that this attempt knows. This is how an attempt that has
   * outlived its lease notices it before it changes anything. Writes run one after another. Calls at the same moment,
   * or while a write is in progress, share the next write, which contains all notes up to then.
   * @throws LeaseHeldError if another attempt has written it in the meantime
   */
  write(): Promise<void> {
    const before = this.#writing ?? endOfMoment();
    this.#next ??= before
      .catch(() => undefined)
      .then(() => {
        this.#next = undefined;
        return this.#begin();
      });
    return this.#next;
  }

  #begin(): Promise<void> {
    this.#writing = this.#write().finally(() => {
      this.#writing = undefined;
    });
    return this.#writing;
  }

  async #write(): Promise<void> {
    const hadNews = this.hasNews;
    this.hasNews = false;
    try {
      await this.#put();
    } catch (error) {
      this.hasNews ||= hadNews;
      throw error;
    }
  }

  async #put(): Promise<void> {
    const version = await this.#evidence.writeJournal(
      this.#jobId,
      {
        version: 1,
        writer: this.#writer,
        ...(this.#startedAt !== undefined && { startedAt: this.#startedAt }),
        resources: this.entries,
        ...(this.#handedOn.length > 0 && { handedOn: [...this.#handedOn] }),
        published: [...this.#published],
      },
      this.#version,
    );
    if (version === undefined) {
      this.#isTakenOver = true;
      throw new LeaseHeldError(`another attempt has written the journal ${this.#jobId} in the meantime`);
    }
    this.#version = version;
  }

  /**
   * Writes the journal if a change was applied, or was found not to have been made, since the last write.
   * @throws as `write`
   */
  async writeNews(): Promise<void> {
    if (this.hasNews) await this.write();
  }

  /**
   * Records the changes that were just applied, so that their results are known if the attempt is interrupted
   * afterwards. Never throws: if the write fails, the journal still contains the intended changes, and the next write
   * adds the results. That write precedes any other change and the recording of outcomes, and its error ends the
   * attempt.
   */
  async mark(): Promise<void> {
    if (!this.#isTakenOver) await this.writeNews().catch(() => undefined);
  }

  /** True if a write has failed because another attempt has written its version. */
  get isTakenOver(): boolean {
    return this.#isTakenOver;
  }

  /** Notes that an attempt begins. @returns the time at which the first attempt began */
  start(at: string): string {
    this.#startedAt ??= at;
    return this.#startedAt;
  }

  /**
   * Notes that a later job continues with findings. From then on, this job only makes sure that the later job is sent.
   */
  handOn(look: number, resources: readonly string[]): void {
    this.#handedOn = [...this.#handedOn, { look, resources: [...resources] }];
  }

  /** Lists the findings that were handed over to the follow-up job with this number. */
  handedOn(look: number): readonly HandedOn[] {
    return this.#handedOn.filter((each) => each.look === look);
  }

  /** Returns the time at which the first attempt began; `now` if this is the first attempt. */
  startOf(now: Date): Date {
    return this.#startedAt === undefined ? now : new Date(this.#startedAt);
  }

  /** Notes that these outcomes were published, except for provisional ones, which are not final. */
  publish(outcomes: readonly Outcome[]): void {
    for (const outcome of outcomes) {
      if (!isProvisional(outcome)) this.#published.add(outcome.finding.resource);
    }
  }

  isPublished(resource: string): boolean {
    return this.#published.has(resource);
  }

  /** Checks whether a change to a resource with an unknown result was begun for another finding since a given time. */
  isBegunElsewhere(changed: string, finding: string, since: Date): boolean {
    return this.entries
      .filter(({ resource }) => resource !== finding)
      .some(({ resource }) =>
        this.unresolved(resource).some(
          ({ change, line }) =>
            change.resource === changed &&
            (this.beginOf(resource, line) ?? since).getTime() >= since.getTime(),
        ),
      );
  }
}

/** Resolves after all calls that are made in the same turn of the event loop. */
function endOfMoment(): Promise<void> {
  return new Promise((resolve) => queueMicrotask(() => process.nextTick(resolve)));
}
