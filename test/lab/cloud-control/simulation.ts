import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { applyPatch, Pointer } from 'rfc6902';
import { z } from 'zod';
import { type AwsAnswer, type AwsCall, type AwsProxy, awsError } from '../aws-proxy/index.ts';
import type { CallerSettings, Handler } from './handler.ts';
import { handlers } from './handlers/index.ts';
import { type Properties, schemaOf } from './model.ts';

/** A request as Cloud Control reports it. */
export interface ResourceRequest {
  readonly token: string;
  readonly type: string;
  readonly identifier: string;
  readonly account: string;
  readonly region: string;
  readonly status: 'PENDING' | 'IN_PROGRESS' | 'SUCCESS' | 'FAILED' | 'CANCEL_COMPLETE';
  readonly errorCode?: string;
  readonly message?: string;
}

export interface CloudControlOptions {
  /** The proxy that the simulation is added to, and through which handlers make their calls. */
  readonly proxy: AwsProxy;
  /** Time before a handler begins. Default: 20. */
  readonly handlerMilliseconds?: number;
}

/**
 * Cloud Control, as documented, for the types of the library: it uses the local AWS's own APIs with the caller's session.
 */
export interface CloudControlSimulation extends AsyncDisposable {
  /** All requests, oldest first. */
  readonly requests: readonly ResourceRequest[];
  /** Delay of the handlers of later requests. */
  handlerMilliseconds: number;
  /** The stacks that manage resources, by their physical ids. */
  readonly stacks: Map<string, { readonly stack: string; readonly type: string }>;
  /** Additional properties that the handlers of a type read, for example so that a model no longer validates. */
  readonly artefacts: Map<string, Properties>;
  /** Makes the next requests fail. */
  fail(code: string, message: string, times?: number): void;
  /** Stops requests from starting by themselves. */
  hold(): void;
  release(): Promise<void>;
  stop(): Promise<void>;
}

const token = z.string().min(1).max(128);
const common = { TypeName: z.string(), Identifier: z.string() };
const schemas = {
  GetResource: z.strictObject(common),
  ListResources: z.strictObject({ TypeName: z.string() }),
  UpdateResource: z.strictObject({
    ...common,
    PatchDocument: z.string(),
    ClientToken: z
      .string()
      .regex(/^[-A-Za-z0-9+/=]+$/)
      .optional(),
  }),
  GetResourceRequestStatus: z.strictObject({ RequestToken: token }),
  CancelResourceRequest: z.strictObject({ RequestToken: token }),
};

class ApiError extends Error {
  readonly code: string;
  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };
interface Running extends Mutable<ResourceRequest> {
  readonly settings: CallerSettings;
  readonly asked: z.infer<typeof schemas.UpdateResource>;
  readonly after: Properties;
  readonly before: Properties;
  run?: Promise<void>;
}

/** Adds Cloud Control to the local AWS, which lacks it. */
export function startCloudControl(options: CloudControlOptions): CloudControlSimulation {
  return new RunningCloudControl(options);
}

const answer = (body: unknown): AwsAnswer => ({
  status: 200,
  headers: { 'content-type': 'application/x-amz-json-1.0', 'x-amzn-requestid': randomUUID() },
  body: Buffer.from(JSON.stringify(body)),
});

function handlerOf(type: string): Handler {
  const handler = handlers.get(type);
  if (handler === undefined)
    throw new ApiError('TypeNotFoundException', `The type '${type}' cannot be found.`);
  return handler;
}

class RunningCloudControl implements CloudControlSimulation {
  readonly #proxy: AwsProxy;
  readonly #intercept: { remove(): void };
  readonly #requests: Running[] = [];
  readonly #failures: { code: string; message: string }[] = [];
  readonly stacks = new Map<string, { readonly stack: string; readonly type: string }>();
  readonly artefacts = new Map<string, Properties>();
  handlerMilliseconds: number;
  #isHeld = false;

  constructor({ proxy, handlerMilliseconds = 20 }: CloudControlOptions) {
    this.#proxy = proxy;
    this.handlerMilliseconds = handlerMilliseconds;
    this.#intercept = proxy.intercept((call) => this.#answer(call));
  }

  get requests(): readonly ResourceRequest[] {
    return this.#requests;
  }

  fail(code: string, message: string, times = 1): void {
    for (let time = 0; time < times; time += 1) this.#failures.push({ code, message });
  }

  hold(): void {
    this.#isHeld = true;
  }

  async release(): Promise<void> {
    this.#isHeld = false;
    for (const request of this.#requests) request.run ??= this.#run(request);
    await Promise.all(this.#requests.map(({ run }) => run));
  }

  async stop(): Promise<void> {
    this.#intercept.remove();
    await Promise.all(this.#requests.map(({ run }) => run));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #answer(call: AwsCall): Promise<AwsAnswer | undefined> {
    const { service, operation, parameters } = call;
    const isStackLookUp = service === 'cloudformation' && operation === 'DescribeStackResources';
    if (isStackLookUp && typeof parameters['PhysicalResourceId'] === 'string') {
      return this.#stackOf(call, parameters['PhysicalResourceId']);
    }
    if (service !== 'cloudcontrolapi') return undefined;
    try {
      return answer(await this.#serve(call));
    } catch (error) {
      if (error instanceof ApiError) return awsError(call, error.code, { message: error.message });
      if (error instanceof z.ZodError) {
        return awsError(call, 'ValidationException', { message: z.prettifyError(error) });
      }
      const { name, message } = error instanceof Error ? error : new Error(String(error));
      if (/AccessDenied|UnauthorizedOperation/.test(name))
        return awsError(call, 'AccessDeniedException', { message });
      return awsError(call, 'GeneralServiceException', { message: `${name}: ${message}` });
    }
  }

  async #serve(call: AwsCall): Promise<unknown> {
    const { parameters } = call;
    switch (call.operation) {
      case 'GetResource': {
        const { TypeName, Identifier } = schemas.GetResource.parse(parameters);
        const properties = await this.#read(this.#settingsOf(call), TypeName, Identifier);
        return { TypeName, ResourceDescription: { Identifier, Properties: JSON.stringify(properties) } };
      }
      case 'ListResources': {
        const { TypeName } = schemas.ListResources.parse(parameters);
        const identifiers = await handlerOf(TypeName).list(this.#settingsOf(call));
        const ResourceDescriptions = identifiers.map((Identifier) => ({
          Identifier,
          Properties: JSON.stringify({}),
        }));
        return { TypeName, ResourceDescriptions };
      }
      case 'UpdateResource':
        return { ProgressEvent: eventOf(await this.#update(call)) };
      case 'GetResourceRequestStatus':
        return {
          ProgressEvent: eventOf(this.#find(call, schemas.GetResourceRequestStatus.parse(parameters))),
        };
      case 'CancelResourceRequest':
        return { ProgressEvent: eventOf(this.#cancel(call)) };
      default:
        throw new ApiError('UnsupportedActionException', `${call.operation} is not simulated`);
    }
  }

  #settingsOf({ region, accessKeyId, headers }: AwsCall): CallerSettings {
    const sessionToken = headers['x-amz-security-token'];
    return {
      region,
      endpoint: this.#proxy.endpoint,
      maxAttempts: 1,
      credentials: {
        accessKeyId,
        secretAccessKey: 'simulated',
        ...(typeof sessionToken === 'string' && { sessionToken }),
      },
    };
  }

  async #read(settings: CallerSettings, type: string, identifier: string): Promise<Properties> {
    const properties = await handlerOf(type).read(settings, identifier);
    if (properties === undefined) {
      throw new ApiError(
        'ResourceNotFoundException',
        `Resource of type '${type}' with identifier '${identifier}' was not found.`,
      );
    }
    return { ...properties, ...this.artefacts.get(identifier) };
  }

  async #update(call: AwsCall): Promise<Running> {
    const asked = schemas.UpdateResource.parse(call.parameters);
    const { TypeName: type, Identifier: identifier, ClientToken } = asked;
    const { account } = call.principal;
    const place = { account, region: call.region };
    const same = this.#requests.find(
      (request) =>
        ClientToken !== undefined && request.asked.ClientToken === ClientToken && isAt(request, place),
    );
    if (same !== undefined) {
      if (isDeepStrictEqual(same.asked, asked)) return same;
      throw new ApiError('ClientTokenConflictException', 'The client token was used for another request.');
    }
    const busy = this.#requests.some(
      (request) => request.identifier === identifier && isAt(request, place) && isOpen(request),
    );
    if (busy) {
      const message = 'Another resource operation is currently being performed on this resource.';
      throw new ApiError('ConcurrentOperationException', message);
    }
    const settings = this.#settingsOf(call);
    const before = await this.#read(settings, type, identifier);
    const after = patched(type, before, asked.PatchDocument);
    const request: Running = {
      ...place,
      token: randomUUID(),
      type,
      identifier,
      status: 'IN_PROGRESS',
      settings,
      asked,
      after,
      before,
    };
    this.#requests.push(request);
    if (!this.#isHeld) request.run = this.#run(request);
    return { ...request };
  }

  async #run(request: Running): Promise<void> {
    await sleep(this.handlerMilliseconds);
    if (request.status !== 'IN_PROGRESS') return;
    const end = (status: Running['status'], errorCode?: string, message?: string): void => {
      request.status = status;
      if (errorCode !== undefined) request.errorCode = errorCode;
      if (message !== undefined) request.message = message;
    };
    const failure = this.#failures.shift();
    if (failure !== undefined) return end('FAILED', failure.code, failure.message);
    // The whole model is checked, regardless of the patch.
    const problem = schemaOf(request.type).problemOf(request.after);
    if (problem !== undefined) return end('FAILED', 'InvalidRequest', problem);
    try {
      const { settings, identifier, after, before } = request;
      await handlerOf(request.type).update(settings, identifier, after, before);
      end('SUCCESS');
    } catch (error) {
      const { name, message } = error instanceof Error ? error : new Error(String(error));
      const code = /AccessDenied|Unauthorized/.test(name)
        ? 'AccessDenied'
        : /Throttl/.test(name)
          ? 'Throttling'
          : /InvalidDBInstanceState|InvalidDBClusterState|InvalidClusterState|OperationAborted/.test(name)
            ? 'ResourceConflict'
            : 'GeneralServiceException';
      end('FAILED', code, message);
    }
  }

  #find(call: AwsCall, { RequestToken }: { readonly RequestToken: string }): Running {
    const found = this.#requests.find(
      (request) =>
        request.token === RequestToken &&
        isAt(request, { account: call.principal.account, region: call.region }),
    );
    if (found !== undefined) return found;
    throw new ApiError('RequestTokenNotFoundException', `Request token ${RequestToken} was not found.`);
  }

  #cancel(call: AwsCall): Running {
    const request = this.#find(call, schemas.CancelResourceRequest.parse(call.parameters));
    if (!isOpen(request)) {
      throw new ApiError('ConcurrentModificationException', `The request is ${request.status}.`);
    }
    request.status = 'CANCEL_COMPLETE';
    return request;
  }

  /** https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DescribeStackResources.html */
  #stackOf(call: AwsCall, identifier: string): AwsAnswer {
    const managed = this.stacks.get(identifier);
    if (managed === undefined) {
      return awsError(call, 'ValidationError', { message: `Stack for ${identifier} does not exist` });
    }
    // The resources of the whole stack, at most 100.
    const members = [...this.stacks]
      .filter(([, { stack }]) => stack === managed.stack)
      .slice(0, 100)
      .map(
        ([id, { stack, type }], index) =>
          `<member><StackName>${stack}</StackName><LogicalResourceId>It${index}</LogicalResourceId><PhysicalResourceId>${id}</PhysicalResourceId><ResourceType>${type}</ResourceType><ResourceStatus>CREATE_COMPLETE</ResourceStatus></member>`,
      );
    const body = `<DescribeStackResourcesResponse xmlns="http://cloudformation.amazonaws.com/doc/2010-05-15/"><DescribeStackResourcesResult><StackResources>${members.join('')}</StackResources></DescribeStackResourcesResult></DescribeStackResourcesResponse>`;
    return { status: 200, headers: { 'content-type': 'text/xml' }, body: Buffer.from(body) };
  }
}

function patched(type: string, before: Properties, document: string): Properties {
  const after = structuredClone(before);
  const patch = z.array(z.custom<Parameters<typeof applyPatch>[1][number]>()).parse(JSON.parse(document));
  const wrong = applyPatch(after, patch).find((result) => result !== null);
  if (wrong !== undefined && wrong !== null) throw new ApiError('InvalidRequestException', wrong.message);
  const { createOnly, readOnly } = schemaOf(type);
  for (const pointer of [...createOnly, ...readOnly]) {
    const [was, is] = [before, after].map((model) => Pointer.fromJSON(pointer).get(model));
    if (isDeepStrictEqual(was, is)) continue;
    throw new ApiError('NotUpdatableException', `Invalid patch update: ${pointer} can't be updated`);
  }
  return after;
}

const isAt = (request: ResourceRequest, place: Pick<ResourceRequest, 'account' | 'region'>): boolean =>
  request.account === place.account && request.region === place.region;

const isOpen = ({ status }: ResourceRequest): boolean => status === 'PENDING' || status === 'IN_PROGRESS';

/** https://docs.aws.amazon.com/cloudcontrolapi/latest/APIReference/API_ProgressEvent.html */
function eventOf({ token, type, identifier, status, errorCode, message }: ResourceRequest) {
  return {
    TypeName: type,
    Identifier: identifier,
    RequestToken: token,
    Operation: 'UPDATE',
    OperationStatus: status,
    EventTime: Date.now() / 1000,
    ...(errorCode !== undefined && { ErrorCode: errorCode }),
    ...(message !== undefined && { StatusMessage: message }),
  };
}
