import { z } from 'zod';
import {
  type AwsAnswer,
  type AwsCall,
  awsError,
  type Intercept,
  type ProxiedCall,
} from '../aws-proxy/index.ts';
import { eventOf, type TrailEvent } from './event.ts';

/** Delay of events in event history: "typically within 15 minutes" (CloudTrail user guide); here never less. */
export const EVENT_DELAY_MILLISECONDS = 15 * 60_000;

const MOST_RESULTS = 50;

/** CloudTrail's event history, which every account has without a trail. */
export interface CloudTrailSimulation {
  /** Records the event of an answered call. */
  record(call: ProxiedCall): void;
  /** Answers `LookupEvents`. */
  readonly intercept: Intercept;
}

/** https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_LookupEvents.html; times are epoch seconds */
const inputSchema = z.object({
  LookupAttributes: z.array(z.object({ AttributeKey: z.string(), AttributeValue: z.string() })).default([]),
  StartTime: z.number().default(0),
  EndTime: z.number().default(Number.POSITIVE_INFINITY),
  MaxResults: z.number().default(MOST_RESULTS),
  NextToken: z.string().optional(),
});

/** The values by which an event can be looked up. */
const attributes: Readonly<Record<string, (event: TrailEvent) => readonly string[]>> = {
  EventId: ({ id }) => [id],
  EventName: ({ name }) => [name],
  EventSource: ({ source }) => [source],
  Username: ({ user }) => [user],
  ReadOnly: () => ['false'],
  ResourceName: ({ resources }) => resources,
};

/** Records the events of changes through a proxy, and hides them for 15 minutes. @param now the lab's clock */
export function startCloudTrail(now: () => Date): CloudTrailSimulation {
  const events: TrailEvent[] = [];
  return {
    record(call) {
      const event = eventOf(call, now().getTime());
      if (event !== undefined) events.push(event);
    },
    async intercept(call) {
      if (call.service !== 'cloudtrail' || call.operation !== 'LookupEvents') return undefined;
      const seen = events.filter(({ at }) => now().getTime() - at >= EVENT_DELAY_MILLISECONDS);
      return lookUp(call, seen);
    },
  };
}

function lookUp(call: AwsCall, events: readonly TrailEvent[]): AwsAnswer {
  const { LookupAttributes, StartTime, EndTime, MaxResults, NextToken } = inputSchema.parse(call.parameters);
  const [attribute, another] = LookupAttributes;
  const values = attribute === undefined ? undefined : attributes[attribute.AttributeKey];
  if (another !== undefined || (attribute !== undefined && values === undefined))
    return awsError(call, 'InvalidLookupAttributesException');
  if (MaxResults < 1 || MaxResults > MOST_RESULTS) return awsError(call, 'InvalidMaxResultsException');
  if (StartTime > EndTime) return awsError(call, 'InvalidTimeRangeException');
  const from = Number(NextToken ?? 0);
  if (!Number.isInteger(from)) return awsError(call, 'InvalidNextTokenException');
  const found = events
    .filter(({ account, region }) => account === call.principal.account && region === call.region)
    .filter(({ at }) => at / 1000 >= StartTime && at / 1000 <= EndTime)
    .filter((event) => attribute === undefined || values?.(event).includes(attribute.AttributeValue))
    .sort((one, other) => other.at - one.at);
  const to = from + MaxResults;
  const page = {
    Events: found.slice(from, to).map(itemOf),
    ...(to < found.length && { NextToken: String(to) }),
  };
  const headers = { 'content-type': 'application/x-amz-json-1.1' };
  return { status: 200, headers, body: Buffer.from(JSON.stringify(page)) };
}

function itemOf({ at, id, name, source, user, resources, record }: TrailEvent): object {
  return {
    EventId: id,
    EventName: name,
    ReadOnly: 'false',
    EventTime: at / 1000,
    EventSource: source,
    Username: user,
    Resources: resources.map((ResourceName) => ({ ResourceName })),
    CloudTrailEvent: JSON.stringify(record),
  };
}
