import { isAwsError } from '../../lambdas/aws/errors.ts';
import type { Clients } from '../aws/clients.ts';
import { GetParameterCommand, SSMClient } from '../aws/ssm.ts';

/** A parameter's value, and the number of its version. Each write adds one to it. */
export interface Versioned {
  readonly value: string;
  readonly version: number | undefined;
}

/** Reads a parameter in a region. @returns undefined if there is none */
export async function readParameter(
  clients: Clients,
  region: string,
  name: string,
): Promise<string | undefined> {
  return (await readVersioned(clients, region, name))?.value;
}

/**
 * Reads a parameter and its version.
 * @param Name its name: the last version; or `<name>:<version>`
 * @returns undefined if there is none
 */
export async function readVersioned(
  clients: Clients,
  region: string,
  Name: string,
): Promise<Versioned | undefined> {
  try {
    const { Parameter } = await clients.client(SSMClient, region).send(new GetParameterCommand({ Name }));
    const { Value: value, Version: version } = Parameter ?? {};
    return value === undefined ? undefined : { value, version };
  } catch (error) {
    if (isAwsError(error, 'ParameterNotFound')) return undefined;
    throw error;
  }
}
