import { PRICES } from '../cost/prices.ts';

/** Hourly polls of a rule. */
export const POLLS_PER_MONTH = 730;
/** Requests of a job's message: sent by tens, received and deleted one by one. */
export const QUEUE_REQUESTS = 2.1;
/**
 * DynamoDB's units of a job: one per item that is read, one per item that is written, two where it is written in a transaction. Of a
 * job that only looks, writes are counted by its calls.
 */
export const DYNAMO_UNITS = {
  look: { readsPerFinding: 2, readsPerJob: 8 },
  fix: { readsPerFinding: 2, readsPerJob: 6, writesPerFinding: 4, writesPerJob: 10 },
} as const;
/** Memory of a remediator by default, in GB. */
export const GIGABYTES = 0.5;
/** Log of a job or of a new outcome. */
export const LOG_BYTES = 2_000;
/** Log of a job of which nothing is new: what Lambda says of the invocation, a metric, and how many outcomes are unchanged. */
const UNCHANGED_LOG_BYTES = 1_100;
/**
 * Settings objects that a job reads where nothing is remembered, and those that a function that is never idle reads in the time for
 * which it remembers them: of ten rules, and of the accounts.
 */
const SETTINGS = { perJob: 2, objects: 11, seconds: 15 };

/** A poll of findings that stay as they are. */
export interface SteadyPoll {
  readonly jobs: number;
  readonly findings: number;
  /** Calls of one job, by service and operation, as they were measured. */
  readonly calls: Readonly<Record<string, number>>;
  /** Seconds that one job takes. */
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
