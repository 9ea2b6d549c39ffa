import { type Deployment, pauseParameter } from '../../lambdas/model/deployment.ts';
import type { Clients } from '../aws/clients.ts';
import { readParameter } from './parameter.ts';

/** Reads the pause of a region: `none`, `all`, … Undefined if the region has no such parameter. */
export function pauseIn(
  clients: Clients,
  deployment: Deployment,
  region: string,
): Promise<string | undefined> {
  return readParameter(clients, region, pauseParameter(deployment));
}
