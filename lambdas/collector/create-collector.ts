import { type AwsClientOptions, clientDefaults } from '../aws/client-defaults.ts';
import { EvidenceObjects } from '../aws/evidence-objects.ts';
import { JobQueue } from '../aws/job-queue.ts';
import { type Clock, systemClock } from '../model/clock.ts';
import { createSources } from '../sources/index.ts';
import { type CollectorDependencies, collect } from './collect.ts';
import type { Environment } from './environment.ts';
import { RegionQueues } from './job-sink.ts';
import { type OverdueRule, overdueRules } from './overdue.ts';
import { AwsPollRecords } from './poll-records.ts';
import type { PollRequest } from './poll-request.ts';
import type { PollSummary } from './poll-summary.ts';
import { regionLookup } from './regions.ts';

/** A collector that keeps its sources, clients and the queues' addresses from one poll to the next. */
export interface Collector {
  /** @throws as `collect` does */
  collect(request: PollRequest, signal?: AbortSignal): Promise<PollSummary>;
  /** The rules that have not been polled successfully for two of their periods. */
  overdue(): Promise<OverdueRule[]>;
}

export interface CollectorOptions {
  readonly clock?: Clock;
  /** Options of the SDK clients besides the defaults. */
  readonly clientOptions?: AwsClientOptions;
  /** Findings asked for at once, below 10,000. */
  readonly pageSize?: number;
}

/** Puts the collector together: the sources, the regions' queues, the evidence bucket and the event bus. */
export function createCollector(environment: Environment, options: CollectorOptions = {}): Collector {
  const { clock = systemClock, pageSize } = options;
  const clientOptions = { ...clientDefaults, ...options.clientOptions };
  const region = environment.HOME_REGION;
  const sources = createSources(environment, {
    region,
    clock,
    clientOptions,
    ...(pageSize !== undefined && { pageSize }),
  });
  const dependencies: Omit<CollectorDependencies, 'source'> = {
    jobs: new RegionQueues(
      (queueRegion) => new JobQueue({ name: environment.NAME, region: queueRegion, clock, clientOptions }),
    ),
    records: new AwsPollRecords({
      bucket: environment.EVIDENCE_BUCKET,
      bucketOwner: environment.SECURITY_ACCOUNT_ID,
      eventBusArn: environment.EVENT_BUS_ARN,
      region,
      clock,
      clientOptions,
    }),
    clock,
    homeRegion: region,
    regions: environment.REGIONS,
    lookUpRegion: regionLookup(environment.REGION_LABELS),
  };
  const objects = new EvidenceObjects({
    bucket: environment.EVIDENCE_BUCKET,
    owner: environment.SECURITY_ACCOUNT_ID,
    region,
    clientOptions,
  });
  return {
    collect: (request, signal) =>
      collect({ ...dependencies, source: sources[request.poll.source] }, request, signal),
    overdue: () => overdueRules(objects, environment.POLL_SCHEDULES, new Date(clock.now())),
  };
}
