import { randomUUID } from 'node:crypto';
import { LeaseHeldError } from '../../model/errors.ts';
import type { JournalRecord } from '../../model/journal.ts';
import { isProvisional, type Outcome } from '../../model/outcome.ts';
import { ChangeNotes } from './change-notes.ts';
import type { EvidenceStore } from './evidence-store.ts';

type HandedOn = NonNullable<JournalRecord['handedOn']>[number];

/**
 * The plans and changes of all attempts at one job, as an object. It is written before anything is changed, so that
 * an interrupted attempt leaves no unrecorded change, after each change, so that this need not be found
 * out by reading, and after an attempt that leaves something to the next.
 */
export class Journal extends ChangeNotes {
  readonly #jobId: string;
  readonly #evidence: EvidenceStore;
  readonly #published = new Set<string>();
  #handedOn: readonly HandedOn[] = [];
  #startedAt: string | undefined;
  readonly #writer = randomUUID();
  /** The version that was read or written last. */
  #version: string | undefined;
  #isTakenOver = false;
  /** The write that is under way, and the one that comes after it. */
  #writing: Promise<void> | undefined;
  #next: Promise<void> | undefined;

  constructor(jobId: string, evidence: EvidenceStore) {
    super();
    this.#jobId = jobId;
    this.#evidence = evidence;
  }

  /**
   * Reads it.
   * @param reading what was read of it already, where nobody can have written it since
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

  /** Asks for it, and takes nothing of it yet. */
  ask(): ReturnType<EvidenceStore['readJournal']> {
    return this.#evidence.readJournal(this.#jobId);
  }

  /**
   * Writes it, over no version but the one that this attempt knows: who outlived its lease learns of it here, before it
   * changes anything. One write comes after another: callers that ask for one in the meantime, or at the same moment, share the next,
   * which has all that was noted until then.
   * @throws LeaseHeldError when another attempt has written in the meantime
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
   * Writes what was applied, or was not made after all, since the last write, if anything was.
   * @throws as `write`
   */
  async writeNews(): Promise<void> {
    if (this.hasNews) await this.write();
  }

  /**
   * Marks what was just applied, so that an attempt that is cut off from here on leaves nothing to find out. Never throws:
   * where the mark can't be written, the intention stands in its place, and the next write has both. That one comes before
   * anything else is changed, and before outcomes are recorded, and its error ends the work.
   */
  async mark(): Promise<void> {
    if (!this.#isTakenOver) await this.writeNews().catch(() => undefined);
  }

  /** True if a write has met the version of another attempt. */
  get isTakenOver(): boolean {
    return this.#isTakenOver;
  }

  /** Notes that an attempt begins. @returns when the first one began */
  start(at: string): string {
    this.#startedAt ??= at;
    return this.#startedAt;
  }

  /** Notes that a later job continues with findings: from then on this one leaves them alone, but makes sure that it is sent. */
  handOn(look: number, resources: readonly string[]): void {
    this.#handedOn = [...this.#handedOn, { look, resources: [...resources] }];
  }

  /** Lists what was handed on to jobs of a look. */
  handedOn(look: number): readonly HandedOn[] {
    return this.#handedOn.filter((each) => each.look === look);
  }

  /** Finds when the first attempt began; now, if this is the first. */
  startOf(now: Date): Date {
    return this.#startedAt === undefined ? now : new Date(this.#startedAt);
  }

  /** Notes that the event bus has these outcomes. A provisional one is not final. */
  publish(outcomes: readonly Outcome[]): void {
    for (const outcome of outcomes) {
      if (!isProvisional(outcome)) this.#published.add(outcome.finding.resource);
    }
  }

  isPublished(resource: string): boolean {
    return this.#published.has(resource);
  }

  /** Reports whether a change of a resource was begun for another finding since a moment, with an unknown result. */
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

/** Resolves when all have spoken who do at the same moment. */
function endOfMoment(): Promise<void> {
  return new Promise((resolve) => queueMicrotask(() => process.nextTick(resolve)));
}
