import { isAwsError } from '../../lambdas/aws/errors.ts';
import type { Clients } from '../aws/clients.ts';
import { GetParameterCommand, SSMClient } from '../aws/ssm.ts';

/** Reads a parameter in a region. @returns undefined if there is none */
export async function readParameter(
  clients: Clients,
  region: string,
  Name: string,
): Promise<string | undefined> {
  try {
    const { Parameter } = await clients.client(SSMClient, region).send(new GetParameterCommand({ Name }));
    return Parameter?.Value;
  } catch (error) {
    if (isAwsError(error, 'ParameterNotFound')) return undefined;
    throw error;
  }
}
