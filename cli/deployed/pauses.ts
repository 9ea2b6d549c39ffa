import { isAwsError } from '../../lambdas/aws/errors.ts';
import { type Deployment, pauseParameter } from '../../lambdas/model/deployment.ts';
import type { Clients } from '../aws/clients.ts';
import { GetParameterCommand, SSMClient } from '../aws/ssm.ts';

/** Reads the pause of a region: `none`, `all`, … Undefined where the region has no such parameter. */
export async function pauseIn(
  clients: Clients,
  deployment: Deployment,
  region: string,
): Promise<string | undefined> {
  try {
    const { Parameter } = await clients
      .client(SSMClient, region)
      .send(new GetParameterCommand({ Name: pauseParameter(deployment) }));
    return Parameter?.Value;
  } catch (error) {
    if (isAwsError(error, 'ParameterNotFound')) return undefined;
    throw error;
  }
}
