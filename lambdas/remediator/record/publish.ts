import { publishOutcomes } from '../../aws/event-bus.ts';
import type { EventBridgeClient } from '../../aws/eventbridge.ts';
import type { Clock } from '../../model/clock.ts';
import { outcomeEvent } from '../../model/outcome-event.ts';
import type { RecordedOutcome } from './outcome-log.ts';

/** Puts outcomes on the event bus, each with the place of its evidence. */
export function publishWithEvidence(
  bus: EventBridgeClient,
  busArn: string,
  evidenceBucket: string,
  recorded: readonly RecordedOutcome[],
  clock: Clock,
): Promise<void> {
  const events = recorded.map(({ outcome, evidence }) =>
    outcomeEvent(outcome, `s3://${evidenceBucket}/${evidence}`),
  );
  return publishOutcomes(bus, busArn, events, clock);
}
