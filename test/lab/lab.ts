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

/** The outside world of the product: AWS behind a proxy, and a Netskope tenant. */
export interface Lab extends AsyncDisposable {
  readonly aws: LocalAws;
  /** The proxy that everyone calls instead of AWS: functions, Terraform, tests. */
  readonly proxy: AwsProxy;
  /** Refuses calls by roles through the proxy that AWS would refuse. */
  readonly judge: PermissionJudge;
  /** Systems Manager Automation, which the local AWS lacks. */
  readonly automation: AutomationSimulation;
  /** Cloud Control, which the local AWS lacks, for the types of the library. */
  readonly cloudControl: CloudControlSimulation;
  /** CloudFormation StackSets with service-managed permissions, and their organization. */
  readonly stackSets: StackSetsSimulation;
  readonly tenant: Tenant;
  /**
   * Settings of a client of an account's root, whose calls bypass the proxy, so that no fault and no judge affects
   * them.
   */
  settings(account: string, region: string): ClientSettings;
  /** Creates resources in an account. */
  accountBuilder(account: string): AccountBuilder;
  /**
   * Creates a resource that violates a rule.
   * @returns its id in a finding
   */
  violate(rule: LabRuleId, place: { readonly account: string; readonly region: string }): Promise<string>;
  /** The deployed product: `poll(rule, at)` starts a poll and returns its outcomes. */
  deployment(place: Omit<DeploymentPlace, 'endpoint'>): Deployment;
  /** The time of the lab's clock. */
  now(): Date;
  /**
   * Passes time: for functions, from their next invocations on, for delayed messages, for credentials and for the
   * tenant. Schedules use the machine's clock.
   */
  passTime(milliseconds: number): void;
  /**
   * Waits until remediators use the current settings: they cache the settings that they have read for some seconds.
   */
  settingsInForce(): Promise<void>;
  /** Breaks, delays or rewrites answers of AWS, until the fault is removed. */
  inject(fault: Fault): Injection;
  stop(): Promise<void>;
}

/** Settings of a client of the AWS SDK. */
export type ClientSettings = ReturnType<AccountBuilder['settings']>;

export interface LabOptions {
  /** Default: prepared automatically. */
  readonly installation?: LocalAwsInstallation;
  readonly signal?: AbortSignal;
  /** Variables that every function gets in addition to the addresses of the proxy and the tenant. */
  readonly functionEnvironment?: Readonly<Record<string, string>>;
  /** Default: an organization of the management account alone. */
  readonly organization?: OrganizationOptions;
  /**
   * True to refuse calls that a role's policies do not allow and sessions of missing roles, and to throttle calls as documented. Default: true. The
   * benchmark turns it off: it would measure the judge's own reads, too.
   */
  readonly strict?: boolean;
  /** Called with each answered call. */
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
    // Terraform calls as a role, whose permissions are not the product's.
    const stackSets = startStackSets({ proxy, organization });
    started.push(stackSets);
    const judge = new PermissionJudge({
      upstream: () => upstream,
      organizations: organization.membership,
    });
    if (strict) {
      // Before all other interceptors: a call that the role may not make has no effect.
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
    // Machine time, like that of the proxy's calls.
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

/** Creates the lab's methods for its users. */
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
