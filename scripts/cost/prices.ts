/** The region, the year and the pages of the list prices: https://aws.amazon.com/…/pricing. */
export const PRICES_OF = {
  region: 'us-east-1',
  year: '2025',
  pages: [
    'https://aws.amazon.com/lambda/pricing',
    'https://aws.amazon.com/s3/pricing',
    'https://aws.amazon.com/dynamodb/pricing/on-demand',
    'https://aws.amazon.com/sqs/pricing',
    'https://aws.amazon.com/eventbridge/pricing',
    'https://aws.amazon.com/cloudwatch/pricing',
    'https://aws.amazon.com/secrets-manager/pricing',
  ],
} as const;

/** AWS's list prices in US dollars, without free tiers. */
export const PRICES = {
  s3Put: 0.005 / 1_000,
  s3Get: 0.0004 / 1_000,
  readUnit: 0.125 / 1e6,
  writeUnit: 0.625 / 1e6,
  /** FIFO queues. */
  queueRequest: 0.5 / 1e6,
  standardQueueRequest: 0.4 / 1e6,
  event: 1 / 1e6,
  invocation: 0.2 / 1e6,
  /** Lambda on arm64. */
  gigabyteSecond: 0.0000133,
  logGigabyte: 0.5,
  /** The price of one metric of an alarm per month. */
  metricAlarm: 0.1,
  compositeAlarm: 0.5,
  customMetric: 0.3,
  secret: 0.4,
  secretRead: 0.05 / 10_000,
} as const;
