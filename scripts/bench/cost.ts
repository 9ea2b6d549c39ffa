/**
 * AWS's list prices of us-east-1, in US dollars: https://aws.amazon.com/s3/pricing, /dynamodb/pricing/on-demand, /sqs/pricing,
 * /eventbridge/pricing, /lambda/pricing (arm64), /cloudwatch/pricing.
 */
const PRICES = {
  s3Put: 0.005 / 1_000,
  s3Get: 0.0004 / 1_000,
  readUnit: 0.125 / 1e6,
  writeUnit: 0.625 / 1e6,
  queueRequest: 0.5 / 1e6,
  event: 1 / 1e6,
  gigabyteSecond: 0.0000133,
  logGigabyte: 0.5,
} as const;

const POLLS_PER_MONTH = 730;
/** Requests of a job's message: sent, received, deleted. */
const QUEUE_REQUESTS = 3;
/** Items that a job reads per finding and per job: each is a read unit. */
const READS = { perFinding: 2, perJob: 8 };
/** A function has 1 GB. */
const GIGABYTES = 1;
const LOG_BYTES = 2_000;

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
  const writes = of('dynamodb:PutItem') + of('dynamodb:UpdateItem') + 2 * of('dynamodb:TransactWriteItems');
  const perJob =
    of('s3:PutObject') * PRICES.s3Put +
    of('s3:GetObject') * PRICES.s3Get +
    writes * PRICES.writeUnit +
    READS.perJob * PRICES.readUnit +
    QUEUE_REQUESTS * PRICES.queueRequest +
    of('events:PutEvents') * PRICES.event +
    seconds * GIGABYTES * PRICES.gigabyteSecond +
    (LOG_BYTES / 1e9) * PRICES.logGigabyte;
  return POLLS_PER_MONTH * (jobs * perJob + findings * READS.perFinding * PRICES.readUnit);
}
