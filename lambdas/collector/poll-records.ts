import { createHash } from 'node:crypto';
import pLimit from 'p-limit';
import type { AwsClientOptions } from '../aws/client-defaults.ts';
import { isAwsError } from '../aws/errors.ts';
import { publishOutcomes } from '../aws/event-bus.ts';
import type { EventBridgeClient } from '../aws/eventbridge.ts';
import { EvidenceObjects } from '../aws/evidence-objects.ts';
import type { Clock } from '../model/clock.ts';
import { evidencePrefix } from '../model/evidence-keys.ts';
import { epochSeconds, type Poll } from '../model/job.ts';
import type { Json } from '../model/json.ts';
import type { Unprocessable } from '../model/outcome.ts';
import { type OutcomeEvent, unprocessableEvent } from '../model/outcome-event.ts';
import { type PollSummary, pollSummaryKey } from '../model/poll-summary.ts';
import { type Listing, listingKey, listingLines, parseListing } from './listing.ts';
import type { PollMarks } from './poll-marks.ts';

/** The records of a poll: its unprocessable items, the findings that the source listed, and the summary. */
export interface PollRecords {
  /**
   * Stores each item as evidence, and publishes it unless its poll only plans. An item that is written repeatedly is
   * stored once.
   */
  writeUnprocessable(unprocessable: readonly Unprocessable[]): Promise<void>;
  /** Reads what the source returned at the last complete poll of the rule. */
  readListing(poll: Poll): Promise<{ readonly listing: Listing; readonly etag: string } | undefined>;
  /**
   * Stores what the source returned, unless the stored listing is no longer the one with this ETag.
   * @param etag undefined if no listing was stored
   */
  writeListing(listing: Listing, etag: string | undefined): Promise<void>;
  /** Stores the summary, and records that the poll is complete unless it only plans. */
  writeSummary(summary: PollSummary): Promise<void>;
}

export interface AwsPollRecordsOptions {
  readonly bucket: string;
  /** The account that the bucket must belong to. */
  readonly bucketOwner: string;
  readonly eventBusArn: string;
  readonly marks: Pick<PollMarks, 'end'>;
  /** Region of the bucket and the bus. */
  readonly region: string;
  readonly clock: Clock;
  readonly clientOptions: AwsClientOptions;
}

const OBJECTS_AT_ONCE = 16;

/** Computes 64 hexadecimal digits that identify an unprocessable item within its poll. */
export function itemDigest(item: Json): string {
  return createHash('sha256').update(JSON.stringify(item)).digest('hex');
}

/**
 * Builds the object key `unprocessable/<rule>/<poll in epoch seconds>/<sha256 of the item's JSON>.json`, with the
 * prefix `plans/` if the poll only plans.
 */
export function unprocessableKey({ poll, item }: Pick<Unprocessable, 'poll' | 'item'>): string {
  return `${evidencePrefix(poll)}unprocessable/${poll.rule}/${epochSeconds(poll)}/${itemDigest(item)}.json`;
}

/** Writes poll records to the evidence bucket and the event bus. */
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
    await pLimit(OBJECTS_AT_ONCE).map(unprocessable, (one) => this.#put(unprocessableKey(one), one));
    await this.#publish(
      unprocessable
        .filter(({ poll }) => poll.plans !== true)
        .map((one) => unprocessableEvent(one, this.#address(unprocessableKey(one)))),
    );
  }

  async readListing(poll: Poll): Promise<{ readonly listing: Listing; readonly etag: string } | undefined> {
    const found = await this.#objects.findLines(listingKey(poll));
    return found === undefined ? undefined : { listing: parseListing(found.lines), etag: found.etag };
  }

  async writeListing(listing: Listing, etag: string | undefined): Promise<void> {
    try {
      const condition = etag === undefined ? { IfNoneMatch: '*' as const } : { IfMatch: etag };
      await this.#objects.putLines(listingKey(listing.poll), listingLines(listing), condition);
    } catch (error) {
      // Another poll of the rule has stored its listing in the meantime, which serves the next comparison just as well.
      if (!isAwsError(error, 'PreconditionFailed')) throw error;
    }
  }

  async writeSummary(summary: PollSummary): Promise<void> {
    await this.#put(pollSummaryKey(summary.poll), summary);
    if (summary.poll.plans === true) return;
    await this.#options.marks.end(summary.poll, summary.finishedAt);
  }

  async #publish(events: readonly OutcomeEvent[]): Promise<void> {
    const { clientOptions, region, eventBusArn, clock } = this.#options;
    const { EventBridgeClient } = await import('../aws/eventbridge.ts');
    this.#events ??= new EventBridgeClient({ ...clientOptions, region });
    await publishOutcomes(this.#events, eventBusArn, events, clock);
  }

  #address(key: string): string {
    return `s3://${this.#options.bucket}/${key}`;
  }

  async #put(key: string, value: object): Promise<void> {
    await this.#objects.put(key, JSON.stringify(value));
  }
}
