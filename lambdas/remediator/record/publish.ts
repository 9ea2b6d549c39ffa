import { publishJob } from '../../aws/event-bus.ts';
import type { EventBridgeClient } from '../../aws/eventbridge.ts';
import type { Clock } from '../../model/clock.ts';
import type { FindingNotice } from '../../model/finding-notice.ts';
import type { jobId } from '../../model/job.ts';
import { jobEvent } from '../../model/job-event.ts';
import { outcomeEvent } from '../../model/outcome-event.ts';
import type { RecordedOutcome } from './outcome-log.ts';

/** The content that is put on the event bus for a job. */
export interface Publication {
  readonly job: Parameters<typeof jobId>[0];
  /** The outcomes that an event is due for. */
  readonly withEvent: readonly RecordedOutcome[];
  /** All that were recorded, which are counted. */
  readonly recorded: readonly RecordedOutcome[];
  /** Outcomes that are other than before, or changed something. */
  readonly changed: readonly RecordedOutcome[];
  readonly notices: readonly FindingNotice[];
}

/** Destination of events, and the place of their evidence. */
export interface EventPlace {
  readonly client: EventBridgeClient;
  readonly busArn: string;
  readonly evidenceBucket: string;
  readonly clock: Clock;
}

/** Puts outcomes on the event bus, each with the place of its evidence, and one event per object of outcomes. */
export async function publishWithEvidence(
  { client, busArn, evidenceBucket: bucket, clock }: EventPlace,
  { job, withEvent, recorded, changed, notices }: Publication,
): Promise<void> {
  const outcomes = withEvent.map(({ outcome, evidence }) =>
    outcomeEvent(outcome, `s3://${bucket}/${evidence}`),
  );
  const keys = new Set(recorded.map(({ evidence }) => evidence));
  const jobs = [...keys].map((key) => {
    const ofObject = recorded.filter(({ evidence }) => evidence === key);
    const all = ofObject.map(({ outcome }) => outcome);
    return jobEvent(job, all, ofObject.filter((each) => changed.includes(each)).length, { bucket, key });
  });
  await publishJob(client, busArn, { outcomes, jobs, notices }, clock);
}
