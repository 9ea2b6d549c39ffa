import {
  type Deployment,
  deploymentParameter,
  deploymentSchema,
  homeRegionParameter,
} from '../lambdas/model/deployment.ts';
import { regionSchema } from '../lambdas/model/finding.ts';
import { formatIssues } from '../lambdas/model/issues.ts';
import { jsonText } from '../lambdas/model/json.ts';
import type { Clients } from './aws/clients.ts';
import { GetCallerIdentityCommand, STSClient } from './aws/sts.ts';
import { readParameter } from './deployed/parameter.ts';
import { CliError, isDenied } from './errors.ts';

export interface DeploymentQuery {
  readonly name: string;
  /** The region from the command line. */
  readonly region: string | undefined;
}

/**
 * Finds a deployment by its name: in the region from the command line, then in that of the environment or the profile. Every
 * region of the deployment names the home region, which describes it.
 * @throws CliError `notFound` if there is none, `usage` if `name` cannot be one or `region` is not a region code
 */
export async function findDeployment(
  clients: Clients,
  { name, region }: DeploymentQuery,
): Promise<Deployment> {
  const tried: string[] = [];
  if (!/^[a-z]([a-z0-9-]*[a-z0-9])?$/.test(name)) {
    throw new CliError(
      'usage',
      `--name "${name.slice(0, 60)}" is not the name of a deployment: expected lowercase letters, digits and hyphens, as \`name\` of its Terraform module`,
    );
  }
  if (region !== undefined && region !== 'global' && !regionSchema.safeParse(region).success) {
    throw new CliError(
      'usage',
      `--region "${region.slice(0, 60)}" is not a region: expected an AWS region code such as eu-central-1`,
    );
  }
  // `global` is a region of findings, not of AWS.
  const given = regionSchema.safeParse(region).data;
  for (const candidate of [() => Promise.resolve(given), () => ownRegion(clients, given)]) {
    const place = await candidate();
    if (place === undefined || tried.includes(place)) continue;
    tried.push(place);
    const home = regionSchema.safeParse(
      await read(clients, name, { parameter: homeRegionParameter(name), region: place }),
    ).data;
    if (home !== undefined) return describe(clients, name, home);
  }
  const { Account } = await clients.client(STSClient, tried[0]).send(new GetCallerIdentityCommand({}));
  throw new CliError(
    'notFound',
    `there is no deployment "${name}" in account ${Account}, region ${tried.join(' or ')}: use credentials of the security account, one of its protected regions (--region or AWS_REGION), and its name (--name)`,
  );
}

/** The region of the environment or the profile; undefined if there is none other than that of the command line. */
async function ownRegion(clients: Clients, given: string | undefined): Promise<string | undefined> {
  try {
    return await clients.client(STSClient).config.region();
  } catch (error) {
    if (given !== undefined) return undefined;
    throw error;
  }
}

const deploymentTextSchema = jsonText(deploymentSchema);

async function describe(clients: Clients, name: string, home: string): Promise<Deployment> {
  const parameter = deploymentParameter(name);
  const value = await read(clients, name, { parameter, region: home });
  const parsed = deploymentTextSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const problem = value === undefined ? 'it does not exist' : formatIssues(parsed.error);
  throw new CliError(
    'notFound',
    `this version of cspm-remediation cannot read the parameter ${parameter} in ${home} (${problem}): use the version that came with the deployed module, or run terraform apply again`,
    { cause: parsed.error },
  );
}

/** @returns undefined if there is no such parameter */
async function read(
  clients: Clients,
  name: string,
  { parameter, region }: { readonly parameter: string; readonly region: string },
): Promise<string | undefined> {
  try {
    return await readParameter(clients, region, parameter);
  } catch (error) {
    if (!(error instanceof Error && isDenied(error))) throw error;
    throw new CliError(
      'denied',
      `${error.message}. Attach the policy ${name}-viewer to the role that you use; if the deployment has another name, or is in another account or region, set --name, --profile or --region`,
      { cause: error },
    );
  }
}
