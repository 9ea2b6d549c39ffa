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

/** Returns the deduplication id of a message. */
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
 * The job queues of one region: the FIFO queue, the queue in which follow-up jobs wait, and the dead-letter queue. It
 * caches its client and the queues' URLs, so reuse it across invocations.
 */
export class JobQueue {
  readonly #options: JobQueueOptions;
  readonly #urls = new Map<string, string>();
  #client: SQSClient | undefined;

  constructor(options: JobQueueOptions) {
    this.#options = options;
  }

  /**
   * Sends jobs in order. Jobs that the queue refuses are sent again after others of the same batch. The order does not
   * matter, because a job names resources to check and contains no state.
   * @throws DeliveryError if the queue is missing, or refuses jobs even after retries; AWS's own error if a call fails.
   *   Earlier jobs have been accepted
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
   * Sends a message that is to arrive after a delay. A FIFO queue can't delay single messages, so the message waits in
   * a standard queue and is then forwarded to its account's message group.
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

  /** Reports whether a message comes from the queue of delayed jobs, and only needs to be forwarded. */
  isDelayed(message: Pick<SQSRecord, 'eventSourceARN'>): boolean {
    return message.eventSourceARN.endsWith(`:${this.#options.name}-${DELAYED}`);
  }

  /**
   * Sends a message without delay to its account's message group, because changes are made only by messages of that
   * group.
   */
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

  /**
   * Sends a message that is not a job to the dead-letter queue, where people find it. The message must not be
   * attempted again.
   */
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
   * Makes an unfinished job visible again before the queue's visibility timeout, which is many times the function's
   * timeout and would block the job's account. After the last attempt, the queue moves the job to the dead-letter queue
   * at once.
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

  /** Sends one batch. @returns the messages that the queue refused */
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
        `queue ${this.#queueName(JOBS)} in ${this.#options.region} refused a job ${ATTEMPTS} times: ${[...reasons].join('; ') || 'SQS gave no reason'}`,
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
        `queue ${this.#queueName(suffix)} does not exist in ${this.#options.region}: apply the per-region module there, or remove the region from "regions"`,
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
    if (QueueUrl === undefined) throw new DeliveryError(`SQS returned no URL for queue ${name}`);
    this.#urls.set(suffix, QueueUrl);
    return QueueUrl;
  }

  #queueName(suffix: string): string {
    return `${this.#options.name}-${suffix}`;
  }

  async #sqs(): Promise<SQSClient> {
    const { SQSClient } = await import('./sqs.ts');
    // Calls go to the client's endpoint, not to the address in the queue's URL.
    const { clientOptions, region } = this.#options;
    this.#client ??= new SQSClient({ ...clientOptions, region, useQueueUrlAsEndpoint: false });
    return this.#client;
  }
}
