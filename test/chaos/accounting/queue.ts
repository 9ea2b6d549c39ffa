import { z } from 'zod';
import type { Random } from './random.ts';

/** A time longer than six times a function's timeout: when the message of a killed function comes back. */
const VISIBILITY_TIMEOUT_MILLISECONDS = 1_860_000;

/** Time for which a queue drops messages with the same deduplication id (SQS developer guide, "Exactly-once processing"). */
const DEDUPLICATION_MILLISECONDS = 300_000;

/** A message of a queue. */
export interface Message {
  readonly id: string;
  readonly body: string;
  /** Undefined in a queue without an order. */
  readonly group: string | undefined;
  received: number;
  visibleAt: number;
}

const sendSchema = z.looseObject({
  MessageBody: z.string(),
  MessageGroupId: z.string().optional(),
  MessageDeduplicationId: z.string().optional(),
  DelaySeconds: z.number().default(0),
});
const batchSchema = z.looseObject({ Entries: z.array(sendSchema.extend({ Id: z.string() })) });
const visibilitySchema = z.looseObject({ ReceiptHandle: z.string(), VisibilityTimeout: z.number() });

/** One SQS queue: ordered by group, and deduplicated by id. Messages that were received too often become dead letters. */
export class QueueModel {
  readonly name: string;
  readonly #now: () => number;
  readonly #maxReceives: number;
  #messages: Message[] = [];
  readonly dead: Message[] = [];
  /** The times at which messages were accepted, by deduplication id. */
  readonly #accepted = new Map<string, number>();
  #sent = 0;

  constructor(name: string, now: () => number, maxReceives: number) {
    this.name = name;
    this.#now = now;
    this.#maxReceives = maxReceives;
  }

  send(input: unknown): object {
    const {
      MessageBody: body,
      MessageGroupId: group,
      MessageDeduplicationId,
      DelaySeconds,
    } = sendSchema.parse(input);
    if (MessageDeduplicationId !== undefined) {
      const acceptedAt = this.#accepted.get(MessageDeduplicationId) ?? Number.NEGATIVE_INFINITY;
      if (this.#now() - acceptedAt < DEDUPLICATION_MILLISECONDS) return { MessageId: 'duplicate' };
      this.#accepted.set(MessageDeduplicationId, this.#now());
    }
    this.#sent += 1;
    const visibleAt = this.#now() + DelaySeconds * 1000;
    this.#messages.push({ id: `${this.name}-${this.#sent}`, body, group, received: 0, visibleAt });
    return { MessageId: `${this.name}-${this.#sent}` };
  }

  sendBatch(input: unknown): object {
    const { Entries } = batchSchema.parse(input);
    for (const entry of Entries) this.send(entry);
    return { Successful: Entries.map(({ Id }) => ({ Id })), Failed: [] };
  }

  changeVisibility(input: unknown): object {
    const { ReceiptHandle, VisibilityTimeout } = visibilitySchema.parse(input);
    const message = this.#messages.find(({ id }) => id === ReceiptHandle);
    if (message !== undefined) message.visibleAt = this.#now() + VisibilityTimeout * 1000;
    return {};
  }

  /** Hands over at most this many messages, which are invisible from then on; none if none can be received now. */
  receive(random: Random, most: number): Message[] {
    const batch: Message[] = [];
    while (batch.length < most) {
      const open = this.#open(batch);
      if (open.length === 0) break;
      const message = random.of(open);
      if (message.received >= this.#maxReceives) {
        this.#messages = this.#messages.filter((each) => each !== message);
        this.dead.push(message);
      } else batch.push(message);
    }
    for (const message of batch) {
      message.received += 1;
      message.visibleAt = this.#now() + VISIBILITY_TIMEOUT_MILLISECONDS;
    }
    return batch;
  }

  delete(message: Message): void {
    this.#messages = this.#messages.filter((each) => each !== message);
  }

  /** The time from which the next message can be received; undefined if there is none. */
  get nextAt(): number | undefined {
    const next = this.#next();
    return next.length === 0 ? undefined : Math.min(...next.map(({ visibleAt }) => visibleAt));
  }

  /** Moves the dead letters back to the queue. @returns their number */
  redrive(): number {
    const moved = this.dead.splice(0);
    for (const message of moved) this.#messages.push({ ...message, received: 0, visibleAt: this.#now() });
    return moved.length;
  }

  #open(batch: readonly Message[]): Message[] {
    return this.#next(batch).filter(({ visibleAt }) => visibleAt <= this.#now());
  }

  /** The first message of each group, in addition to those of a batch, and all messages without a group. */
  #next(batch: readonly Message[] = []): Message[] {
    const groups = new Set<string>();
    return this.#messages.filter((message) => {
      if (batch.includes(message)) return false;
      const { group } = message;
      if (group === undefined) return true;
      const isFirst = !groups.has(group);
      groups.add(group);
      return isFirst;
    });
  }
}
