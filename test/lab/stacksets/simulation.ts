import type { AwsAnswer, AwsCall, AwsProxy } from '../aws-proxy/index.ts';
import { AccountStacks } from './account-stacks.ts';
import {
  ApiError,
  invalid,
  NotSimulated,
  pageOf,
  parseRequest,
  requests,
  type StackSetRequest,
} from './api.ts';
import type { Operation, OperationResult, StackInstance } from './operation.ts';
import type { Organization } from './organization.ts';
import { type AnswerValue, queryAnswer } from './query-protocol.ts';
import { StackSet } from './stack-set.ts';

export interface StackSetsOptions {
  /** The proxy that the simulation is added to, and through which it creates stacks in accounts. */
  readonly proxy: AwsProxy;
  readonly organization: Organization;
  /** Interval at which to check whether a stack is done. Default: 250. */
  readonly lookMilliseconds?: number;
}

/** CloudFormation StackSets with service-managed permissions. */
export interface StackSetsSimulation extends AsyncDisposable {
  readonly organization: Organization;
  /** Resolved when no operation runs or waits, including those of automatic deployment. */
  idle(): Promise<void>;
  /** Waits for running operations. From then on the local AWS answers the API again. */
  stop(): Promise<void>;
}

const LOOK_MILLISECONDS = 250;

/** Adds StackSets, which the local AWS lacks: they consist of plain stacks. */
export function startStackSets(options: StackSetsOptions): StackSetsSimulation {
  return new RunningStackSets(options);
}

type Result = { readonly [name: string]: AnswerValue };

class RunningStackSets implements StackSetsSimulation {
  readonly organization: Organization;
  readonly #stacks: AccountStacks;
  readonly #stackSets: StackSet[] = [];
  readonly #listeners: readonly { remove(): void }[];

  constructor({ proxy, organization, lookMilliseconds = LOOK_MILLISECONDS }: StackSetsOptions) {
    this.organization = organization;
    this.#stacks = new AccountStacks(proxy.endpoint, lookMilliseconds);
    this.#listeners = [
      proxy.intercept(async (call) => this.#answer(call)),
      organization.onMove((move) => {
        for (const stackSet of this.#stackSets) stackSet.follow(move);
      }),
    ];
  }

  async idle(): Promise<void> {
    await Promise.all(this.#stackSets.map((stackSet) => stackSet.idle()));
  }

  async stop(): Promise<void> {
    for (const listener of this.#listeners) listener.remove();
    await this.idle();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  #answer(call: AwsCall): AwsAnswer | undefined {
    if (call.service !== 'cloudformation' || !/StackSet|StackInstance/.test(call.operation)) return undefined;
    try {
      return queryAnswer(call, this.#result(call));
    } catch (error) {
      if (error instanceof ApiError) return error.toAnswer(call);
      throw error;
    }
  }

  #result(call: AwsCall): Result {
    switch (call.operation) {
      case 'CreateStackSet':
        return { StackSetId: this.#create(call).id };
      case 'DescribeStackSet':
        return { StackSet: this.#describe(this.#find(call, parseRequest(requests.DescribeStackSet, call))) };
      case 'UpdateStackSet': {
        const request = parseRequest(requests.UpdateStackSet, call);
        return { OperationId: this.#find(call, request).update(request).request.id };
      }
      case 'DeleteStackSet':
        this.#delete(call, parseRequest(requests.DeleteStackSet, call));
        return {};
      case 'CreateStackInstances': {
        const request = parseRequest(requests.CreateStackInstances, call);
        return { OperationId: this.#find(call, request).createInstances(request).request.id };
      }
      case 'UpdateStackInstances':
        this.#find(call, parseRequest(requests.UpdateStackInstances, call));
        throw invalid(
          'StackSets with SERVICE_MANAGED permission model can only have OrganizationalUnit as target',
        );
      case 'DeleteStackInstances': {
        const request = parseRequest(requests.DeleteStackInstances, call);
        return { OperationId: this.#find(call, request).deleteInstances(request).request.id };
      }
      case 'ListStackInstances': {
        const request = parseRequest(requests.ListStackInstances, call);
        const { StackInstanceAccount: account, StackInstanceRegion: region } = request;
        const stackSet = this.#find(call, request);
        const found = stackSet.instances.filter(
          (one) => (account ?? one.account) === one.account && (region ?? one.region) === one.region,
        );
        return pageOf(
          found.map((instance) => instanceBody(stackSet, instance)),
          request,
        );
      }
      case 'DescribeStackInstance': {
        const request = parseRequest(requests.DescribeStackInstance, call);
        const { StackInstanceAccount: account, StackInstanceRegion: region } = request;
        const stackSet = this.#find(call, request);
        const found = stackSet.instances.find((one) => one.account === account && one.region === region);
        if (found !== undefined) return { StackInstance: instanceBody(stackSet, found) };
        throw new ApiError(
          'StackInstanceNotFoundException',
          `Stack instance for StackSet ${stackSet.id}, account ${account}, region ${region} not found`,
        );
      }
      case 'DescribeStackSetOperation': {
        const request = parseRequest(requests.DescribeStackSetOperation, call);
        const stackSet = this.#find(call, request);
        return { StackSetOperation: operationBody(stackSet, stackSet.operation(request.OperationId)) };
      }
      case 'ListStackSetOperationResults': {
        const request = parseRequest(requests.ListStackSetOperationResults, call);
        const { results } = this.#find(call, request).operation(request.OperationId);
        return pageOf(results.map(resultBody), request);
      }
      default:
        throw new NotSimulated(call.operation);
    }
  }

  #create(call: AwsCall): StackSet {
    const request = parseRequest(requests.CreateStackSet, call);
    if (request.PermissionModel !== 'SERVICE_MANAGED') {
      throw new NotSimulated('a StackSet with self-managed permissions');
    }
    if (!this.#administers(call, request)) {
      throw invalid(
        'You must be the management account or delegated admin account of an organization before operating a SERVICE_MANAGED stack set',
      );
    }
    if (!this.organization.trustedAccess) {
      throw invalid('You must enable organizations access to operate a service managed stack set');
    }
    if (this.#named(call, request.StackSetName) !== undefined) {
      throw new ApiError('NameAlreadyExistsException', `Stack set ${request.StackSetName} already exists`);
    }
    const context = { organization: this.organization, stacks: this.#stacks, region: call.region };
    const made = new StackSet(context, request);
    this.#stackSets.push(made);
    return made;
  }

  #delete(call: AwsCall, request: StackSetRequest): void {
    const isAdministrator = this.#administers(call, request);
    const found = isAdministrator ? this.#named(call, request.StackSetName) : undefined;
    // AWS accepts the deletion of a missing StackSet.
    if (found === undefined) return;
    if (found.isBusy) {
      throw new ApiError(
        'OperationInProgressException',
        `Another Operation on StackSet ${found.arn} is in progress`,
      );
    }
    if (found.instances.length > 0) {
      throw new ApiError('StackSetNotEmptyException', `StackSet ${found.id} is not empty`);
    }
    this.#stackSets.splice(this.#stackSets.indexOf(found), 1);
  }

  /**
   * Reports whether a caller acts for the management account, which owns service-managed StackSets. Otherwise, an account
   * only has its own StackSets.
   * @throws ApiError for a caller that wrongly claims to be a delegated administrator
   */
  #administers({ principal: { account } }: AwsCall, { CallAs }: StackSetRequest): boolean {
    if (CallAs === 'SELF') return account === this.organization.managementAccount;
    if (this.organization.delegatedAdministrators.has(account)) return true;
    throw invalid('Account used is not a delegated administrator');
  }

  #find(call: AwsCall, request: StackSetRequest): StackSet {
    const found = this.#administers(call, request) ? this.#named(call, request.StackSetName) : undefined;
    if (found !== undefined) return found;
    throw new ApiError('StackSetNotFoundException', `StackSet ${request.StackSetName} not found`);
  }

  #named({ region }: AwsCall, name: string): StackSet | undefined {
    return this.#stackSets.find((one) => one.region === region && [one.name, one.id].includes(name));
  }

  /** https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_StackSet.html */
  #describe(stackSet: StackSet): Result {
    const { organization } = this;
    return {
      StackSetName: stackSet.name,
      StackSetId: stackSet.id,
      StackSetARN: stackSet.arn,
      Description: stackSet.description,
      Status: 'ACTIVE',
      TemplateBody: stackSet.template,
      Parameters: [],
      Capabilities: stackSet.capabilities,
      Tags: stackSet.tags.map(({ Key, Value }) => ({ Key, Value })),
      AdministrationRoleARN: `arn:aws:iam::${organization.managementAccount}:role/aws-service-role/stacksets.cloudformation.amazonaws.com/AWSServiceRoleForCloudFormationStackSetsOrgAdmin`,
      AutoDeployment: { ...stackSet.autoDeployment },
      PermissionModel: 'SERVICE_MANAGED',
      OrganizationalUnitIds: stackSet.units,
      ManagedExecution: { Active: stackSet.isManagedExecution },
      Regions: stackSet.regions,
    };
  }
}

/** https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_StackInstanceSummary.html */
function instanceBody(stackSet: StackSet, instance: StackInstance): Result {
  return {
    StackSetId: stackSet.id,
    Account: instance.account,
    Region: instance.region,
    OrganizationalUnitId: instance.unit,
    StackId: instance.stackId,
    Status: instance.status,
    StatusReason: instance.statusReason,
    StackInstanceStatus: { DetailedStatus: instance.detailedStatus },
    DriftStatus: 'NOT_CHECKED',
    LastOperationId: instance.lastOperationId,
  };
}

/** https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_StackSetOperation.html */
function operationBody(stackSet: StackSet, operation: Operation): Result {
  const { id, action, preferences, retainStacks, units } = operation.request;
  return {
    OperationId: id,
    StackSetId: stackSet.id,
    Action: action,
    Status: operation.status,
    OperationPreferences: { ...preferences },
    RetainStacks: retainStacks,
    DeploymentTargets: units && { OrganizationalUnitIds: units },
    CreationTimestamp: operation.createdAt,
    EndTimestamp: operation.endedAt,
    StatusDetails: { FailedStackInstancesCount: operation.failures },
  };
}

/** https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_StackSetOperationResultSummary.html */
function resultBody({ instance, status, statusReason }: OperationResult): Result {
  return {
    Account: instance.account,
    Region: instance.region,
    OrganizationalUnitId: instance.unit,
    Status: status,
    StatusReason: statusReason,
  };
}
