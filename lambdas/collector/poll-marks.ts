import type { Condition, FindingsTable } from '../aws/findings-table.ts';
import type { Clock } from '../model/clock.ts';
import type { Poll } from '../model/job.ts';
import { type PollItem, parseItem, pollItemSchema, pollKey } from '../model/table-items.ts';

/** The time of a rule's last complete poll or, before its first poll, the time from which polls are expected. */
export type PollMark = Pick<PollItem, 'rule' | 'at' | 'poll'>;

/**
 * Time for which a mark is kept. It is renewed every hour while its rule is enabled, because without a mark the rule
 * would count as new.
 */
const KEPT_SECONDS = 400 * 86_400;

/** Reads and writes the marks in the findings table. */
export class PollMarks {
  readonly #table: Pick<FindingsTable, 'read' | 'putIf'>;
  readonly #clock: Clock;

  constructor(table: Pick<FindingsTable, 'read' | 'putIf'>, clock: Clock) {
    this.#table = table;
    this.#clock = clock;
  }

  /** Reads the existing marks of rules. */
  async read(rules: readonly string[]): Promise<PollMark[]> {
    if (rules.length === 0) return [];
    const items = await this.#table.read(rules.map(pollKey));
    return items.map((item) => parseItem(pollItemSchema, item));
  }

  /** Records that a poll of a rule is complete, unless a later poll is recorded. */
  async end(poll: Poll, at: string): Promise<void> {
    await this.#put({ rule: poll.rule, at, poll }, isNotLater(at));
  }

  /** Renews a mark, or writes a rule's first one, unless a poll has ended in the meantime. */
  async renew({ rule, at, poll }: PollMark): Promise<void> {
    await this.#put({ rule, at, ...(poll !== undefined && { poll }) }, isSame(at));
  }

  async #put(mark: PollMark, condition: Condition): Promise<void> {
    const expiresAt = Math.floor(this.#clock.now() / 1000) + KEPT_SECONDS;
    const item: PollItem = { ...pollKey(mark.rule), version: 1, ...mark, expiresAt };
    const put = await this.#table.putIf({ item, condition });
    // Throws if this version can't read the existing item.
    if (!put.isWritten) parseItem(pollItemSchema, put.found);
  }
}

/** Requires that the time of an existing item is not later. All times have the same format, so they sort as text. */
function isNotLater(at: string): Condition {
  return {
    expression: 'attribute_not_exists(pk) OR (#version = :version AND #at <= :at)',
    names: { '#version': 'version', '#at': 'at' },
    values: { ':version': 1, ':at': at },
  };
}

function isSame(at: string): Condition {
  return {
    expression: 'attribute_not_exists(pk) OR (#version = :version AND #at = :at)',
    names: { '#version': 'version', '#at': 'at' },
    values: { ':version': 1, ':at': at },
  };
}
