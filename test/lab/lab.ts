import { setTimeout as sleep } from 'node:timers/promises';
import { AccountBuilder } from './accounts/account-builder.ts';
import { type AutomationSimulation, startAutomation } from './automation/index.ts';
import {
  type AwsProxy,
  type AwsProxyOptions,
  documentedThrottles,
  type Fault,
  type Injection,
  startAwsProxy,
} from './aws-proxy/index.ts';
import { type CloudControlSimulation, startCloudControl } from './cloud-control/index.ts';
import { startCloudTrail } from './cloudtrail/index.ts';
import { Deployment, type DeploymentPlace } from './deployed/deployment.ts';
import { queueTags } from './library/queue-tags.ts';
import {
  type LocalAws,
  type LocalAwsInstallation,
  prepareLocalAws,
  startLocalAws,
} from './local-aws/index.ts';
import { PermissionJudge } from './permissions/index.ts';
import { type LabRule, type LabRuleId, labRules, violate } from './rules/index.ts';
import { SettingsReads } from './settings-reads/settings-reads.ts';
import {
  Organization,
  type OrganizationOptions,
  type StackSetsSimulation,
  startStackSets,
} from './stacksets/index.ts';
import { startTenant, type Tenant } from './tenant/index.ts';

/** All that the product meets outside: AWS, with a proxy before it, and a Netskope tenant. */
export interface Lab extends AsyncDisposable {
  readonly aws: LocalAws;
  /** The proxy that everyone calls in AWS's stead: functions, Terraform, tests. */
  readonly proxy: AwsProxy;
  /** Refuses what AWS would refuse the roles that call through the proxy. */
  readonly judge: PermissionJudge;
  /** Systems Manager Automation, which the local AWS lacks. */
  readonly automation: AutomationSimulation;
  /** Cloud Control, which the local AWS lacks, for the types of the library. */
  readonly cloudControl: CloudControlSimulation;
  /** CloudFormation StackSets with service-managed permissions, and the organization that they are for. */
  readonly stackSets: StackSetsSimulation;
  readonly tenant: Tenant;
  /**
   * Makes the settings of a client of an account's root: past the proxy, so that no fault and no judge meets its
   * calls.
   */
  settings(account: string, region: string): ClientSettings;
  /** Makes resources in an account. */
  accountBuilder(account: string): AccountBuilder;
  /**
   * Makes a new resource that violates a rule.
   * @returns its id in a finding
   */
  violate(rule: LabRuleId, place: { readonly account: string; readonly region: string }): Promise<string>;
  /** The product, deployed: `poll(rule, at)` starts a poll and gives its outcomes. */
  deployment(place: Omit<DeploymentPlace, 'endpoint'>): Deployment;
  /** The moment by the lab's clock. */
  now(): Date;
  /**
   * Lets time pass: for functions, from their next invocations on, for delayed messages, for credentials and for the
   * tenant. Schedules go by the machine's clock.
   */
  passTime(milliseconds: number): void;
  /**
   * Waits until remediators go by the settings that stand now: they remember those that they have read for some seconds.
   */
  settingsInForce(): Promise<void>;
  /** Breaks, delays or rewrites what AWS answers, until it is removed. */
  inject(fault: Fault): Injection;
  stop(): Promise<void>;
}

/** Settings of a client of the AWS SDK. */
export type ClientSettings = ReturnType<AccountBuilder['settings']>;

export interface LabOptions {
  /** Default: it is prepared. */
  readonly installation?: LocalAwsInstallation;
  readonly signal?: AbortSignal;
  /** Variables that every function gets in addition to the addresses of the proxy and the tenant. */
  readonly functionEnvironment?: Readonly<Record<string, string>>;
  /** Default: one of no other account than its management account. */
  readonly organization?: OrganizationOptions;
  /**
   * True if AWS refuses what a role's policies do not allow, sessions of roles that do not exist, and throttles as documented. Default: true. The
   * benchmark leaves it out: the judge's own look-ups would be measured too.
   */
  readonly strict?: boolean;
  /** Takes each call when it is answered. */
  readonly onCall?: AwsProxyOptions['onCall'];
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
export async function startLab(options: LabOptions = {}): Promise<Lab> {
  const { signal, functionEnvironment, strict = true, onCall } = options;
  const installation = options.installation ?? (await prepareLocalAws(console.error));
  const started: AsyncDisposable[] = [];
  const stop = async (): Promise<void> => {
    for (const part of started.splice(0).reverse()) await part[Symbol.asyncDispose]();
  };
  try {
    let upstream = '';
    let ahead = 0;
    const now = (): Date => new Date(Date.now() + ahead);
    const cloudTrail = startCloudTrail(now);
    const settingsReads = new SettingsReads();
    const proxy = await startAwsProxy({
      upstream: () => upstream,
      ahead: () => ahead,
      onCall: (call) => {
        cloudTrail.record(call);
        settingsReads.note(call);
        onCall?.(call);
      },
    });
    started.push(proxy);
    const organization = new Organization(options.organization ?? NO_ORGANIZATION);
    // What Terraform may do, which calls it as a role, is not the product's.
    const stackSets = startStackSets({ proxy, organization });
    started.push(stackSets);
    const judge = new PermissionJudge({
      upstream: () => upstream,
      organizations: organization.membership,
    });
    if (strict) {
      // Before all else that answers: what a role may not do has no effect.
      proxy.intercept(judge.intercept);
      proxy.intercept(documentedThrottles());
    }
    proxy.intercept(cloudTrail.intercept);
    proxy.intercept(queueTags(() => upstream));
    const automation = startAutomation({ proxy, upstream: () => upstream });
    started.push(automation);
    const cloudControl = startCloudControl({ proxy });
    started.push(cloudControl);
    const tenant = await startTenant({ now });
    started.push(tenant);
    const aws = await startLocalAws({
      installation,
      refusesMissingRoles: strict,
      functionEnvironment: {
        AWS_ENDPOINT_URL: proxy.endpoint,
        NETSKOPE_URL: tenant.url,
        ...functionEnvironment,
      },
      ...(signal !== undefined && { signal }),
    });
    started.push(aws);
    upstream = aws.endpoint;
    const passTime = (milliseconds: number): void => {
      aws.passTime(milliseconds);
      ahead += milliseconds;
    };
    // Machine time, as the proxy's calls have it.
    const settingsInForce = (): Promise<void> =>
      settingsReads.forgotten({ now: Date.now, sleep: (rest) => sleep(rest, undefined, { signal }) });
    const parts = { aws, proxy, judge, automation, cloudControl, stackSets, tenant };
    return {
      ...parts,
      now,
      passTime,
      settingsInForce,
      ...doors(aws.endpoint, proxy),
      stop,
      [Symbol.asyncDispose]: stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Makes the lab's methods for those who work in it. */
function doors(
  endpoint: string,
  proxy: AwsProxy,
): Pick<Lab, 'settings' | 'accountBuilder' | 'violate' | 'deployment' | 'inject'> {
  const accountBuilder = (account: string): AccountBuilder => new AccountBuilder(endpoint, account);
  let made = 0;
  return {
    accountBuilder,
    settings: (account, region) => accountBuilder(account).settings(region),
    async violate(id, { account, region }) {
      made += 1;
      const resource = await violate(id, {
        builder: accountBuilder(account),
        region,
        name: `lab-${account}-${made}`,
      });
      const rule: LabRule = labRules[id];
      if (rule.pretend !== undefined) proxy.inject(rule.pretend(resource));
      return resource;
    },
    deployment: (place) => new Deployment({ endpoint, ...place }),
    inject: (fault) => proxy.inject(fault),
  };
}
