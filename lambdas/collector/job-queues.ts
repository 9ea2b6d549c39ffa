import { batches } from '../aws/batches.ts';
import type { AwsClientOptions } from '../aws/client-defaults.ts';
import { isAwsError } from '../aws/errors.ts';
import type { SQSClient } from '../aws/sqs.ts';
import type { Clock } from '../model/clock.ts';
import { DeliveryError } from '../model/errors.ts';
import { type Job, jobId } from '../model/job.ts';

/** Where jobs go. */
export interface JobSink {
  /**
   * Takes jobs of one region, those of one account in the order in which they are given.
   * @returns the jobs that could not be taken because the region has nowhere to put them
   * @throws DeliveryError when some are still refused after retries; those before them have been taken
   */
  send(region: string, jobs: readonly Job[]): Promise<readonly Job[]>;
}

export interface JobQueuesOptions {
  /** The deployment's name: the queues are `<name>-jobs.fifo`. */
  readonly name: string;
  readonly clock: Clock;
  readonly clientOptions: AwsClientOptions;
}

/** SendMessageBatch takes at most 10 entries, 256 KB in all (SQS API reference). */
const MAX_ENTRIES = 10;
const MAX_BYTES = 256 * 1024;
const ATTEMPTS = 5;

interface Message {
  readonly job: Job;
  readonly body: string;
  refusals: number;
}

/**
 * The job as a message's body. SQS refuses messages with U+FFFE or U+FFFF in them (API reference, SendMessage); JSON
 * lets them stand, and can write them as escapes.
 */
function bodyOf(job: Job): string {
  return JSON.stringify(job).replaceAll(
    /[\uFFFE\uFFFF]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16)}`,
  );
}

function isMissingQueue(error: unknown): boolean {
  return isAwsError(error, 'QueueDoesNotExist', 'AWS.SimpleQueueService.NonExistentQueue');
}

/** The FIFO queue of each region. Keep it from one poll to the next: it remembers clients and queues' addresses. */
export class JobQueues implements JobSink {
  readonly #options: JobQueuesOptions;
  readonly #clients = new Map<string, SQSClient>();
  readonly #urls = new Map<string, string>();

  constructor(options: JobQueuesOptions) {
    this.#options = options;
  }

  async send(region: string, jobs: readonly Job[]): Promise<readonly Job[]> {
    const url = await this.#queueUrl(region);
    if (url === undefined) return jobs;

    const byAccount = new Map<string, Message[]>();
    for (const job of jobs) {
      const message = { job, body: bodyOf(job), refusals: 0 };
      const messages = byAccount.get(job.account);
      if (messages === undefined) byAccount.set(job.account, [message]);
      else messages.push(message);
    }
    // A batch may be taken in part. Were two messages of one account in it, the second could be taken and the first
    // refused: so each account's next message goes only when the one before it has been taken.
    while (byAccount.size > 0) {
      const next = [...byAccount.values()].flatMap(([first]) => first ?? []);
      let refusals = 0;
      for (const batch of batches(next, MAX_ENTRIES, MAX_BYTES, ({ body }) => Buffer.byteLength(body))) {
        try {
          for (const { job } of await this.#sendBatch(region, url, batch)) {
            const messages = byAccount.get(job.account);
            messages?.shift();
            if (messages?.length === 0) byAccount.delete(job.account);
          }
        } catch (error) {
          if (!isMissingQueue(error)) throw error;
          this.#urls.delete(region);
          return [...byAccount.values()].flat().map(({ job }) => job);
        }
        refusals = Math.max(refusals, ...batch.map((message) => message.refusals));
      }
      if (refusals > 0) await this.#options.clock.sleep(200 * 2 ** refusals);
    }
    return [];
  }

  /** @returns the messages that the queue has taken */
  async #sendBatch(region: string, url: string, batch: readonly Message[]): Promise<Message[]> {
    const { SendMessageBatchCommand } = await import('../aws/sqs.ts');
    const client = await this.#client(region);
    const answer = await client.send(
      new SendMessageBatchCommand({
        QueueUrl: url,
        Entries: batch.map(({ job, body }, index) => ({
          Id: String(index),
          MessageBody: body,
          MessageGroupId: job.account,
          MessageDeduplicationId: jobId(job),
        })),
      }),
    );
    const takenIds = new Set((answer.Successful ?? []).map(({ Id }) => Id));
    const taken: Message[] = [];
    for (const [index, message] of batch.entries()) {
      if (takenIds.has(String(index))) {
        taken.push(message);
        message.refusals = 0;
      } else {
        message.refusals += 1;
      }
    }
    if (batch.some(({ refusals }) => refusals >= ATTEMPTS)) {
      const reasons = new Set((answer.Failed ?? []).map(({ Code, Message = '' }) => `${Code}: ${Message}`));
      throw new DeliveryError(
        `queue ${url} refused a job ${ATTEMPTS} times: ${[...reasons].join('; ') || 'it did not say why'}`,
      );
    }
    return taken;
  }

  /** The queue's URL, or undefined where the region has no such queue. */
  async #queueUrl(region: string): Promise<string | undefined> {
    const known = this.#urls.get(region);
    if (known !== undefined) return known;
    const { GetQueueUrlCommand } = await import('../aws/sqs.ts');
    const client = await this.#client(region);
    try {
      const { QueueUrl } = await client.send(
        new GetQueueUrlCommand({ QueueName: `${this.#options.name}-jobs.fifo` }),
      );
      if (QueueUrl !== undefined) this.#urls.set(region, QueueUrl);
      return QueueUrl;
    } catch (error) {
      if (isMissingQueue(error)) return undefined;
      throw error;
    }
  }

  async #client(region: string): Promise<SQSClient> {
    const { SQSClient } = await import('../aws/sqs.ts');
    const known = this.#clients.get(region);
    if (known !== undefined) return known;
    // The endpoint decides where calls go, not the URL that the queue calls itself by.
    const client = new SQSClient({ ...this.#options.clientOptions, region, useQueueUrlAsEndpoint: false });
    this.#clients.set(region, client);
    return client;
  }
}
