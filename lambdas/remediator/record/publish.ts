import { publishOutcomes } from '../../aws/event-bus.ts';
import type { EventBridgeClient } from '../../aws/eventbridge.ts';
import type { Clock } from '../../model/clock.ts';
import { outcomeKey } from '../../model/evidence-keys.ts';
import type { Outcome } from '../../model/outcome.ts';
import { outcomeEvent } from '../../model/outcome-event.ts';

/** Puts outcomes on the event bus, each with the place of its evidence. */
export function publishWithEvidence(
  bus: EventBridgeClient,
  busArn: string,
  evidenceBucket: string,
  outcomes: readonly Outcome[],
  clock: Clock,
): Promise<void> {
  const events = outcomes.map((outcome) =>
    outcomeEvent(outcome, `s3://${evidenceBucket}/${outcomeKey(outcome.poll, outcome.finding)}`),
  );
  return publishOutcomes(bus, busArn, events, clock);
}
