import { type AutomationSimulation, startAutomation } from './automation/index.ts';
import { type AwsProxy, documentedThrottles, startAwsProxy } from './aws-proxy/index.ts';
import { type LocalAws, type LocalAwsInstallation, startLocalAws } from './local-aws/index.ts';
import { PermissionJudge } from './permissions/index.ts';
import {
  Organization,
  type OrganizationOptions,
  type StackSetsSimulation,
  startStackSets,
} from './stacksets/index.ts';
import { startTenant, type Tenant } from './tenant/index.ts';

/** All that the product meets in the world: AWS, with a proxy before it, and a Netskope tenant. */
export interface Simulation extends AsyncDisposable {
  readonly aws: LocalAws;
  /** What everyone calls in AWS's stead: functions, Terraform, tests. */
  readonly proxy: AwsProxy;
  /** Refuses what AWS would refuse the roles that call through the proxy. */
  readonly judge: PermissionJudge;
  /** Systems Manager Automation, which the local AWS lacks. */
  readonly automation: AutomationSimulation;
  /** CloudFormation StackSets with service-managed permissions, and the organization that they are for. */
  readonly stackSets: StackSetsSimulation;
  readonly tenant: Tenant;
  stop(): Promise<void>;
}

export interface SimulationOptions {
  readonly installation: LocalAwsInstallation;
  readonly signal?: AbortSignal;
  /** Variables that every function gets besides the addresses of the proxy and the tenant. */
  readonly functionEnvironment?: Readonly<Record<string, string>>;
  /** Default: one of no other account than its management account. */
  readonly organization?: OrganizationOptions;
}

const NO_ORGANIZATION: OrganizationOptions = {
  id: 'o-none000000',
  root: 'r-none',
  managementAccount: '000000000000',
};

/**
 * Starts a local AWS whose functions call AWS through the proxy, with the permissions that they would have in AWS, and
 * the tenant instead of Netskope.
 */
export async function startSimulation(options: SimulationOptions): Promise<Simulation> {
  const { installation, signal, functionEnvironment } = options;
  const started: AsyncDisposable[] = [];
  const stop = async (): Promise<void> => {
    for (const part of started.splice(0).reverse()) await part[Symbol.asyncDispose]();
  };
  try {
    let upstream = '';
    const proxy = await startAwsProxy({ upstream: () => upstream });
    started.push(proxy);
    const organization = new Organization(options.organization ?? NO_ORGANIZATION);
    // What Terraform may do, which calls it as a role, is not the product's.
    const stackSets = startStackSets({ proxy, organization });
    started.push(stackSets);
    const judge = new PermissionJudge({
      upstream: () => upstream,
      organizations: organization.membership,
    });
    // Before all else that answers: what a role may not do has no effect.
    proxy.intercept(judge.intercept);
    proxy.intercept(documentedThrottles());
    const automation = startAutomation({ proxy, upstream: () => upstream });
    started.push(automation);
    const tenant = await startTenant({});
    started.push(tenant);
    const aws = await startLocalAws({
      installation,
      functionEnvironment: {
        AWS_ENDPOINT_URL: proxy.endpoint,
        NETSKOPE_URL: tenant.url,
        ...functionEnvironment,
      },
      ...(signal !== undefined && { signal }),
    });
    started.push(aws);
    upstream = aws.endpoint;
    return { aws, proxy, judge, automation, stackSets, tenant, stop, [Symbol.asyncDispose]: stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
