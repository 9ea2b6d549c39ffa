import type { Clients } from './aws/clients.ts';
import { GetCallerIdentityCommand, STSClient } from './aws/sts.ts';

/** The principal whose credentials are used. */
export interface Caller {
  readonly arn: string;
  /** `aws:userid`, which IAM compares with the keys of requests. */
  readonly userId: string;
}

/** Asks AWS who the caller is. This call needs no permission. */
export async function callerOf(clients: Clients, region: string): Promise<Caller> {
  const { Arn = '', UserId = '' } = await clients
    .client(STSClient, region)
    .send(new GetCallerIdentityCommand({}));
  return { arn: Arn, userId: UserId };
}
