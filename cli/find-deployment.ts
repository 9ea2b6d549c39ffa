import { isAwsError } from '../lambdas/aws/errors.ts';
import {
  type Deployment,
  deploymentParameter,
  deploymentPointerSchema,
  deploymentSchema,
} from '../lambdas/model/deployment.ts';
import { regionSchema } from '../lambdas/model/finding.ts';
import { formatIssues } from '../lambdas/model/issues.ts';
import type { Clients } from './aws/clients.ts';
import { GetParameterCommand, SSMClient } from './aws/ssm.ts';
import { GetCallerIdentityCommand, STSClient } from './aws/sts.ts';
import { CliError, isDenied } from './errors.ts';

export interface DeploymentQuery {
  readonly name: string;
  /** The region that was given on the command line. */
  readonly region: string | undefined;
}

/**
 * Finds a deployment by its name: in the region that was given, then in that of the environment or the profile. The
 * parameter is in every region of the deployment.
 * @throws CliError `notFound` where there is none
 */
export async function findDeployment(
  clients: Clients,
  { name, region }: DeploymentQuery,
): Promise<Deployment> {
  const tried: string[] = [];
  // `global` is a region of findings, and none of AWS.
  const given = regionSchema.safeParse(region).data;
  for (const candidate of [() => Promise.resolve(given), () => ownRegion(clients, given)]) {
    const place = await candidate();
    if (place === undefined || tried.includes(place)) continue;
    tried.push(place);
    const value = await read(clients, name, place);
    if (value === undefined) continue;
    const pointer = deploymentPointerSchema.safeParse(value);
    const isElsewhere = pointer.success && pointer.data.home_region !== place;
    return parse(isElsewhere ? await read(clients, name, pointer.data.home_region) : value, name);
  }
  const { Account } = await clients.client(STSClient, tried[0]).send(new GetCallerIdentityCommand({}));
  throw new CliError(
    'notFound',
    `there is no deployment "${name}" in account ${Account}, region ${tried.join(' or ')}: use credentials of the security account, and give a region that it protects by --region or AWS_REGION, and its name by --name`,
  );
}

/** The region of the environment or the profile; undefined where one was given and there is no other. */
async function ownRegion(clients: Clients, given: string | undefined): Promise<string | undefined> {
  try {
    return await clients.client(STSClient).config.region();
  } catch (error) {
    if (given !== undefined) return undefined;
    throw error;
  }
}

async function read(clients: Clients, name: string, region: string): Promise<unknown> {
  const Name = deploymentParameter(name);
  try {
    const { Parameter } = await clients.client(SSMClient, region).send(new GetParameterCommand({ Name }));
    return JSON.parse(Parameter?.Value ?? '');
  } catch (error) {
    if (isAwsError(error, 'ParameterNotFound')) return undefined;
    if (error instanceof SyntaxError) {
      throw new CliError(
        'notFound',
        `parameter ${Name} in ${region} is not JSON: run terraform apply again`,
        { cause: error },
      );
    }
    if (!(error instanceof Error && isDenied(error))) throw error;
    throw new CliError(
      'denied',
      `${error.message}. Attach the policy ${name}-viewer to the role that you use; where the deployment has another name, or is in another account or region, give --name, --profile or --region`,
      { cause: error },
    );
  }
}

function parse(value: unknown, name: string): Deployment {
  const parsed = deploymentSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new CliError(
    'notFound',
    `parameter ${deploymentParameter(name)} is not what this version of cspm-remediation reads (${formatIssues(parsed.error)}): use the version that came with the deployed module, or run terraform apply again`,
    { cause: parsed.error },
  );
}
