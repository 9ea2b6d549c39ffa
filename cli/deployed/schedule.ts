import { isAwsError } from '../../lambdas/aws/errors.ts';
import type { Deployment } from '../../lambdas/model/deployment.ts';
import type { Clients } from '../aws/clients.ts';
import { GetScheduleCommand, type GetScheduleCommandOutput, SchedulerClient } from '../aws/scheduler.ts';

/** Reads a schedule of a deployment. @returns undefined if there is none */
export async function readSchedule(
  clients: Clients,
  { home_region, schedule_group: GroupName }: Deployment,
  Name: string,
): Promise<GetScheduleCommandOutput | undefined> {
  try {
    return await clients
      .client(SchedulerClient, home_region)
      .send(new GetScheduleCommand({ GroupName, Name }));
  } catch (error) {
    if (isAwsError(error, 'ResourceNotFoundException')) return undefined;
    throw error;
  }
}
