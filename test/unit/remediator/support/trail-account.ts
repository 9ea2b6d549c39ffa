import { randomUUID } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { HttpResponse } from '@smithy/core/protocols';
import { z } from 'zod';
import { logCall } from '../../../../lambdas/aws/call-log.ts';
import type { AwsCall, AwsSession, ClientSettings } from '../../../../lambdas/aws/session.ts';
import type { SessionRequest } from '../../../../lambdas/remediator/session.ts';
import type { Fault } from './iam-account.ts';
import type { Lifeline } from './lifeline.ts';

const startSchema = z.looseObject({
  ClientToken: z.string(),
  DocumentName: z.string(),
  Parameters: z.looseObject({ TrailName: z.tuple([z.string()]) }),
  Tags: z.array(z.object({ Key: z.string(), Value: z.string() })),
});
type Start = z.infer<typeof startSchema>;

/** An automation execution, which proceeds when a test requests it. */
export interface Execution {
  readonly id: string;
  readonly region: string;
  readonly trail: string;
  /** The start as requested. */
  readonly start: Start;
  status: string;
  failure?: string;
  /** Time at which it ended, in milliseconds. */
  endedAt?: number;
}

export interface TrailCall {
  readonly operation: string;
  readonly region: string;
  readonly body: unknown;
}

type Answer = { readonly status: number; readonly body: unknown };

const refuse = (code: string, status = 400): Answer => ({
  status,
  body: { __type: code, message: `${code} by AWS` },
});

/**
 * The CloudTrail trails of an account, and Systems Manager Automation, behind real SDK clients: what they answer, in
 * memory. A finding of `cloudtrail-log-file-validation` names a trail.
 */
export class TrailAccount {
  /** State of log file validation, by ARN. */
  readonly trails = new Map<string, boolean>();
  readonly tags = new Map<string, Record<string, string>>();
  /** All executions, oldest first. */
  readonly executions: Execution[] = [];
  readonly calls: TrailCall[] = [];
  readonly sessions: SessionRequest[] = [];
  /** Trails for which an execution was started while another one was running. */
  readonly overlaps: string[] = [];
  /** False while AWS does not list executions that were just started. */
  listsExecutions = true;
  fault: (call: TrailCall) => Fault | undefined = () => undefined;

  constructor(...unvalidated: readonly string[]) {
    for (const trail of unvalidated) this.trails.set(trail, false);
  }

  operations(since = 0): string[] {
    return this.calls.slice(since).map(({ operation }) => operation);
  }

  get running(): Execution[] {
    return this.executions.filter(({ status }) => status === 'InProgress');
  }

  /**
   * Ends running executions. A successful one has had its effect.
   * @param at the time at which AWS says that they ended, in milliseconds
   */
  end(status: 'Success' | 'Failed' | 'Cancelled' = 'Success', failure?: string, at?: number): void {
    for (const execution of this.running) {
      execution.status = status;
      if (at !== undefined) execution.endedAt = at;
      if (failure !== undefined) execution.failure = failure;
      if (status === 'Success') this.trails.set(execution.trail, true);
    }
  }

  open(request: SessionRequest, now: () => number, life: Lifeline): AwsSession {
    this.sessions.push(request);
    const calls: AwsCall[] = [];
    const clients = new Map<string, unknown>();
    return {
      account: request.account,
      region: request.region,
      partition: 'aws',
      maker: 'test',
      calls,
      now: () => new Date(now()),
      turn: async () => {},
      sleep: async () => {},
      client: <C>(Client: new (settings: ClientSettings) => C, region = request.region): C => {
        const key = `${Client.name} ${region}`;
        const known = clients.get(key);
        if (known instanceof Client) return known;
        const handle = async (call: { headers: Record<string, string>; body: string | Uint8Array }) => {
          const operation = String(call.headers['x-amz-target']).split('.').at(-1) ?? '';
          const requestId = randomUUID();
          logCall(calls, { service: Client.name, operation, requestId });
          const answer = await life.step(() =>
            this.#answer({ operation, region, body: JSON.parse(Buffer.from(call.body).toString()) }),
          );
          return {
            response: new HttpResponse({
              statusCode: answer.status,
              headers: { 'content-type': 'application/x-amz-json-1.1', 'x-amzn-requestid': requestId },
              body: new TextEncoder().encode(JSON.stringify(answer.body)),
            }),
          };
        };
        const settings: ClientSettings & Record<string, unknown> = {
          region,
          maxAttempts: 1,
          credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
          requestHandler: { handle },
        };
        const client = new Client(settings);
        clients.set(key, client);
        return client;
      },
    };
  }

  #answer(call: TrailCall): Answer {
    this.calls.push(call);
    const fault = this.fault(call);
    if (fault === 'cut') throw networkError();
    if (typeof fault === 'object') return refuse(fault.code, fault.status);
    const answer = this.#carryOut(call);
    if (fault === 'lost') throw networkError();
    return answer;
  }

  #carryOut({ operation, region, body }: TrailCall): Answer {
    switch (operation) {
      case 'DescribeTrails': {
        const { trailNameList } = z.object({ trailNameList: z.array(z.string()) }).parse(body);
        const trailList = trailNameList.flatMap((TrailARN) => {
          const LogFileValidationEnabled = this.trails.get(TrailARN);
          const HomeRegion = TrailARN.split(':')[3];
          return LogFileValidationEnabled === undefined || HomeRegion !== region
            ? []
            : [{ TrailARN, Name: TrailARN.split('/')[1], HomeRegion, LogFileValidationEnabled }];
        });
        return { status: 200, body: { trailList } };
      }
      case 'ListTags': {
        const { ResourceIdList } = z.object({ ResourceIdList: z.array(z.string()) }).parse(body);
        const ResourceTagList = ResourceIdList.map((ResourceId) => ({
          ResourceId,
          TagsList: Object.entries(this.tags.get(ResourceId) ?? {}).map(([Key, Value]) => ({ Key, Value })),
        }));
        return { status: 200, body: { ResourceTagList } };
      }
      case 'UpdateTrail': {
        const { Name } = z.object({ Name: z.string() }).parse(body);
        this.trails.set(Name, true);
        return { status: 200, body: {} };
      }
      case 'StartAutomationExecution':
        return this.#start(startSchema.parse(body), region);
      case 'GetAutomationExecution': {
        const { AutomationExecutionId: id } = z.object({ AutomationExecutionId: z.string() }).parse(body);
        const execution = this.executions.find((one) => one.id === id && one.region === region);
        if (execution === undefined) return refuse('AutomationExecutionNotFoundException');
        const { status, failure, start, endedAt } = execution;
        const ExecutionEndTime = endedAt === undefined ? undefined : endedAt / 1_000;
        const told = { AutomationExecutionStatus: status, FailureMessage: failure, ExecutionEndTime };
        return { status: 200, body: { AutomationExecution: { ...told, Parameters: start.Parameters } } };
      }
      case 'DescribeAutomationExecutions': {
        const { name } = this.sessions.at(-1) ?? { name: '' };
        const AutomationExecutionMetadataList = this.executions
          .filter((one) => this.listsExecutions && one.region === region)
          .map(({ id, start }) => ({
            AutomationExecutionId: id,
            DocumentName: start.DocumentName,
            ExecutedBy: `arn:aws:sts::111122223333:assumed-role/cspm-remediation/${name}`,
          }));
        return { status: 200, body: { AutomationExecutionMetadataList } };
      }
      default:
        return refuse(`Unexpected${operation}`);
    }
  }

  #start(start: Start, region: string): Answer {
    const known = this.executions.find((one) => one.start.ClientToken === start.ClientToken);
    if (known !== undefined && !isDeepStrictEqual(known.start, start)) {
      return refuse('IdempotentParameterMismatch');
    }
    const [trail] = start.Parameters.TrailName;
    const id = known?.id ?? randomUUID();
    if (known === undefined) {
      if (this.running.some((one) => one.trail === trail)) this.overlaps.push(trail);
      this.executions.push({ id, region, trail, start, status: 'InProgress' });
    }
    return { status: 200, body: { AutomationExecutionId: id } };
  }
}

function networkError(): Error {
  return Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' });
}
