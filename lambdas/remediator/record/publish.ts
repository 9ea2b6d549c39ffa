import { publishJob } from '../../aws/event-bus.ts';
import type { EventBridgeClient } from '../../aws/eventbridge.ts';
import type { Clock } from '../../model/clock.ts';
import type { FindingNotice } from '../../model/finding-notice.ts';
import type { jobId } from '../../model/job.ts';
import { jobEvent } from '../../model/job-event.ts';
import { outcomeEvent } from '../../model/outcome-event.ts';
import type { RecordedOutcome } from './outcome-log.ts';

/** Outcomes to publish for a job. */
export interface Publication {
  readonly job: Parameters<typeof jobId>[0];
  /** Outcomes for which an event is due. */
  readonly withEvent: readonly RecordedOutcome[];
  /** All recorded outcomes, which are counted. */
  readonly recorded: readonly RecordedOutcome[];
  /** Outcomes that differ from the previous ones, or for which something was changed. */
  readonly changed: readonly RecordedOutcome[];
  readonly notices: readonly FindingNotice[];
}

/** Destination of events, and location of their evidence. */
export interface EventPlace {
  readonly client: EventBridgeClient;
  readonly busArn: string;
  readonly evidenceBucket: string;
  readonly clock: Clock;
}

/** Publishes outcomes, each with the location of its evidence, and one event per evidence object. */
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
