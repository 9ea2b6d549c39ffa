import { PRICES } from '../cost/prices.ts';

/** Hourly polls of a rule. */
export const POLLS_PER_MONTH = 730;
/** Requests per job message: sent in batches of ten, received and deleted one by one. */
export const QUEUE_REQUESTS = 2.1;
/**
 * DynamoDB units per job: one per item that is read, half of one if the read may lag behind writes, one per item that is written, and
 * two if it is written in a transaction (developer guide, "Read request units"). The writes of a job that changes nothing are
 * counted by its calls. Of the six items that each job reads in addition to those of its findings, three may lag.
 */
export const DYNAMO_UNITS = {
  look: { readsPerFinding: 2, readsPerJob: 4.5 },
  fix: { readsPerFinding: 4, readsPerJob: 10.5, writesPerFinding: 4, writesPerJob: 10 },
} as const;
/** The remediator's default memory, in GB. */
export const GIGABYTES = 0.5;
/** The log of a job, or of a new outcome, in bytes. */
export const LOG_BYTES = 2_000;
/** The log of a job without news: the lines of Lambda, a metric, and the number of unchanged outcomes. */
const UNCHANGED_LOG_BYTES = 1_100;
/**
 * The settings objects that a job reads without a cache, and those that a function that is never idle reads within the lifetime of
 * its cache: of ten rules, and of the accounts.
 */
const SETTINGS = { perJob: 2, objects: 11, seconds: 15 };

/** A poll of unchanged findings. */
export interface SteadyPoll {
  readonly jobs: number;
  readonly findings: number;
  /** The measured calls of one job, by service and operation. */
  readonly calls: Readonly<Record<string, number>>;
  /** The duration of one job, in seconds. */
  readonly seconds: number;
}

/** Returns the cost of a month of hourly polls in US dollars, including logs. */
export function costPerMonth({ jobs, findings, calls, seconds }: SteadyPoll): number {
  const of = (name: string): number => calls[name] ?? 0;
  const settings = Math.min(SETTINGS.perJob, (SETTINGS.objects * seconds) / SETTINGS.seconds);
  const writes = of('dynamodb:PutItem') + of('dynamodb:UpdateItem') + 2 * of('dynamodb:TransactWriteItems');
  const perJob =
    of('s3:PutObject') * PRICES.s3Put +
    (of('s3:GetObject') - SETTINGS.perJob + settings) * PRICES.s3Get +
    writes * PRICES.writeUnit +
    DYNAMO_UNITS.look.readsPerJob * PRICES.readUnit +
    QUEUE_REQUESTS * PRICES.queueRequest +
    of('events:PutEvents') * PRICES.event +
    PRICES.invocation +
    seconds * GIGABYTES * PRICES.gigabyteSecond +
    (UNCHANGED_LOG_BYTES / 1e9) * PRICES.logGigabyte;
  return POLLS_PER_MONTH * (jobs * perJob + findings * DYNAMO_UNITS.look.readsPerFinding * PRICES.readUnit);
}
