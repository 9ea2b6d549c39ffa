import pLimit from 'p-limit';
import type { FindingsTable } from '../aws/findings-table.ts';
import type { Clock } from '../model/clock.ts';
import { type Job, MAX_FINDINGS_PER_JOB, type Poll } from '../model/job.ts';
import {
  type DoneItem,
  doneItemSchema,
  doneKey,
  parseItem,
  type SentItem,
  sentItemSchema,
  sentKey,
} from '../model/table-items.ts';

/** An account, and the region of the remediator that handles its findings. */
export interface Place {
  readonly account: string;
  readonly region: string;
}

/**
 * The decision about a place's findings: they wait for pending jobs, or they become jobs, in which the first
 * `startAfter` findings are placed last so that those which earlier jobs never reached come first.
 */
export type Turn = { readonly is: 'pending' } | { readonly is: 'next'; readonly startAfter: number };

/** Jobs that are not done after this time, or this number of their rule's periods if that is longer, count as lost. */
const LONGEST_MILLISECONDS = 6 * 3_600_000;
const LONGEST_PERIODS = 4;
/** Time after which a place that is behind is reported. */
const LASTING_MILLISECONDS = 12 * 3_600_000;
const KEPT_SECONDS = 30 * 86_400;
const WRITES_AT_ONCE = 32;

const keyOf = ({ account, region }: Place): string => `${account} ${region}`;

/** The state of a place at one poll. */
interface Known {
  readonly place: Place;
  readonly sent: SentItem | undefined;
  readonly turn: Turn;
  /** True if all jobs that the previous poll sent are done. */
  readonly isDone: boolean;
}

export interface SentJobsOptions {
  readonly table: Pick<FindingsTable, 'read' | 'putIf'>;
  readonly clock: Clock;
  readonly poll: Poll;
  /** The longest time between two polls of the rule, in milliseconds; undefined if unknown. */
  readonly period: number | undefined;
}

/**
 * The jobs that polls of a rule have sent, by account and region. A place with pending jobs gets no further ones, so
 * that the queues do not grow if polls are faster than jobs.
 */
export class SentJobs {
  readonly #options: SentJobsOptions;
  readonly #known = new Map<string, Known>();
  /** Jobs that were sent at this poll. */
  readonly #jobs = new Map<string, number>();

  constructor(options: SentJobsOptions) {
    this.#options = options;
  }

  /** Reads the state of the places that have not been read before. */
  async look(places: readonly Place[]): Promise<void> {
    const { table, poll } = this.#options;
    const byKey = new Map(places.map((place) => [keyOf(place), place]));
    const unknown = [...byKey].filter(([key]) => !this.#known.has(key)).map(([, place]) => place);
    if (unknown.length === 0) return;
    const items = await table.read(unknown.map((place) => sentKey({ rule: poll.rule, ...place })));
    const sent = new Map(
      items.map((item) => parseItem(sentItemSchema, item)).map((each) => [keyOf(each), each]),
    );
    const done = await this.#readDone([...sent.values()].filter((each) => this.#mayBePending(each)));
    for (const place of unknown) {
      const key = keyOf(place);
      this.#known.set(key, this.#judge(place, sent.get(key), done.get(key)));
    }
  }

  /** Returns the decision about a place; if it was not read, its findings become jobs. */
  turnOf(place: Place): Turn {
    return this.#known.get(keyOf(place))?.turn ?? { is: 'next', startAfter: 0 };
  }

  /** Counts a job that was sent. */
  sent(job: Job): void {
    const key = keyOf(job);
    this.#jobs.set(key, (this.#jobs.get(key) ?? 0) + 1);
  }

  /** Stores the number of jobs that this complete poll has sent to each place, and since when places are behind. */
  async write(): Promise<void> {
    const items = [...this.#known.values()].flatMap((known) => this.#itemOf(known) ?? []);
    await pLimit(WRITES_AT_ONCE).map(items, (item) => this.#put(item));
  }

  /** The places that have been behind for a long time, and since when. */
  get lasting(): (Place & { readonly since: string })[] {
    const { clock } = this.#options;
    return [...this.#known.values()].flatMap((known) => {
      const since = this.#behindSince(known);
      const isLasting = since !== undefined && clock.now() - Date.parse(since) > LASTING_MILLISECONDS;
      return isLasting ? [{ ...known.place, since }] : [];
    });
  }

  async #readDone(sent: readonly SentItem[]): Promise<Map<string, DoneItem>> {
    if (sent.length === 0) return new Map();
    const items = await this.#options.table.read(sent.map(doneKey));
    return new Map(items.map((item) => parseItem(doneItemSchema, item)).map((each) => [keyOf(each), each]));
  }

  /** Reports whether jobs of an earlier poll may be pending. A repeated poll sends the same jobs again. */
  #mayBePending({ poll, jobs }: SentItem): boolean {
    return jobs > 0 && Date.parse(poll.asOf) < Date.parse(this.#options.poll.asOf);
  }

  #judge(place: Place, sent: SentItem | undefined, done: DoneItem | undefined): Known {
    const next = (startAfter: number): Turn => ({ is: 'next', startAfter });
    if (sent === undefined || !this.#mayBePending(sent)) return { place, sent, turn: next(0), isDone: true };
    const jobs = doneJobs(done);
    if (jobs >= sent.jobs) return { place, sent, turn: next(0), isDone: true };
    const isLost = this.#options.clock.now() >= Date.parse(sent.until);
    return {
      place,
      sent,
      turn: isLost ? next(jobs * MAX_FINDINGS_PER_JOB) : { is: 'pending' },
      isDone: false,
    };
  }

  #behindSince({ sent, isDone }: Known): string | undefined {
    return isDone ? undefined : (sent?.behindSince ?? this.#options.poll.asOf);
  }

  /** Returns the item of a place, if it needs to be written. */
  #itemOf(known: Known): SentItem | undefined {
    const { place, sent, turn } = known;
    const { clock, poll, period = 0 } = this.#options;
    const behindSince = this.#behindSince(known);
    const expiresAt = Math.floor(clock.now() / 1000) + KEPT_SECONDS;
    if (turn.is === 'pending') {
      if (sent === undefined || sent.behindSince !== undefined || behindSince === undefined) return undefined;
      return { ...sent, behindSince, expiresAt };
    }
    const until = clock.now() + Math.max(LONGEST_MILLISECONDS, LONGEST_PERIODS * period);
    return {
      ...sentKey({ rule: poll.rule, ...place }),
      version: 1,
      rule: poll.rule,
      ...place,
      poll,
      at: poll.asOf,
      jobs: this.#jobs.get(keyOf(place)) ?? 0,
      until: new Date(until).toISOString(),
      ...(behindSince !== undefined && { behindSince }),
      expiresAt,
    };
  }

  async #put(item: SentItem): Promise<void> {
    const put = await this.#options.table.putIf({
      item,
      condition: {
        expression: 'attribute_not_exists(pk) OR (#version = :version AND #at <= :at)',
        names: { '#version': 'version', '#at': 'at' },
        values: { ':version': 1, ':at': item.at },
      },
    });
    // Throws if this version can't read the existing item of a later poll.
    if (!put.isWritten) parseItem(sentItemSchema, put.found);
  }
}

/**
 * Counts the distinct jobs of a poll that have evidence, from any run of the collector, because a queue accepts a
 * repeated job only once. A job that continues another one has that job's journal, and does not count separately.
 */
function doneJobs({ jobs }: Pick<DoneItem, 'jobs'> = { jobs: [] }): number {
  return new Set(jobs.map(({ job, journal = job }) => journal)).size;
}
