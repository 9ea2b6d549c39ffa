import type { AwsAnswer } from './answer.ts';
import type { AwsCall } from './call.ts';
import { commonErrorAnswer } from './error-answers.ts';

/** A token bucket: its size, and the tokens that it gets per second. */
interface Rate {
  readonly burst: number;
  readonly perSecond: number;
}

/** https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-throttling.html: reads, and calls that change something. */
const ec2Reads: Rate = { burst: 100, perSecond: 20 };
const ec2Writes: Rate = { burst: 50, perSecond: 5 };

/** Reads, listed on the same page, that use a smaller bucket if they have neither a filter nor a page size. */
const ec2UnfilteredReads: Rate = { burst: 50, perSecond: 10 };
const readInFull: ReadonlySet<string> = new Set([
  'DescribeInstances',
  'DescribeInstanceStatus',
  'DescribeNetworkInterfaces',
  'DescribeSecurityGroups',
  'DescribeSnapshots',
  'DescribeSpotInstanceRequests',
  'DescribeVolumes',
]);

/** https://docs.aws.amazon.com/awscloudtrail/latest/userguide/WhatIsCloudTrail-Limits.html: none can be raised. */
const cloudTrailReads: Rate = { burst: 10, perSecond: 10 };
const cloudTrailWrites: Rate = { burst: 1, perSecond: 1 };
/** https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_LookupEvents.html */
const cloudTrailLookups: Rate = { burst: 2, perSecond: 2 };

/** https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/cloudwatch_limits_cwl.html */
const logGroupWrites: Rate = { burst: 10, perSecond: 10 };
const writesOfLogGroups: ReadonlySet<string> = new Set(['CreateLogGroup', 'PutRetentionPolicy']);

/** Reports whether a read has neither. Not to count ids as a filter is the stricter reading of the page. */
function isUnfiltered({ operation, parameters }: AwsCall): boolean {
  return readInFull.has(operation) && !('MaxResults' in parameters || 'Filter.1.Name' in parameters);
}

function rateOf(call: AwsCall): Rate | undefined {
  const { service, operation, isWrite } = call;
  if (service === 'ec2' && isUnfiltered(call)) return ec2UnfilteredReads;
  if (service === 'ec2') return isWrite ? ec2Writes : ec2Reads;
  if (service === 'cloudtrail' && operation === 'LookupEvents') return cloudTrailLookups;
  if (service === 'cloudtrail') return isWrite ? cloudTrailWrites : cloudTrailReads;
  if (service === 'logs' && writesOfLogGroups.has(operation)) return logGroupWrites;
  return undefined;
}

interface Bucket {
  tokens: number;
  at: number;
}

/**
 * Throttles operations that the product calls faster than AWS documents: for `AwsProxy.intercept`. Terraform and tests,
 * which call as an account's root, are not throttled.
 * @param now milliseconds that never decrease
 */
export function documentedThrottles(now: () => number = () => performance.now()) {
  const buckets = new Map<string, Bucket>();
  return async (call: AwsCall): Promise<AwsAnswer | undefined> => {
    const rate = rateOf(call);
    if (rate === undefined || call.principal.roleArn === undefined) return undefined;
    const key = [call.principal.account, call.region, call.service, call.operation].join(' ');
    const at = now();
    const bucket = buckets.get(key) ?? { tokens: rate.burst, at };
    const refilled = bucket.tokens + ((at - bucket.at) / 1000) * rate.perSecond;
    const tokens = Math.min(rate.burst, refilled);
    const isServed = tokens >= 1;
    buckets.set(key, { tokens: isServed ? tokens - 1 : tokens, at });
    return isServed ? undefined : commonErrorAnswer(call, 'throttle');
  };
}
