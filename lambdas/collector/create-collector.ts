import { type AwsClientOptions, clientDefaults } from '../aws/client-defaults.ts';
import { EvidenceObjects } from '../aws/evidence-objects.ts';
import { FindingsTable } from '../aws/findings-table.ts';
import { JobQueue } from '../aws/job-queue.ts';
import { type Clock, systemClock } from '../model/clock.ts';
import type { FailingRules } from '../model/failing-rules.ts';
import type { PollSummary } from '../model/poll-summary.ts';
import { createSources } from '../sources/index.ts';
import { checkSources, type SourceChecks } from './check-sources.ts';
import { type CollectorDependencies, collect } from './collect.ts';
import type { Environment } from './environment.ts';
import { failingRules } from './failing-rules.ts';
import { RegionQueues } from './job-sink.ts';
import { onlyPlanning } from './only-planning.ts';
import { longestPeriod, type OverdueRule, overdueRules } from './overdue.ts';
import { PollMarks } from './poll-marks.ts';
import { AwsPollRecords } from './poll-records.ts';
import type { PollRequest } from './poll-request.ts';
import { alarmsOf } from './region-alarms.ts';
import { regionLookup } from './regions.ts';
import { ScheduleRecords } from './schedule-records.ts';
import { SentJobs } from './sent-jobs.ts';

/** A collector that reuses its sources, clients and queue addresses across polls. */
export interface Collector {
  /** @throws as `collect` does */
  collect(request: PollRequest, signal?: AbortSignal): Promise<PollSummary>;
  /** Returns the rules without a successful poll for two of their schedule's periods. */
  overdue(): Promise<OverdueRule[]>;
  /** Checks each source. A problem means that it does not answer or does not accept the credentials. */
  checkSources(): Promise<SourceChecks>;
  /** Lists each source's rules that have failing resources, with counts. */
  failingRules(signal: AbortSignal): Promise<FailingRules>;
  /** Stores the schedules of the polled rules as evidence. */
  noteSchedules(): Promise<void>;
}

export interface CollectorOptions {
  readonly clock?: Clock;
  /** Options of the SDK clients in addition to the defaults. */
  readonly clientOptions?: AwsClientOptions;
  /** The number of findings per request, below 10,000. */
  readonly pageSize?: number;
}

/** Creates the collector from the sources, the regions' queues, the evidence bucket and the event bus. */
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
  const table = new FindingsTable({ table: environment.FINDINGS_TABLE, region, clientOptions, clock });
  const marks = new PollMarks(table, clock);
  const { POLL_SCHEDULES: schedules, SCHEDULE_TIME_ZONE: timeZone } = environment;
  const dependencies: Omit<CollectorDependencies, 'source'> = {
    sentJobs: (poll) =>
      new SentJobs({ table, clock, poll, period: longestPeriod(schedules[poll.rule] ?? '') }),
    jobs: new RegionQueues(
      (queueRegion) => new JobQueue({ name: environment.NAME, region: queueRegion, clock, clientOptions }),
    ),
    records: new AwsPollRecords({
      marks,
      bucket: environment.EVIDENCE_BUCKET,
      bucketOwner: environment.SECURITY_ACCOUNT_ID,
      eventBusArn: environment.EVENT_BUS_ARN,
      region,
      clock,
      clientOptions,
    }),
    clock,
    alarmsOfRegion: alarmsOf(environment.NAME, clientOptions),
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
  const scheduleRecords = new ScheduleRecords(objects, { schedules, timeZone }, clock);
  return {
    collect: (request, signal) => {
      const all = { ...dependencies, source: sources[request.poll.source] };
      return collect(request.poll.plans === true ? onlyPlanning(all) : all, request, signal);
    },
    overdue: () => overdueRules(marks, schedules, new Date(clock.now())),
    checkSources: () => checkSources(sources, new Date(clock.now())),
    failingRules: (signal) => failingRules(sources, new Date(clock.now()), signal),
    noteSchedules: () => scheduleRecords.note(),
  };
}
