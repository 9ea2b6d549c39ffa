import { AsyncLocalStorage } from 'node:async_hooks';
import { z } from 'zod';
import type { AccountSettings, RuleSettings } from '../../../lambdas/model/settings.ts';
import { AwsModel } from '../../lab/aws-model/model.ts';
import { AwsModelError } from '../../lab/aws-model/operation.ts';
import { networkError, sdkError } from '../../lab/aws-model/session.ts';
import type { AwsState } from '../../lab/aws-model/state.ts';
import { Killed } from '../../unit/remediator/support/lifeline.ts';
import { Counts } from '../counts.ts';
import { type Transition, transitionsOf } from '../writes/items.ts';
import { inPart } from './in-part.ts';
import { ObjectsModel } from './objects.ts';
import { QueueModel } from './queue.ts';
import type { Random } from './random.ts';
import type { Answer, SdkCall } from './sdk.ts';
import { TableModel } from './table.ts';

/** One run of the function, with the faults of its calls. */
export interface Invocation {
  readonly random: Random;
  /** The share of calls with a fault. */
  readonly faultShare: number;
  /** The share of calls at which the function is killed, before or after they take effect. */
  readonly killShare: number;
  /** The time at which the function times out. */
  readonly endsAt: number;
  isDead: boolean;
  /** Receives the fate of each call, as text, if requested. */
  readonly trace?: ((words: string) => void) | undefined;
}

const queueSchema = z.looseObject({ QueueName: z.string() });
const urlSchema = z.looseObject({ QueueUrl: z.string() });
const roleSchema = z.looseObject({ RoleArn: z.string() });
const objectSchema = z.looseObject({ Bucket: z.string(), Key: z.string() });
const entriesSchema = z.looseObject({
  Entries: z.array(z.looseObject({ DetailType: z.string(), Detail: z.string() })),
});

/** Time from the start of an execution to its change. */
const AUTOMATION_MILLISECONDS = 20_000;

/** The share of batch faults that leave a part of the batch. */
const IN_PART_SHARE = 0.5;

export const BUCKETS = { evidence: 'cspm-evidence', settings: 'cspm-settings' } as const;

/** A change that a call made in an account. */
export interface Seen extends Transition {
  readonly account: string;
}

/** The parts of AWS that the product uses: the services in the account where it is deployed, and the target accounts. */
export class CloudModel {
  now = Date.parse('2026-06-30T12:00:00Z');
  readonly counts = new Counts();
  readonly table = new TableModel();
  readonly objects = new ObjectsModel();
  readonly events: { readonly type: string; readonly detail: unknown }[] = [];
  /** Changes that session calls made in accounts, recorded between the product and the accounts. */
  readonly seen: Seen[] = [];
  readonly invocations = new AsyncLocalStorage<Invocation>();
  /** Called for each call to an account, including the assumption of its role; an error that it throws is the answer. */
  onAccountCall: (account: string, call: SdkCall) => void = () => {};
  readonly #accounts = new Map<string, AwsModel>();
  readonly #queues = new Map<string, QueueModel>();
  readonly #maxReceives: number;

  constructor(states: ReadonlyMap<string, AwsState>, maxReceives: number) {
    this.#maxReceives = maxReceives;
    for (const [account, state] of states) {
      this.#accounts.set(account, new AwsModel(account, state, () => this.now, AUTOMATION_MILLISECONDS));
    }
  }

  stateOf(account: string): AwsState {
    const model = this.#accounts.get(account);
    if (model === undefined) throw new Error(`there is no account ${account}`);
    return model.state;
  }

  queue(region: string, suffix: string): QueueModel {
    const name = `${region} cspm-${suffix}`;
    let queue = this.#queues.get(name);
    if (queue === undefined) {
      queue = new QueueModel(name, () => this.now, this.#maxReceives);
      this.#queues.set(name, queue);
    }
    return queue;
  }

  putSettings(key: string, settings: RuleSettings | AccountSettings): void {
    this.objects.put({ Bucket: BUCKETS.settings, Key: key, Body: JSON.stringify(settings) });
  }

  /** Answers a call of the product, with faults, and with the SDK's retries. */
  readonly answer: Answer = async (call) => {
    const invocation = this.invocations.getStore();
    // A call takes time, in which others are made.
    await new Promise((resolve) => setImmediate(resolve));
    if (invocation === undefined) return this.#carryOut(call);
    const { random } = invocation;
    this.now += random.between(10, 60);
    if (this.now > invocation.endsAt) invocation.isDead = true;
    if (invocation.isDead) throw new Killed('the function was killed');
    const isLast = random.isBelow(invocation.killShare);
    if (isLast) {
      const isBefore = random.isBelow(0.5);
      invocation.isDead = true;
      this.counts.add(`functions that were killed at ${kindOf(call)}`);
      invocation.trace?.(`is killed ${isBefore ? 'before' : 'after'} ${callText(call)}`);
      if (isBefore) throw new Killed('the function was killed');
    }
    try {
      const answered = this.#send(call, invocation);
      invocation.trace?.(`${callText(call)} => ${textOf(answered)}`);
      if (isLast) throw new Killed('the function was killed');
      return answered;
    } catch (error) {
      if (!isLast) invocation.trace?.(`${callText(call)} => ${String(error)}`);
      throw error;
    }
  };

  /** Sends a call as often as the SDK would. */
  #send(call: SdkCall, { random, faultShare }: Invocation): object {
    const faults = random.isBelow(faultShare) ? random.between(1, 2 * call.maxAttempts - 1) : 0;
    if (faults === 0) return this.#carryOut(call);
    const part = random.isBelow(IN_PART_SHARE) ? inPart(call, random) : undefined;
    if (part !== undefined) {
      this.counts.add(`faults: ${kindOf(call)} in part`);
      return part.answer(this.#carryOut(part.taken));
    }
    const fault = random.of(['throttled', 'unavailable', 'answer lost'] as const);
    this.counts.add(`faults: ${kindOf(call)} ${fault}${faults < call.maxAttempts ? '' : ', permanently'}`);
    for (let attempt = 1; attempt <= Math.min(faults, call.maxAttempts); attempt += 1) {
      this.now += 200;
      if (fault === 'answer lost') this.#unseen(call);
    }
    if (faults >= call.maxAttempts) throw errorOf(fault);
    return this.#carryOut(call);
  }

  #unseen(call: SdkCall): void {
    try {
      this.#carryOut(call);
    } catch {
      // An error is an answer, too.
    }
  }

  #carryOut(call: SdkCall): object {
    this.counts.add('calls');
    return call.sessionKey === undefined ? this.#own(call) : this.#inAccount(call, call.sessionKey);
  }

  #inAccount(call: SdkCall, sessionKey: string): object {
    const { operation, input, region } = call;
    const account = sessionKey.replace('ASIA', '');
    const model = this.#accounts.get(account);
    if (model === undefined) throw new AwsModelError('AccessDenied', 'no such account', 403);
    this.onAccountCall(account, call);
    // Changes by a runbook are not calls of the product.
    model.passTime();
    const before = model.state;
    const { output, next: after = before } = model.answer(operation, input, before, region);
    for (const each of transitionsOf(before, after)) this.seen.push({ ...each, account });
    model.set(after);
    return output;
  }

  #own(call: SdkCall): object {
    const { service, operation, input, region, command } = call;
    switch (`${service}:${operation}`) {
      case 'STS:AssumeRole': {
        const [, account = ''] = /:iam::(\d{12}):/.exec(roleSchema.parse(input).RoleArn) ?? [];
        this.onAccountCall(account, call);
        const Expiration = new Date(this.now + 3_600_000);
        const secrets = { SecretAccessKey: 'secret', SessionToken: 'token' };
        return { Credentials: { AccessKeyId: `ASIA${account}`, ...secrets, Expiration } };
      }
      case 'SSM:GetParameter':
        return { Parameter: { Name: '/cspm/pause', Value: 'none' } };
      case 'S3:GetObject':
        return this.objects.get(input);
      case 'S3:PutObject':
        return this.objects.put(input);
      case 'S3:DeleteObject':
        return this.objects.remove(input);
      case 'DynamoDB:BatchGetItem':
        return this.table.batchGet(input);
      case 'DynamoDB:PutItem':
        return this.table.put(input);
      case 'DynamoDB:UpdateItem':
        return this.table.update(input);
      case 'DynamoDB:TransactWriteItems':
        return this.table.transact(input, command);
      case 'EventBridge:PutEvents': {
        const { Entries } = entriesSchema.parse(input);
        for (const { DetailType, Detail } of Entries) {
          this.events.push({ type: DetailType, detail: JSON.parse(Detail) });
        }
        return { FailedEntryCount: 0, Entries: Entries.map(() => ({ EventId: 'event' })) };
      }
      case 'SQS:GetQueueUrl':
        return { QueueUrl: queueSchema.parse(input).QueueName };
      case 'SQS:SendMessage':
        return this.#queueOf(region, input).send(input);
      case 'SQS:SendMessageBatch':
        return this.#queueOf(region, input).sendBatch(input);
      case 'SQS:ChangeMessageVisibility':
        return this.#queueOf(region, input).changeVisibility(input);
      default:
        throw new AwsModelError('ModelLimit', `the model does not know ${service}:${operation}`);
    }
  }

  #queueOf(region: string, input: unknown): QueueModel {
    return this.queue(region, urlSchema.parse(input).QueueUrl.replace(/^cspm-/, ''));
  }
}

const MOST_TEXT = 1_500;

function textOf(value: unknown): string {
  const text = JSON.stringify(value) ?? '';
  return text.length > MOST_TEXT ? `${text.slice(0, MOST_TEXT)}…` : text;
}

function callText(call: SdkCall): string {
  return `${kindOf(call)} ${textOf(call.input)}`;
}

/** The kind of a call for the counts of faults: `S3:PutObject jobs`. */
function kindOf({ service, operation, input, sessionKey }: SdkCall): string {
  const object = objectSchema.safeParse(input).data;
  const place = sessionKey === undefined && object !== undefined ? ` ${object.Key.split('/', 1)[0]}` : '';
  return `${sessionKey === undefined ? '' : 'target '}${service}:${operation}${place}`;
}

function errorOf(fault: 'throttled' | 'unavailable' | 'answer lost'): Error {
  switch (fault) {
    case 'throttled':
      return sdkError('ThrottlingException', 'Rate exceeded', 400, 'r');
    case 'unavailable':
      return sdkError('ServiceUnavailable', 'the service is unavailable', 503, 'r');
    case 'answer lost':
      return networkError();
  }
}
