import { type Clock, systemClock } from '../model/clock.ts';
import { DeliveryError } from '../model/errors.ts';
import {
  EVENT_SOURCE,
  FINDING_NOTICE,
  FINDING_OUTCOME,
  JOB_OUTCOME,
  RULE_HELD_BACK,
  TARGET_ROLE_MISSING,
} from '../model/event-names.ts';
import type { FindingNotice } from '../model/finding-notice.ts';
import type { JobEvent } from '../model/job-event.ts';
import type { Notice } from '../model/notice.ts';
import type { OutcomeEvent } from '../model/outcome-event.ts';
import type { RoleMissingEvent } from '../model/role-missing.ts';
import { batches } from './batches.ts';
import { type EventBridgeClient, PutEventsCommand } from './eventbridge.ts';

/** Maximum number of entries in PutEvents, of less than 256 KB in total (EventBridge API reference, PutEvents). */
const MAX_ENTRIES = 10;
const MAX_BYTES = 256 * 1024 - 1;
const ATTEMPTS = 4;

interface Entry {
  readonly Source: string;
  readonly DetailType: string;
  readonly Detail: string;
  readonly EventBusName: string;
}

/** Counts an entry's bytes as EventBridge does: source, detail type and detail in UTF-8. */
function bytesOf(entry: Entry): number {
  return (
    Buffer.byteLength(entry.Source) + Buffer.byteLength(entry.DetailType) + Buffer.byteLength(entry.Detail)
  );
}

/**
 * Publishes the outcomes of findings. Delivery is at least once.
 * @throws DeliveryError and AWS's own error, as `publish`
 */
export function publishOutcomes(
  client: EventBridgeClient,
  busArn: string,
  events: readonly OutcomeEvent[],
  clock: Clock = systemClock,
): Promise<void> {
  return publish(client, busArn, [{ type: FINDING_OUTCOME, details: events }], clock);
}

/** Events about a job. */
export interface JobEvents {
  readonly outcomes: readonly OutcomeEvent[];
  /** Counts of outcomes, one event per attempt. */
  readonly jobs: readonly JobEvent[];
  /** Notices about findings that were fixed repeatedly, and about who undid the fixes. */
  readonly notices: readonly FindingNotice[];
}

/**
 * Publishes the events of a job. Delivery is at least once.
 * @throws DeliveryError and AWS's own error, as `publish`
 */
export function publishJob(
  client: EventBridgeClient,
  busArn: string,
  { outcomes, jobs, notices }: JobEvents,
  clock: Clock = systemClock,
): Promise<void> {
  const events = [
    { type: FINDING_OUTCOME, details: outcomes },
    { type: JOB_OUTCOME, details: jobs },
    { type: FINDING_NOTICE, details: notices },
  ];
  return publish(client, busArn, events, clock);
}

/** Publishes an event about an account without the target role. */
export function publishRoleMissing(
  client: EventBridgeClient,
  busArn: string,
  event: RoleMissingEvent,
  clock: Clock = systemClock,
): Promise<void> {
  return publish(client, busArn, [{ type: TARGET_ROLE_MISSING, details: [event] }], clock);
}

/** Publishes an event about a rule that is held back. */
export function publishNotice(
  client: EventBridgeClient,
  busArn: string,
  notice: Notice,
  clock: Clock = systemClock,
): Promise<void> {
  return publish(client, busArn, [{ type: RULE_HELD_BACK, details: [notice] }], clock);
}

/**
 * Publishes events in parallel batches, as EventBridge does not preserve their order. Entries that EventBridge refuses
 * (`FailedEntryCount`) are sent again up to three times; the SDK itself retries calls that fail as a whole.
 * @throws DeliveryError if entries are still refused after that; AWS's own error if the call fails
 */
async function publish(
  client: EventBridgeClient,
  busArn: string,
  events: readonly { readonly type: string; readonly details: readonly unknown[] }[],
  clock: Clock,
): Promise<void> {
  const entries = events.flatMap(({ type, details }) =>
    details.map((detail) => ({
      Source: EVENT_SOURCE,
      DetailType: type,
      Detail: JSON.stringify(detail),
      EventBusName: busArn,
    })),
  );
  const sending = batches(entries, MAX_ENTRIES, MAX_BYTES, bytesOf).map((batch) =>
    putBatch(client, busArn, batch, clock),
  );
  for (const result of await Promise.allSettled(sending))
    if (result.status === 'rejected') throw result.reason;
}

async function putBatch(
  client: EventBridgeClient,
  busArn: string,
  batch: readonly Entry[],
  clock: Clock,
): Promise<void> {
  let pending = batch;
  for (let attempt = 1; ; attempt++) {
    const answer = await client.send(new PutEventsCommand({ Entries: [...pending] }));
    // The answer has one entry per sent entry, in the same order; refused entries have an error code.
    const refusals = (answer.Entries ?? []).filter((entry) => entry.ErrorCode !== undefined);
    if ((answer.FailedEntryCount ?? 0) === 0 && refusals.length === 0) return;
    pending = pending.filter((_, index) => answer.Entries?.[index]?.EventId === undefined);
    if (pending.length === 0) return;
    if (attempt === ATTEMPTS) {
      const reasons = new Set(refusals.map((entry) => `${entry.ErrorCode}: ${entry.ErrorMessage ?? ''}`));
      throw new DeliveryError(
        `event bus ${busArn} refused ${pending.length} of ${batch.length} events after ${ATTEMPTS} attempts: ${[...reasons].join('; ')}`,
      );
    }
    await clock.sleep(200 * 2 ** attempt);
  }
}
