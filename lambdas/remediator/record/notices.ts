import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import type { FindingsTable } from '../../aws/findings-table.ts';
import type { Clock } from '../../model/clock.ts';
import type { Notice } from '../../model/notice.ts';
import { type ItemKey, parseItem } from '../../model/table-items.ts';

/** Schema of the item that records the last published notice. */
const publishedSchema = z.object({
  pk: z.string(),
  sk: z.string(),
  version: z.literal(1),
  expiresAt: z.number().int().positive(),
  /** Milliseconds since 1970. */
  at: z.number().int(),
  /** `false` until the notice is published. */
  isSent: z.literal(false).optional(),
  /** The id of the write that made the item. */
  writer: z.string(),
});
type Published = z.infer<typeof publishedSchema>;

const KEPT_SECONDS = 30 * 86_400;

/** The longest run of a Lambda function. */
const LONGEST_RUN_MILLISECONDS = 900_000;

/**
 * Checks whether a notice that is not marked as published is lost, because the function that was about to publish it no
 * longer runs.
 * @param at the time of the first mark, in milliseconds since 1970
 */
export function isLost(isSent: false | undefined, at: number, now: number): boolean {
  return isSent === false && now - at > LONGEST_RUN_MILLISECONDS;
}

/**
 * Publishes notices about what prevents a rule's fixes, each once: if jobs in several regions notice the same event,
 * only one of them publishes it.
 */
export class Notices {
  readonly #table: Pick<FindingsTable, 'read' | 'putIf'>;
  readonly #publish: (notice: Notice) => Promise<void>;
  readonly #clock: Clock;

  constructor(
    table: Pick<FindingsTable, 'read' | 'putIf'>,
    publish: (notice: Notice) => Promise<void>,
    clock: Clock,
  ) {
    this.#table = table;
    this.#publish = publish;
    this.#clock = clock;
  }

  /**
   * Publishes a notice unless it has already been published. If a function was killed before it marked the notice as
   * published, a later job publishes it, perhaps a second time.
   * @param key the key of the item that the notice is about; the published notice is stored next to it
   * @param since milliseconds since 1970; a notice that was published before that time is published again
   * @throws AWS's own error; a later job then publishes it
   */
  async publish(notice: Notice, key: ItemKey, since: number): Promise<void> {
    const place = { pk: key.pk, sk: 'told' };
    const [found] = await this.#table.read([place]);
    const known = found === undefined ? undefined : parseItem(publishedSchema, found);
    const at = this.#clock.now();
    if (known !== undefined && known.at >= since && !isLost(known.isSent, known.at, at)) return;
    const expiresAt = Math.floor(at / 1000) + KEPT_SECONDS;
    const sent: Published = { ...place, version: 1, expiresAt, at, writer: randomUUID() };
    const item: Published = { ...sent, isSent: false, writer: randomUUID() };
    // The item is written first, so that only one of several jobs publishes the notice.
    if (!(await this.#putOver(known, item))) return;
    try {
      await this.#publish(notice);
    } catch (error) {
      await this.#putOver(item, known ?? { ...sent, at: 0 });
      throw error;
    }
    // If this fails, a later job publishes the notice again.
    await this.#putOver(item, sent).catch(() => false);
  }

  /**
   * Writes an item if the current one is the known one, or the one of this write, because the SDK may send it twice.
   */
  async #putOver(known: Published | undefined, item: Published): Promise<boolean> {
    const names = { '#writer': 'writer' };
    const isThere = known === undefined ? 'attribute_not_exists(pk)' : '#writer = :known';
    const { isWritten } = await this.#table.putIf({
      item,
      condition: {
        expression: `${isThere} OR #writer = :writer`,
        names,
        values: { ':writer': item.writer, ...(known !== undefined && { ':known': known.writer }) },
      },
    });
    return isWritten;
  }
}
