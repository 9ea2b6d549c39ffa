import { randomUUID } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import type { AwsAnswer, AwsCall, AwsProxy } from '../aws-proxy/index.ts';
import {
  ApiError,
  checkVersion,
  type DescribeRequest,
  describeRequest,
  documentBody,
  documentRequest,
  executionBody,
  executionMetadata,
  getRequest,
  jsonAnswer,
  NotSimulated,
  parseRequest,
  resolveParameters,
  type StartRequest,
  startRequest,
  stopRequest,
  tagsRequest,
} from './api.ts';
import { AutomationRoles, judgeTrustPolicy, type TrustJudge } from './automation-role.ts';
import { type AutomationDocument, type Credentials, type MakeClient, ROLE_PARAMETER } from './document.ts';
import { findDocument, isSimulated } from './documents/index.ts';
import { type AutomationExecution, Execution } from './execution.ts';
import type { AutomationFault, StepEffect } from './faults.ts';
import { findOwnDocument } from './own-document.ts';
import { Pace } from './pace.ts';
import { revokedAsInAws } from './revocations.ts';

/** Quotas per account and region. https://docs.aws.amazon.com/general/latest/gr/ssm.html#limits_ssm */
export interface AutomationQuotas {
  /** Number of executions that run at the same time. */
  readonly atOnce: number;
  /** Number of executions in the queue. */
  readonly queued: number;
}

export interface AutomationOptions {
  /** The proxy that the simulation is added to, and through which executions make their calls. */
  readonly proxy: AwsProxy;
  /** The local AWS, for what a service reads within AWS: whether a role exists, whether a VPC is the default one. */
  readonly upstream: () => string;
  /** Delay before an execution begins, and before each of its steps. Default: 200. */
  readonly stepMilliseconds?: number;
  /** Default: AWS's. */
  readonly quotas?: AutomationQuotas;
  /** Judge of whether a role may be assumed. Default: its trust policy. */
  readonly trusts?: TrustJudge;
}

/** An active fault of Automation. */
export interface AutomationInjection {
  /** Number of steps that it has affected. */
  readonly hits: number;
  remove(): void;
}

/** Systems Manager Automation, as documented, for four of AWS's documents and for those that accounts create. */
export interface AutomationSimulation extends AsyncDisposable {
  /** All executions that were started, oldest first. */
  readonly executions: readonly AutomationExecution[];
  /** Duration of the steps of later executions. */
  stepMilliseconds: number;
  quotas: AutomationQuotas;
  /** Stops all executions from continuing by themselves: started ones stay `Pending`, others in their step. */
  hold(): void;
  /** Lets executions continue by themselves again. */
  release(): void;
  /** Runs an execution to its end at once, held or not, queued or not. */
  finish(id: string): Promise<AutomationExecution>;
  inject(fault: AutomationFault): AutomationInjection;
  /** Cancels running executions. From then on the local AWS answers the API again. */
  stop(): Promise<void>;
}

const QUOTAS: AutomationQuotas = { atOnce: 100, queued: 1000 };
const STEP_MILLISECONDS = 200;

/** Adds Automation to the local AWS, which lacks it. */
export function startAutomation(options: AutomationOptions): AutomationSimulation {
  return new RunningAutomation(options);
}

interface ActiveFault {
  readonly fault: AutomationFault;
  hits: number;
}

/** A start with a client token. */
interface TokenUse {
  readonly request: StartRequest;
  readonly id: Promise<string>;
}

type Place = Pick<Execution, 'account' | 'region'>;

class RunningAutomation implements AutomationSimulation {
  readonly #proxy: AwsProxy;
  readonly #upstream: () => string;
  readonly #roles: AutomationRoles;
  readonly #pace: Pace;
  readonly #executions: Execution[] = [];
  readonly #runs = new Set<Promise<void>>();
  readonly #tokens = new Map<string, TokenUse>();
  readonly #faults = new Set<ActiveFault>();
  readonly #intercepts: readonly { remove(): void }[];
  quotas: AutomationQuotas;

  constructor(options: AutomationOptions) {
    const { proxy, upstream, trusts = judgeTrustPolicy } = options;
    this.#proxy = proxy;
    this.#upstream = upstream;
    this.#roles = new AutomationRoles({ proxy: proxy.endpoint, upstream }, trusts);
    this.#pace = new Pace(options.stepMilliseconds ?? STEP_MILLISECONDS);
    this.quotas = options.quotas ?? QUOTAS;
    this.#intercepts = [
      proxy.intercept((call) => this.#answer(call)),
      proxy.intercept(revokedAsInAws(upstream)),
    ];
  }

  get executions(): readonly AutomationExecution[] {
    return this.#executions;
  }

  get stepMilliseconds(): number {
    return this.#pace.milliseconds;
  }

  set stepMilliseconds(milliseconds: number) {
    this.#pace.milliseconds = milliseconds;
  }

  hold(): void {
    this.#pace.hold();
  }

  release(): void {
    this.#pace.release();
  }

  async finish(id: string): Promise<AutomationExecution> {
    const execution = this.#executions.find((one) => one.id === id);
    if (execution === undefined) throw new Error(`expected the id of an execution, got ${id}`);
    this.#begin(execution);
    await execution.finish();
    return execution;
  }

  inject(fault: AutomationFault): AutomationInjection {
    const active: ActiveFault = { fault, hits: 0 };
    this.#faults.add(active);
    return {
      get hits() {
        return active.hits;
      },
      remove: () => {
        this.#faults.delete(active);
      },
    };
  }

  async stop(): Promise<void> {
    for (const intercept of this.#intercepts) intercept.remove();
    for (const execution of this.#executions) execution.cancel();
    await Promise.all(this.#runs);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #answer(call: AwsCall): Promise<AwsAnswer | undefined> {
    if (call.service !== 'ssm') return undefined;
    try {
      switch (call.operation) {
        case 'StartAutomationExecution':
          return jsonAnswer({ AutomationExecutionId: await this.#start(call) });
        case 'GetAutomationExecution': {
          const { AutomationExecutionId: id } = parseRequest(getRequest, call);
          return jsonAnswer({ AutomationExecution: executionBody(this.#find(call, id)) });
        }
        case 'StopAutomationExecution':
          this.#cancel(call);
          return jsonAnswer({});
        case 'DescribeAutomationExecutions':
          return jsonAnswer(this.#list(call, parseRequest(describeRequest, call)));
        case 'ListTagsForResource':
          return call.parameters['ResourceType'] === 'Automation' ? this.#tags(call) : undefined;
        case 'DescribeDocument':
          return this.#describeDocument(call);
        default:
          if (call.operation.includes('Automation')) throw new NotSimulated(call.operation);
          return undefined;
      }
    } catch (error) {
      if (error instanceof ApiError) return error.toAnswer(call);
      throw error;
    }
  }

  /** @returns the id of the execution: a new one, unless the client token was used for one before */
  async #start(call: AwsCall): Promise<string> {
    const request = parseRequest(startRequest, call);
    if (request.ClientToken === undefined) return this.#startNew(call, request);
    const key = `${call.principal.account} ${call.region} ${request.ClientToken}`;
    const used = this.#tokens.get(key);
    if (used !== undefined) {
      if (isDeepStrictEqual(used.request, request)) return used.id;
      throw new ApiError(
        'IdempotentParameterMismatch',
        `client token ${request.ClientToken} was already used with other parameters`,
      );
    }
    const id = this.#startNew(call, request);
    this.#tokens.set(key, { request, id });
    // A refused start can be attempted again.
    id.catch(() => this.#tokens.delete(key));
    return id;
  }

  async #startNew(call: AwsCall, request: StartRequest): Promise<string> {
    const { region, principal } = call;
    const document = await this.#document(call, request);
    if (document === undefined) {
      throw new ApiError(
        'AutomationDefinitionNotFoundException',
        `there is no Automation document ${request.DocumentName} in ${region}`,
      );
    }
    const parameters = resolveParameters(document, request.Parameters);
    const id = randomUUID();
    const role = document.roleOf?.(parameters) ?? parameters[ROLE_PARAMETER] ?? '';
    const credentials = await this.#credentials(call, role, id);
    const place: Place = { account: principal.account, region };
    // From here to the end there is no other asynchronous step.
    const isQueued = this.#here(place).filter(isRunning).length >= this.quotas.atOnce;
    if (isQueued && this.#here(place).filter((one) => one.isQueued).length >= this.quotas.queued) {
      throw new ApiError(
        'AutomationExecutionLimitExceededException',
        `${this.quotas.atOnce} executions run and ${this.quotas.queued} are queued in ${region}`,
      );
    }
    const execution = new Execution(
      {
        id,
        ...place,
        document,
        given: request.Parameters,
        parameters,
        tags: request.Tags,
        executedBy: principal.arn ?? `arn:aws:iam::${principal.account}:root`,
        client: this.#clients(region, credentials),
      },
      this.#pace,
      (one, step) => this.#meetFault(one, step),
    );
    this.#executions.push(execution);
    if (!isQueued) this.#begin(execution);
    return id;
  }

  /** Finds one of AWS's documents, or one that an account has created. */
  async #document(
    { region, principal }: AwsCall,
    { DocumentName: name, DocumentVersion: version = '$DEFAULT' }: StartRequest,
  ): Promise<AutomationDocument | undefined> {
    const document = findDocument(name, region);
    if (document === undefined) {
      const { account } = principal;
      // Accounts cannot use the names of AWS's documents.
      return /^(aws|amazon|amzn)/i.test(name)
        ? undefined
        : findOwnDocument({ upstream: this.#upstream(), account, region, name, version });
    }
    checkVersion(document, version);
    return document;
  }

  async #credentials(call: AwsCall, roleArn: string, executionId: string): Promise<Credentials> {
    if (roleArn === '') return credentialsOf(call);
    const { region, principal } = call;
    const request = { account: principal.account, region, roleArn, executionId };
    const credentials = await this.#roles.assume(request);
    if (credentials !== undefined) return credentials;
    // https://docs.aws.amazon.com/systems-manager/latest/userguide/automation-troubleshooting.html#automation-trbl-ar
    throw new ApiError(
      'InvalidAutomationExecutionParametersException',
      'The defined assume role is unable to be assumed.',
    );
  }

  #clients(region: string, credentials: Credentials): MakeClient {
    return (Client) => new Client({ endpoint: this.#proxy.endpoint, region, credentials });
  }

  #begin(execution: Execution): void {
    const run = execution.begin().then(() => {
      this.#runs.delete(run);
      this.#beginQueued(execution);
    });
    this.#runs.add(run);
  }

  #beginQueued(place: Place): void {
    if (this.#here(place).filter(isRunning).length >= this.quotas.atOnce) return;
    const next = this.#here(place).find(({ isQueued }) => isQueued);
    if (next !== undefined) this.#begin(next);
  }

  #here({ account, region }: Place): Execution[] {
    return this.#executions.filter((one) => one.account === account && one.region === region);
  }

  #find({ principal: { account }, region }: AwsCall, id: string): Execution {
    const execution = this.#here({ account, region }).find((one) => one.id === id);
    if (execution !== undefined) return execution;
    throw new ApiError(
      'AutomationExecutionNotFoundException',
      `there is no automation execution ${id} in ${region}`,
    );
  }

  #cancel(call: AwsCall): void {
    const execution = this.#find(call, parseRequest(stopRequest, call).AutomationExecutionId);
    if (execution.endedAt !== undefined) {
      throw new ApiError(
        'InvalidAutomationStatusUpdateException',
        `execution ${execution.id} has ended: ${execution.status}`,
      );
    }
    execution.cancel();
  }

  /** Newest first. */
  #list({ principal: { account }, region }: AwsCall, request: DescribeRequest) {
    const found = this.#here({ account, region })
      .filter((execution) => request.Filters.every((filter) => passes(execution, filter)))
      .reverse();
    const from = Number(request.NextToken ?? 0);
    const to = from + request.MaxResults;
    return {
      AutomationExecutionMetadataList: found.slice(from, to).map(executionMetadata),
      ...(to < found.length && { NextToken: String(to) }),
    };
  }

  #tags(call: AwsCall): AwsAnswer {
    const id = parseRequest(tagsRequest, call).ResourceId;
    const { account } = call.principal;
    const execution = this.#here({ account, region: call.region }).find((one) => one.id === id);
    if (execution === undefined) throw new ApiError('InvalidResourceId', `there is no execution ${id}`);
    return jsonAnswer({ TagList: execution.tags });
  }

  #describeDocument(call: AwsCall): AwsAnswer | undefined {
    const { Name: name } = call.parameters;
    if (typeof name !== 'string' || !isSimulated(name)) return undefined;
    const document = findDocument(name, call.region);
    if (document === undefined) {
      throw new ApiError('InvalidDocument', `there is no document ${name} in ${call.region}`);
    }
    try {
      checkVersion(document, parseRequest(documentRequest, call).DocumentVersion);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      throw new ApiError('InvalidDocumentVersion', error.message);
    }
    return jsonAnswer({ Document: documentBody(document) });
  }

  #meetFault(execution: AutomationExecution, step: string): StepEffect | undefined {
    for (const active of this.#faults) {
      const { fault } = active;
      if (active.hits >= (fault.times ?? Number.POSITIVE_INFINITY)) continue;
      if (!meets(fault, execution, step)) continue;
      active.hits += 1;
      return fault.effect;
    }
    return undefined;
  }
}

function isRunning(execution: Execution): boolean {
  return !execution.isQueued && execution.endedAt === undefined;
}

/** The credentials of the caller, as whom Automation acts without a role. */
function credentialsOf({ accessKeyId, headers }: AwsCall): Credentials {
  const { 'x-amz-security-token': sessionToken } = headers;
  return {
    accessKeyId,
    secretAccessKey: 'simulated',
    ...(typeof sessionToken === 'string' && { sessionToken }),
  };
}

function passes(execution: Execution, { Key, Values }: DescribeRequest['Filters'][number]): boolean {
  switch (Key) {
    case 'DocumentNamePrefix':
      return Values.some((prefix) => execution.documentName.startsWith(prefix));
    case 'ExecutionStatus':
      return Values.includes(execution.status);
    case 'ExecutionId':
      return Values.includes(execution.id);
    case 'StartTimeAfter':
      return Values.some((moment) => execution.startedAt.getTime() > Date.parse(moment));
    case 'TagKey':
      return execution.tags.some((tag) => Values.includes(tag.Key));
  }
}

function meets(fault: AutomationFault, execution: AutomationExecution, step: string): boolean {
  return (
    (fault.document === undefined || fault.document === execution.documentName) &&
    (fault.account === undefined || fault.account === execution.account) &&
    (fault.region === undefined || fault.region === execution.region) &&
    (fault.step === undefined || fault.step === step) &&
    (fault.resource === undefined || Object.values(execution.parameters).includes(fault.resource))
  );
}
