import { HttpResponse } from '@smithy/core/protocols';
import { applyPatch } from 'rfc6902';
import { z } from 'zod';
import { logCall } from '../../../../lambdas/aws/call-log.ts';
import type { AwsCall, AwsSession, ClientSettings } from '../../../../lambdas/aws/session.ts';
import type { Properties } from '../../../../lambdas/changes/cloud-control/patch.ts';
import type { SessionRequest } from '../../../../lambdas/remediator/session.ts';
import { Lifeline } from './lifeline.ts';

const requestSchema = z.object({
  Identifier: z.string().optional(),
  PatchDocument: z.string().optional(),
  ClientToken: z.string().optional(),
  RequestToken: z.string().optional(),
});
const patchSchema = z.array(z.custom<Parameters<typeof applyPatch>[1][number]>());

interface Request {
  readonly token: string;
  readonly clientToken: string | undefined;
  readonly identifier: string;
  readonly patch: z.infer<typeof patchSchema>;
  readonly until: number;
  status: string;
  error?: { readonly code: string; readonly message: string };
}

/** Resources behind Cloud Control, in memory, with a real SDK client. A test sets the duration of updates. */
export class CloudControlAccount {
  readonly resources: Map<string, Properties>;
  /** Duration of an update, in milliseconds of the remediator's clock. */
  lasts = 0;
  /** The error with which updates end instead of succeeding. */
  fails: { readonly code: string; readonly message: string } | undefined;
  /** True if an update that fails has already set the values. */
  setsBeforeItFails = false;
  /** The error with which a call is answered. */
  refuses: (operation: string) => string | undefined = () => undefined;
  /** The pending modifications of databases, which wait for their maintenance windows. */
  pending: Readonly<Record<string, string>> = {};
  parameterGroup = 'in-sync';
  /** The stacks that manage resources, by physical id. */
  readonly stacks = new Map<string, { readonly stack: string; readonly type: string }>();
  /** Called before a call takes effect, with the lifeline of the attempt. */
  beforeCall: (operation: string, life: Lifeline) => void = () => {};
  /** Called after a call has taken effect. @returns the error with which its answer is lost */
  afterCall: (operation: string, life: Lifeline) => Error | undefined = () => undefined;
  /** Changes the properties of a resource after its update has succeeded. */
  onDone: (properties: Properties) => Properties = (properties) => properties;
  /** Called before an update is accepted. */
  beforeUpdate: () => void = () => {};
  /** The accepted patches, in order, with their client tokens. */
  readonly updates: { readonly patch: unknown; readonly clientToken: string | undefined }[] = [];
  readonly requested: SessionRequest[] = [];
  /** Pauses of the functions that have not ended. */
  onSleep: () => void = () => {};
  #requests: Request[] = [];

  constructor(resources: Readonly<Record<string, Properties>>) {
    this.resources = new Map(Object.entries(structuredClone(resources)));
  }

  open = (request: SessionRequest, now: () => number, life = new Lifeline()): AwsSession => {
    this.requested.push(request);
    const { account, region } = request;
    const calls: AwsCall[] = [];
    let slept = 0;
    const time = (): number => now() + slept;
    const handle = async (asked: { body: unknown; headers: Record<string, string> }) => {
      const target = asked.headers['x-amz-target'];
      const operation = target?.split('.').at(-1) ?? 'DescribeStackResources';
      logCall(calls, {
        service: target === undefined ? 'CloudFormation' : 'CloudControl',
        operation,
        requestId: 'r',
      });
      const body = String(asked.body);
      this.beforeCall(operation, life);
      const answer = await life.step(() =>
        target === undefined
          ? this.#answerQuery(new URLSearchParams(body))
          : this.#answer(operation, body, time()),
      );
      const lost = this.afterCall(operation, life);
      if (lost !== undefined) throw lost;
      return {
        response: new HttpResponse({
          statusCode: answer.status ?? 200,
          headers: { 'content-type': target === undefined ? 'text/xml' : 'application/x-amz-json-1.0' },
          body: new TextEncoder().encode(answer.body),
        }),
      };
    };
    return {
      account,
      region,
      partition: 'aws',
      maker: 'test',
      calls,
      now: () => new Date(now()),
      turn: async () => {},
      sleep: async (milliseconds) => {
        slept += milliseconds;
        this.onSleep();
      },
      client<C>(Client: new (settings: ClientSettings) => C): C {
        const settings: ClientSettings & Record<string, unknown> = {
          region,
          maxAttempts: 1,
          credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
          requestHandler: { handle },
        };
        return new Client(settings);
      },
    };
  };

  #answerQuery(form: URLSearchParams): { body: string; status?: number } {
    if (form.get('Action') !== 'DescribeDBInstances') return this.#stacksOf(form);
    const values = Object.entries(this.pending).map(([name, value]) => `<${name}>${value}</${name}>`);
    const group = `<DBParameterGroup><DBParameterGroupName>ours</DBParameterGroupName><ParameterApplyStatus>${this.parameterGroup}</ParameterApplyStatus></DBParameterGroup>`;
    return {
      body: `<DescribeDBInstancesResponse><DescribeDBInstancesResult><DBInstances><DBInstance><PendingModifiedValues>${values.join('')}</PendingModifiedValues><DBParameterGroups>${group}</DBParameterGroups></DBInstance></DBInstances></DescribeDBInstancesResult></DescribeDBInstancesResponse>`,
    };
  }

  #stacksOf(form: URLSearchParams): { body: string; status?: number } {
    const id = form.get('PhysicalResourceId') ?? '';
    const managed = this.stacks.get(id);
    if (managed === undefined) {
      return {
        status: 400,
        body: `<ErrorResponse><Error><Type>Sender</Type><Code>ValidationError</Code><Message>Stack for ${id} does not exist</Message></Error></ErrorResponse>`,
      };
    }
    // The resources of the whole stack, at most 100.
    const members = [...this.stacks]
      .filter(([, { stack }]) => stack === managed.stack)
      .slice(0, 100)
      .map(
        ([member, { stack, type }]) =>
          `<member><StackName>${stack}</StackName><PhysicalResourceId>${member}</PhysicalResourceId><ResourceType>${type}</ResourceType></member>`,
      );
    return {
      body: `<DescribeStackResourcesResponse><DescribeStackResourcesResult><StackResources>${members.join('')}</StackResources></DescribeStackResourcesResult></DescribeStackResourcesResponse>`,
    };
  }

  #answer(operation: string, body: string, now: number): { body: string; status?: number } {
    this.#advance(now);
    const asked = requestSchema.parse(JSON.parse(body));
    const refused = this.refuses(operation);
    if (refused !== undefined) return failed(refused, `${operation} by test`);
    if (operation === 'GetResource') {
      const properties = this.resources.get(asked.Identifier ?? '');
      if (properties === undefined) return failed('ResourceNotFoundException', 'not found');
      const ResourceDescription = { Identifier: asked.Identifier, Properties: JSON.stringify(properties) };
      return { body: JSON.stringify({ TypeName: 'T', ResourceDescription }) };
    }
    if (operation === 'UpdateResource') return this.#update(asked, now);
    const request = this.#requests.find(({ token }) => token === asked.RequestToken);
    if (request === undefined) return failed('RequestTokenNotFoundException', 'not found');
    if (operation === 'CancelResourceRequest' && request.status === 'IN_PROGRESS') {
      request.status = 'CANCEL_COMPLETE';
    }
    return { body: JSON.stringify({ ProgressEvent: eventOf(request) }) };
  }

  #update(asked: z.infer<typeof requestSchema>, now: number): { body: string; status?: number } {
    this.beforeUpdate();
    const identifier = asked.Identifier ?? '';
    const taken = this.#requests.find(
      ({ clientToken }) => clientToken !== undefined && clientToken === asked.ClientToken,
    );
    if (taken !== undefined) return { body: JSON.stringify({ ProgressEvent: eventOf(taken) }) };
    if (this.#requests.some((each) => each.identifier === identifier && each.status === 'IN_PROGRESS'))
      return failed('ConcurrentOperationException', 'another request is in progress');
    const properties = this.resources.get(identifier);
    if (properties === undefined) return failed('ResourceNotFoundException', 'not found');
    const patch = patchSchema.parse(JSON.parse(asked.PatchDocument ?? ''));
    const wrong = applyPatch(structuredClone(properties), patch).find((each) => each !== null);
    if (wrong !== undefined) return failed('InvalidRequestException', `Patch failed: ${wrong?.message}`);
    this.updates.push({ patch, clientToken: asked.ClientToken });
    const request: Request = {
      token: `request-${this.#requests.length + 1}`,
      clientToken: asked.ClientToken,
      identifier,
      patch,
      until: now + this.lasts,
      status: 'IN_PROGRESS',
    };
    this.#requests.push(request);
    const first = eventOf(request);
    this.#advance(now);
    return { body: JSON.stringify({ ProgressEvent: first }) };
  }

  #advance(now: number): void {
    for (const request of this.#requests) {
      if (request.status !== 'IN_PROGRESS' || request.until > now) continue;
      if (this.fails === undefined) {
        const properties = this.resources.get(request.identifier);
        applyPatch(properties, request.patch);
        if (properties !== undefined) this.resources.set(request.identifier, this.onDone(properties));
        request.status = 'SUCCESS';
      } else {
        if (this.setsBeforeItFails) applyPatch(this.resources.get(request.identifier), request.patch);
        request.status = 'FAILED';
        request.error = this.fails;
      }
    }
  }
}

function eventOf({ token, status, error }: Request) {
  return {
    RequestToken: token,
    OperationStatus: status,
    ...(error !== undefined && { ErrorCode: error.code, StatusMessage: error.message }),
  };
}

function failed(code: string, message: string): { status: number; body: string } {
  return { status: 400, body: JSON.stringify({ __type: code, Message: message, message }) };
}
