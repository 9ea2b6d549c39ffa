import { createHash } from 'node:crypto';
import pLimit from 'p-limit';
import type { AwsClientOptions } from '../aws/client-defaults.ts';
import { publishOutcomes } from '../aws/event-bus.ts';
import type { EventBridgeClient } from '../aws/eventbridge.ts';
import { EvidenceObjects } from '../aws/evidence-objects.ts';
import type { Clock } from '../model/clock.ts';
import { epochSeconds, type Poll } from '../model/job.ts';
import type { Json } from '../model/json.ts';
import type { Unprocessable } from '../model/outcome.ts';
import { unprocessableEvent } from '../model/outcome-event.ts';
import type { PollSummary } from './poll-summary.ts';

/** What a poll leaves behind for people to read. */
export interface PollRecords {
  /** Keeps each as evidence and tells the event bus of it. What is written twice is there once. */
  writeUnprocessable(unprocessable: readonly Unprocessable[]): Promise<void>;
  writeSummary(summary: PollSummary): Promise<void>;
}

export interface AwsPollRecordsOptions {
  readonly bucket: string;
  /** The account that the bucket must belong to. */
  readonly bucketOwner: string;
  readonly eventBusArn: string;
  /** Where bucket and bus are. */
  readonly region: string;
  readonly clock: Clock;
  readonly clientOptions: AwsClientOptions;
}

const OBJECTS_AT_ONCE = 16;

/** `polls/<rule>/<poll in epoch seconds>.json` */
export function pollSummaryKey(poll: Poll): string {
  return `polls/${poll.rule}/${epochSeconds(poll)}.json`;
}

/** 64 hexadecimal digits that tell an item that can't be processed from others of its poll. */
export function itemDigest(item: Json): string {
  return createHash('sha256').update(JSON.stringify(item)).digest('hex');
}

/** `unprocessable/<rule>/<poll in epoch seconds>/<sha256 of the item's JSON>.json` */
export function unprocessableKey({ poll, item }: Pick<Unprocessable, 'poll' | 'item'>): string {
  return `unprocessable/${poll.rule}/${epochSeconds(poll)}/${itemDigest(item)}.json`;
}

/** The evidence bucket and the event bus. */
export class AwsPollRecords implements PollRecords {
  readonly #options: AwsPollRecordsOptions;
  readonly #objects: EvidenceObjects;
  #events: EventBridgeClient | undefined;

  constructor(options: AwsPollRecordsOptions) {
    this.#options = options;
    const { bucket, bucketOwner: owner, region, clientOptions } = options;
    this.#objects = new EvidenceObjects({ bucket, owner, region, clientOptions });
  }

  async writeUnprocessable(unprocessable: readonly Unprocessable[]): Promise<void> {
    const { bucket, clientOptions, region, eventBusArn, clock } = this.#options;
    await pLimit(OBJECTS_AT_ONCE).map(unprocessable, (one) => this.#put(unprocessableKey(one), one));
    const { EventBridgeClient } = await import('../aws/eventbridge.ts');
    this.#events ??= new EventBridgeClient({ ...clientOptions, region });
    const events = unprocessable.map((one) =>
      unprocessableEvent(one, `s3://${bucket}/${unprocessableKey(one)}`),
    );
    await publishOutcomes(this.#events, eventBusArn, events, clock);
  }

  writeSummary(summary: PollSummary): Promise<void> {
    return this.#put(pollSummaryKey(summary.poll), summary);
  }

  #put(key: string, value: object): Promise<void> {
    return this.#objects.put(key, JSON.stringify(value));
  }
}
