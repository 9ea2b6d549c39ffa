import type { Context } from 'aws-lambda';

const TIMEOUT_MILLISECONDS = 300_000;

/** Makes the context that Lambda passes with an event. */
export function lambdaContext(remainingMilliseconds = TIMEOUT_MILLISECONDS): Context {
  return {
    callbackWaitsForEmptyEventLoop: true,
    functionName: 'function',
    functionVersion: '$LATEST',
    invokedFunctionArn: 'arn:aws:lambda:eu-central-1:111111111111:function:function',
    memoryLimitInMB: '1024',
    awsRequestId: '00000000-0000-0000-0000-000000000000',
    logGroupName: 'group',
    logStreamName: 'stream',
    getRemainingTimeInMillis: () => remainingMilliseconds,
    done: () => {},
    fail: () => {},
    succeed: () => {},
  };
}
