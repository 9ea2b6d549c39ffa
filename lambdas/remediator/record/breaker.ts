import { createHash, randomUUID } from 'node:crypto';
import type { Condition } from '../../aws/findings-table.ts';
import {
  type ChangeResult,
  judge,
  type Opened,
  openedOf,
  type TripItem,
  tripKey,
  withResults,
} from '../../model/breaker.ts';
import type { BreakerSettings } from '../../model/breaker-settings.ts';
import { DeliveryError } from '../../model/errors.ts';
import type { Finding } from '../../model/finding.ts';
import { type Job, type Occasion, pollId } from '../../model/job.ts';
import type { Ports } from '../ports.ts';
import type { BreakerName, BreakerState } from './findings-store.ts';

/** Time for which a breaker's item is kept. The item of an open breaker is practically never deleted. */
const KEPT_SECONDS = { open: 10 * 365 * 86_400, closed: 7 * 86_400 };

/** Maximum number of attempts to write, because other writers may be faster. */
const ATTEMPTS = 10;

/**
 * Circuit breaker of a job's rule in its account. It opens if too many changes within an hour failed or were undone by
 * hand.
 */
export class Breaker {
  readonly #job: Job;
  readonly #ports: Pick<Ports, 'clock' | 'table'>;
  #settings: BreakerSettings | undefined;
  #known: BreakerState = { item: undefined, resume: undefined };
  /** The results that this job has noted, by id. */
  readonly #own = new Map<string, ChangeResult>();

  constructor(job: Job, ports: Pick<Ports, 'clock' | 'table'>) {
    this.#job = job;
    this.#ports = ports;
  }

  /** Sets the state of the breaker as read from the table. */
  keep(known: BreakerState): void {
    this.#known = known;
  }

  /** Sets the thresholds at which the breaker opens. */
  judgeBy(settings: BreakerSettings): void {
    this.#settings = settings;
  }

  /** The reason why the breaker is open, according to the known results; undefined if it is closed. */
  get opened(): Opened | undefined {
    return this.#openedBy(this.#known, this.#resultsIn(this.#known));
  }

  /** The problem with an operator's unreadable item to resume the rule; undefined if there is none. */
  get problem(): string | undefined {
    const { resume } = this.#known;
    return resume !== undefined && 'problem' in resume ? resume.problem : undefined;
  }

  /**
   * Notes the result of a change that this job made.
   * @param reason the reason why the change failed; undefined if it succeeded
   */
  note(finding: Finding, poll: Occasion, reason?: string): void {
    this.#note({
      id: idOf(finding, poll),
      at: this.#ports.clock.now(),
      ...(reason !== undefined && { reason }),
    });
  }

  /**
   * Notes that an earlier job's change was undone by hand. It counts as a result of the hour in which the change was
   * made.
   */
  noteUndone(finding: Finding, poll: Occasion, madeAt: Date, reason: string): void {
    const seenAt = this.#ports.clock.now();
    this.#note({ id: idOf(finding, poll), at: madeAt.getTime(), seenAt, reason });
  }

  #note(result: ChangeResult): void {
    const known = this.#own.get(result.id);
    if (known !== undefined && (known.reason !== undefined || result.reason === undefined)) return;
    this.#own.set(result.id, result);
  }

  /**
   * Returns the number of changes that may be in progress at once: no more than would open the breaker if all of them
   * failed. If this job has as many results as the breaker evaluates, and none failed, it is `most`.
   */
  mostAtOnce(most: number): number {
    const settings = this.#settings;
    if (settings === undefined) return most;
    const own = [...this.#own.values()];
    if (own.length >= settings.changes && own.every(({ reason }) => reason === undefined)) return most;
    const now = this.#ports.clock.now();
    const results = this.#resultsIn(this.#known);
    const failing = (count: number): ChangeResult[] =>
      Array.from({ length: count }, (_, index) => ({ id: `${index}`, at: now, reason: '' }));
    let count = 1;
    while (count < most && judge([...results, ...failing(count)], settings, now) === undefined) count += 1;
    return count;
  }

  /**
   * Adds the noted results to those of all jobs, and opens the breaker if they reach its thresholds.
   * @throws DeliveryError if another writer changed the item during each attempt; AWS's own error otherwise
   */
  async write(): Promise<void> {
    if (this.#own.size === 0) return;
    const writer = randomUUID();
    for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
      // The first attempt uses the item as read at the start of the job.
      if (attempt > 1 || this.#settings === undefined) {
        this.#known = (await this.#ports.table.readOperatorItems({ breaker: this.name })).breaker;
      }
      const known = this.#known;
      const results = this.#resultsIn(known);
      const opened = this.#openedBy(known, results);
      const isWritten = await this.#ports.table.writeBreaker(
        this.#itemOf(writer, results, opened),
        conditionOf(known.item, writer),
      );
      if (isWritten) return;
    }
    throw new DeliveryError(
      `${tripKey(this.name).pk} could not be written: another writer changed the item during each of ${ATTEMPTS} attempts`,
    );
  }

  /** The breaker's name: the job's rule and account. */
  get name(): BreakerName {
    return { rule: this.#job.poll.rule, account: this.#job.account };
  }

  #resultsIn(known: BreakerState): ChangeResult[] {
    const since = resumedAt(known, this.#ports.clock.now());
    const results = withResults(known.item?.results ?? [], [...this.#own.values()], this.#ports.clock.now());
    return results.filter(({ at }) => at > since);
  }

  #openedBy(known: BreakerState, results: readonly ChangeResult[]): Opened | undefined {
    const now = this.#ports.clock.now();
    return openedOf(known.item, results, resumedAt(known, now), this.#settings, now);
  }

  #itemOf(writer: string, results: ChangeResult[], opened: Opened | undefined): TripItem {
    const seconds = opened === undefined ? KEPT_SECONDS.closed : KEPT_SECONDS.open;
    return {
      ...tripKey(this.name),
      version: 1,
      expiresAt: Math.floor(this.#ports.clock.now() / 1000) + seconds,
      writer,
      results,
      ...(opened !== undefined && { opened }),
    };
  }
}

/** Builds an id that is the same for all results of a finding's change at a poll. */
function idOf({ region, resource }: Finding, poll: Occasion): string {
  const text = JSON.stringify([region, resource, pollId(poll)]);
  return createHash('sha256').update(text).digest('hex').slice(0, 20);
}

/**
 * Returns the time at which an operator last resumed the rule, in milliseconds since 1970; -Infinity if never. A time in
 * the future does not count yet, because the breaker could not open again until then.
 */
function resumedAt({ resume }: BreakerState, now: number): number {
  if (resume === undefined || 'problem' in resume) return Number.NEGATIVE_INFINITY;
  const at = Date.parse(resume.at);
  return at <= now ? at : Number.NEGATIVE_INFINITY;
}

/**
 * Requires that the item has not changed since it was read, or already has the content of this write, because the SDK
 * may send the write twice.
 */
function conditionOf(item: TripItem | undefined, writer: string): Condition {
  const names = { '#writer': 'writer' };
  if (item === undefined) {
    return {
      expression: 'attribute_not_exists(pk) OR #writer = :writer',
      names,
      values: { ':writer': writer },
    };
  }
  return {
    expression: '#writer = :known OR #writer = :writer',
    names,
    values: { ':known': item.writer, ':writer': writer },
  };
}
