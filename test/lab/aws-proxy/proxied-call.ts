import type { AwsCall } from './call.ts';

const role = { account: '111122223333', roleArn: 'arn:aws:iam::111122223333:role/cspm-remediation' };

/** A call of the product as the proxy reads it, for tests of code that handles calls. */
export function proxiedCall(change: Partial<AwsCall> = {}): AwsCall {
  return {
    number: 1,
    service: 'cloudtrail',
    operation: 'UpdateTrail',
    region: 'eu-central-1',
    accessKeyId: 'ASIA',
    protocol: 'json',
    parameters: {},
    isWrite: true,
    principal: role,
    method: 'POST',
    path: '/',
    headers: {},
    body: Buffer.alloc(0),
    startedAt: new Date(0),
    ...change,
  };
}
