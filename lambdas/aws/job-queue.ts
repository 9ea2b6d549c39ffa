import type { SQSRecord } from 'aws-lambda';
import type { Clock } from '../model/clock.ts';
import { DeliveryError } from '../model/errors.ts';
import { type Job, jobId } from '../model/job.ts';
import { type RequestMessage, requestMessageId } from '../model/requests.ts';
import { batches } from './batches.ts';
import type { AwsClientOptions } from './client-defaults.ts';
import { isAwsError } from './errors.ts';
import { type RetryPolicy, retryDelay } from './retry-delay.ts';
import type { SQSClient } from './sqs.ts';

export interface JobQueueOptions {
  /** The deployment's name: the queues are `<name>-jobs.fifo` and so on. */
  readonly name: string;
  readonly region: string;
  readonly clock: Clock;
  readonly clientOptions: AwsClientOptions;
}

/** The fields of Lambda's message records that are used here. */
type Message = Pick<SQSRecord, 'messageId' | 'receiptHandle' | 'body' | 'attributes'>;

const JOBS = 'jobs.fifo';
const DELAYED = 'jobs-delayed';
const DEAD_LETTERS = 'jobs-dead-letters.fifo';

/** Maximum number of entries in SendMessageBatch, of 256 KB in total (SQS API reference). */
const MAX_ENTRIES = 10;
const MAX_BYTES = 256 * 1024;
const ATTEMPTS = 5;

/** The content of a message: a job, or the name of an operator's request. */
export type Sendable = Job | RequestMessage;

/** The deduplication id of a message. */
function messageId(content: Sendable): string {
  return 'kind' in content ? requestMessageId(content) : jobId(content);
}

/** A job that is being sent, and the number of times that the queue has refused it. */
interface Outgoing {
  readonly job: Job;
  readonly body: string;
  refusals: number;
}

/**
 * Serializes a job or a request's name as a message body. SQS refuses messages that contain U+FFFE or U+FFFF (API
 * reference, SendMessage), so they are written as JSON escapes.
 */
function messageBody(content: Sendable): string {
  return JSON.stringify(content).replaceAll(
    /[\uFFFE\uFFFF]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16)}`,
  );
}

/**
 * The queues of jobs in one region: the FIFO queue, the one where follow-up jobs wait, and the dead letters. It
 * remembers its client and the queues' addresses, so keep it from one invocation to the next.
 */
export class JobQueue {
  readonly #options: JobQueueOptions;
  readonly #urls = new Map<string, string>();
  #client: SQSClient | undefined;

  constructor(options: JobQueueOptions) {
    this.#options = options;
  }

  /**
   * Sends jobs in order. Those that the queue refuses are sent again after others of the same batch. The order does not
   * matter, because a job names what to check and contains no state.
   * @throws DeliveryError when the queue is missing, or still refuses jobs after retries; AWS's own error when a call
   *   fails. The jobs before those have been taken.
   */
  async send(jobs: readonly Job[]): Promise<void> {
    let waiting = jobs.map((job): Outgoing => ({ job, body: messageBody(job), refusals: 0 }));
    while (waiting.length > 0) {
      const [batch = []] = batches(waiting.slice(0, MAX_ENTRIES), MAX_ENTRIES, MAX_BYTES, ({ body }) =>
        Buffer.byteLength(body),
      );
      const refused = await this.#sendBatch(batch);
      waiting = [...refused, ...waiting.slice(batch.length)];
      const refusals = Math.max(0, ...refused.map((message) => message.refusals));
      if (refusals > 0) await this.#options.clock.sleep(200 * 2 ** refusals);
    }
  }

  /**
   * Sends what is to arrive after a while. A FIFO queue delays all of its messages or none, so it waits in a
   * queue without an order, and is then forwarded to its account's group.
   */
  async sendLater(content: Sendable, delaySeconds: number): Promise<void> {
    const { SendMessageCommand } = await import('./sqs.ts');
    await this.#call(DELAYED, (client, url) =>
      client.send(
        new SendMessageCommand({
          QueueUrl: url,
          MessageBody: messageBody(content),
          DelaySeconds: delaySeconds,
        }),
      ),
    );
  }

  /** Reports whether a message comes from the queue of delayed jobs, and is only to be forwarded. */
  isDelayed(message: Pick<SQSRecord, 'eventSourceARN'>): boolean {
    return message.eventSourceARN.endsWith(`:${this.#options.name}-${DELAYED}`);
  }

  /** Sends a message to an account's message group, the only place where changes are made, without delay. */
  async forward(content: Sendable): Promise<void> {
    const { SendMessageCommand } = await import('./sqs.ts');
    await this.#call(JOBS, (client, url) =>
      client.send(
        new SendMessageCommand({
          QueueUrl: url,
          MessageBody: messageBody(content),
          MessageGroupId: content.account,
          MessageDeduplicationId: messageId(content),
        }),
      ),
    );
  }

  /** Moves a message that is not a job to the dead letters, where people find it: it must not be attempted again. */
  async sendToDeadLetters(message: Message): Promise<void> {
    const { SendMessageCommand } = await import('./sqs.ts');
    await this.#call(DEAD_LETTERS, (client, url) =>
      client.send(
        new SendMessageCommand({
          QueueUrl: url,
          MessageBody: message.body,
          MessageGroupId: message.attributes.MessageGroupId ?? 'invalid',
          MessageDeduplicationId: message.messageId,
        }),
      ),
    );
  }

  /**
   * Makes an unfinished job visible before the queue's visibility timeout, which is many times the function's timeout and
   * blocks the job's account. After the last attempt, the queue moves the job to the dead letters at once.
   */
  async putBack(message: Message, policy: RetryPolicy): Promise<void> {
    const received = Number(message.attributes.ApproximateReceiveCount);
    const VisibilityTimeout = retryDelay(policy, received, this.#options.clock.now());
    const { ChangeMessageVisibilityCommand } = await import('./sqs.ts');
    await this.#call(JOBS, (client, url) =>
      client.send(
        new ChangeMessageVisibilityCommand({
          QueueUrl: url,
          ReceiptHandle: message.receiptHandle,
          VisibilityTimeout,
        }),
      ),
    );
  }

  /** Sends one batch. @returns the messages that the queue has refused */
  async #sendBatch(batch: readonly Outgoing[]): Promise<Outgoing[]> {
    const { SendMessageBatchCommand } = await import('./sqs.ts');
    const answer = await this.#call(JOBS, (client, url) =>
      client.send(
        new SendMessageBatchCommand({
          QueueUrl: url,
          Entries: batch.map(({ job, body }, index) => ({
            Id: String(index),
            MessageBody: body,
            MessageGroupId: job.account,
            MessageDeduplicationId: jobId(job),
          })),
        }),
      ),
    );
    const taken = new Set((answer.Successful ?? []).map(({ Id }) => Id));
    const refused = batch.filter((_, index) => !taken.has(String(index)));
    for (const message of refused) message.refusals += 1;
    if (refused.some(({ refusals }) => refusals >= ATTEMPTS)) {
      const reasons = new Set((answer.Failed ?? []).map(({ Code, Message = '' }) => `${Code}: ${Message}`));
      throw new DeliveryError(
        `queue ${this.#queueName(JOBS)} in ${this.#options.region} refused a job ${ATTEMPTS} times: ${[...reasons].join('; ') || 'it did not say why'}`,
      );
    }
    return refused;
  }

  /** Makes one call to a queue. The cached URL of a queue that no longer exists is dropped. */
  async #call<T>(suffix: string, call: (client: SQSClient, url: string) => Promise<T>): Promise<T> {
    const client = await this.#sqs();
    try {
      return await call(client, await this.#url(suffix, client));
    } catch (error) {
      if (!isAwsError(error, 'QueueDoesNotExist', 'AWS.SimpleQueueService.NonExistentQueue')) throw error;
      this.#urls.delete(suffix);
      throw new DeliveryError(
        `queue ${this.#queueName(suffix)} does not exist in ${this.#options.region}: apply the per-region module there, or take the region out of "regions"`,
        { cause: error },
      );
    }
  }

  async #url(suffix: string, client: SQSClient): Promise<string> {
    const known = this.#urls.get(suffix);
    if (known !== undefined) return known;
    const { GetQueueUrlCommand } = await import('./sqs.ts');
    const name = this.#queueName(suffix);
    const { QueueUrl } = await client.send(new GetQueueUrlCommand({ QueueName: name }));
    if (QueueUrl === undefined) throw new DeliveryError(`SQS gave no URL for the queue ${name}`);
    this.#urls.set(suffix, QueueUrl);
    return QueueUrl;
  }

  #queueName(suffix: string): string {
    return `${this.#options.name}-${suffix}`;
  }

  async #sqs(): Promise<SQSClient> {
    const { SQSClient } = await import('./sqs.ts');
    // The endpoint decides where calls go, not the URL that the queue calls itself by.
    const { clientOptions, region } = this.#options;
    this.#client ??= new SQSClient({ ...clientOptions, region, useQueueUrlAsEndpoint: false });
    return this.#client;
  }
}
