import type { SQSRecord } from 'aws-lambda';
import { clientDefaults } from '../aws/client-defaults.ts';
import type { SQSClient } from '../aws/sqs.ts';
import { InvalidInputError } from '../model/errors.ts';
import { formatIssues } from '../model/issues.ts';
import { type Job, jobId, jobSchema } from '../model/job.ts';
import { ruleIds } from '../rules/index.ts';
import type { Environment } from './environment.ts';

/** SQS takes at most twelve hours; a job that waits longer than this holds up its account for too long. */
const LONGEST_DELAY_SECONDS = 900;

/** The queue in which jobs wait for a while. */
const DELAYED = 'jobs-delayed';

/** What is needed of a message as Lambda hands it over. */
type Message = Pick<SQSRecord, 'messageId' | 'receiptHandle' | 'body' | 'attributes'>;

/**
 * The job that a message holds.
 * @throws InvalidInputError when it holds none that this remediator can work on: trying again changes nothing
 */
export function parseJob(body: string, region: string): Job {
  let json: unknown;
  try {
    json = JSON.parse(body);
  } catch (cause) {
    throw new InvalidInputError('the message is not JSON', { cause });
  }
  const parsed = jobSchema.safeParse(json);
  if (!parsed.success) {
    throw new InvalidInputError(`the message is no job: ${formatIssues(parsed.error)}`, {
      cause: parsed.error,
    });
  }
  const job = parsed.data;
  if (job.region !== region) {
    throw new InvalidInputError(
      `the job is for region ${job.region}, and this is the remediator of ${region}`,
    );
  }
  if (!ruleIds.includes(job.poll.rule)) {
    throw new InvalidInputError(
      `the job is for rule ${job.poll.rule}, which is unknown: expected one of ${ruleIds.join(', ')}`,
    );
  }
  return job;
}

/**
 * The queue of jobs, from the side of the one who works on them. Lambda receives and deletes the messages: SQS is
 * called only when something went wrong, so its client is loaded then.
 */
export class JobQueue {
  readonly #environment: Environment;
  readonly #urls = new Map<string, string>();
  #client: SQSClient | undefined;

  constructor(environment: Environment) {
    this.#environment = environment;
  }

  /** Puts a message that is no job where a person finds it: it must not be tried again. */
  async sendToDeadLetters(message: Message): Promise<void> {
    const { SendMessageCommand } = await import('../aws/sqs.ts');
    const client = await this.#sqs();
    await client.send(
      new SendMessageCommand({
        QueueUrl: await this.#url('jobs-dead-letters.fifo'),
        MessageBody: message.body,
        MessageGroupId: message.attributes.MessageGroupId ?? 'invalid',
        MessageDeduplicationId: message.messageId,
      }),
    );
  }

  /**
   * Lets an unfinished job be tried again sooner than the queue's visibility timeout, which is many times the
   * function's own: until then its account waits. After the last attempt the queue moves it to the dead letters at once.
   */
  async putBack(message: Message): Promise<void> {
    const { MAX_RECEIVE_COUNT, RETRY_DELAY_SECONDS } = this.#environment;
    const received = Number(message.attributes.ApproximateReceiveCount);
    const delay = Math.min(RETRY_DELAY_SECONDS * 2 ** (received - 1), LONGEST_DELAY_SECONDS);
    const { ChangeMessageVisibilityCommand } = await import('../aws/sqs.ts');
    const client = await this.#sqs();
    await client.send(
      new ChangeMessageVisibilityCommand({
        QueueUrl: await this.#url('jobs.fifo'),
        ReceiptHandle: message.receiptHandle,
        VisibilityTimeout: received >= MAX_RECEIVE_COUNT ? 0 : delay,
      }),
    );
  }

  /**
   * Puts a job on the queue after a while. A FIFO queue delays all of its messages or none: so it waits in a queue of
   * its own, which has no order, and is then forwarded to its account's group, where alone changes are made.
   */
  async sendLater(job: Job, delaySeconds: number): Promise<void> {
    const { SendMessageCommand } = await import('../aws/sqs.ts');
    const client = await this.#sqs();
    await client.send(
      new SendMessageCommand({
        QueueUrl: await this.#url(DELAYED),
        MessageBody: JSON.stringify(job),
        DelaySeconds: delaySeconds,
      }),
    );
  }

  /** Whether a message comes from the queue of delayed jobs, and is only to be forwarded. */
  isDelayed(message: Pick<SQSRecord, 'eventSourceARN'>): boolean {
    return message.eventSourceARN.endsWith(`:${this.#environment.NAME}-${DELAYED}`);
  }

  async forward(job: Job): Promise<void> {
    const { SendMessageCommand } = await import('../aws/sqs.ts');
    const client = await this.#sqs();
    await client.send(
      new SendMessageCommand({
        QueueUrl: await this.#url('jobs.fifo'),
        MessageBody: JSON.stringify(job),
        MessageGroupId: job.account,
        MessageDeduplicationId: jobId(job),
      }),
    );
  }

  async #url(suffix: string): Promise<string> {
    const known = this.#urls.get(suffix);
    if (known !== undefined) return known;
    const { GetQueueUrlCommand } = await import('../aws/sqs.ts');
    const client = await this.#sqs();
    const name = `${this.#environment.NAME}-${suffix}`;
    const { QueueUrl } = await client.send(new GetQueueUrlCommand({ QueueName: name }));
    if (QueueUrl === undefined) throw new Error(`SQS gave no URL for the queue ${name}`);
    this.#urls.set(suffix, QueueUrl);
    return QueueUrl;
  }

  async #sqs(): Promise<SQSClient> {
    const { SQSClient } = await import('../aws/sqs.ts');
    // The endpoint decides where calls go, not the URL that the queue calls itself by.
    this.#client ??= new SQSClient({
      ...clientDefaults,
      region: this.#environment.AWS_REGION,
      useQueueUrlAsEndpoint: false,
    });
    return this.#client;
  }
}
