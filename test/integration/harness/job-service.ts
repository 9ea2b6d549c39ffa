import { setTimeout as sleep } from 'node:timers/promises';
import {
  ChangeMessageVisibilityCommand,
  DeleteMessageCommand,
  ListMessageMoveTasksCommand,
  type Message,
  ReceiveMessageCommand,
  SendMessageCommand,
  StartMessageMoveTaskCommand,
} from '@aws-sdk/client-sqs';
import type { SQSBatchResponse, SQSEvent, SQSRecord } from 'aws-lambda';
import { passTime } from './functions.ts';
import type { Product } from './product.ts';

/** Hands messages over; throws if the whole function failed. */
export type Work = (event: SQSEvent) => Promise<SQSBatchResponse>;

/** More invocations than any test needs. */
const MOST_INVOCATIONS = 200;
const LOOK_INTERVAL_MILLISECONDS = 20;
/** A time longer than a function's lease of a job. In AWS it is six times the function's timeout. */
const VISIBILITY_TIMEOUT_MILLISECONDS = 400_000;

/**
 * Does for a region's queue what Lambda's event source mapping does: receives messages, hands them over, deletes those that
 * are done, and leaves the rest to the queue, whose own policy moves them to the dead-letter queue. It does not wait: a
 * message whose visibility timeout must pass comes back as soon as there are no others, and clocks jump accordingly.
 * @param isOver called after each invocation: if it returns true, the rest stays in the queue
 * @returns the number of invocations, and of visibility timeouts that had to pass
 */
export async function workOff(
  product: Product,
  region: string,
  work: Work,
  {
    batchSize = 1,
    onTimeout = () => passTime(VISIBILITY_TIMEOUT_MILLISECONDS),
    isOver = async () => false,
  }: {
    readonly batchSize?: number;
    readonly onTimeout?: () => void;
    readonly isOver?: () => Promise<boolean>;
  } = {},
): Promise<{ invocations: number; timeouts: number }> {
  const sqs = product.sqs(region);
  const QueueUrl = product.queueUrl('jobs.fifo');
  /** Messages that were received, and neither deleted nor received again. */
  const invisible = new Map<string, string>();
  let invocations = 0;
  let timeouts = 0;
  for (;;) {
    const { Messages = [] } = await sqs.send(
      new ReceiveMessageCommand({
        QueueUrl,
        MaxNumberOfMessages: batchSize,
        MessageSystemAttributeNames: ['All'],
      }),
    );
    if (Messages.length === 0) {
      // Messages that were moved to the dead-letter queue are no longer there.
      if (invisible.size === 0 || (await product.depth(region, 'jobs.fifo')) === 0) break;
      timeouts += 1;
      onTimeout();
      for (const ReceiptHandle of invisible.values()) {
        await sqs.send(new ChangeMessageVisibilityCommand({ QueueUrl, ReceiptHandle, VisibilityTimeout: 0 }));
      }
      invisible.clear();
      continue;
    }
    invocations += 1;
    if (invocations > MOST_INVOCATIONS) throw new Error('the queue is never empty');
    const Records = Messages.map((message) => toRecord(message, product, region));
    const failed = await work({ Records }).then(
      ({ batchItemFailures }) => new Set(batchItemFailures.map(({ itemIdentifier }) => itemIdentifier)),
      () => new Set(Records.map(({ messageId }) => messageId)),
    );
    for (const { messageId, receiptHandle } of Records) {
      if (failed.has(messageId)) invisible.set(messageId, receiptHandle);
      else {
        await sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle: receiptHandle }));
        invisible.delete(messageId);
      }
    }
    if (await isOver()) break;
  }
  return { invocations, timeouts };
}

/** The first dead letters, at most ten. */
export async function deadLetters(product: Product, region: string): Promise<readonly Message[]> {
  const { Messages = [] } = await product.sqs(region).send(
    new ReceiveMessageCommand({
      QueueUrl: product.queueUrl('jobs-dead-letters.fifo'),
      MaxNumberOfMessages: 10,
      VisibilityTimeout: 0,
      MessageSystemAttributeNames: ['All'],
    }),
  );
  return Messages;
}

/**
 * Moves the dead letters back to the queue; their receive counts start again.
 * @returns the number of messages
 */
export async function redrive(product: Product, region: string): Promise<number> {
  const sqs = product.sqs(region);
  const SourceArn = `arn:aws:sqs:${region}:${product.account}:${product.name}-jobs-dead-letters.fifo`;
  await sqs.send(new StartMessageMoveTaskCommand({ SourceArn }));
  for (;;) {
    const { Results: [task] = [] } = await sqs.send(new ListMessageMoveTasksCommand({ SourceArn }));
    if (task?.Status === 'COMPLETED') return task.ApproximateNumberOfMessagesMoved ?? 0;
    if (task?.Status !== 'RUNNING') throw new Error(`the redrive is ${task?.Status}: ${task?.FailureReason}`);
    await sleep(LOOK_INTERVAL_MILLISECONDS);
  }
}

/** Sends a message to a region's queue. */
export async function send(
  product: Product,
  region: string,
  body: string,
  { group, deduplication }: { readonly group: string; readonly deduplication: string },
): Promise<void> {
  await product.sqs(region).send(
    new SendMessageCommand({
      QueueUrl: product.queueUrl('jobs.fifo'),
      MessageBody: body,
      MessageGroupId: group,
      MessageDeduplicationId: deduplication,
    }),
  );
}

/** A message as Lambda hands it over. */
function toRecord(message: Message, product: Product, region: string): SQSRecord {
  const { MessageId = '', ReceiptHandle = '', Body = '', MD5OfBody = '', Attributes = {} } = message;
  return {
    messageId: MessageId,
    receiptHandle: ReceiptHandle,
    body: Body,
    md5OfBody: MD5OfBody,
    attributes: {
      ApproximateReceiveCount: Attributes.ApproximateReceiveCount ?? '',
      SentTimestamp: Attributes.SentTimestamp ?? '',
      SenderId: Attributes.SenderId ?? '',
      ApproximateFirstReceiveTimestamp: Attributes.ApproximateFirstReceiveTimestamp ?? '',
      ...(Attributes.MessageGroupId !== undefined && { MessageGroupId: Attributes.MessageGroupId }),
    },
    messageAttributes: {},
    eventSource: 'aws:sqs',
    eventSourceARN: `arn:aws:sqs:${region}:${product.account}:${product.name}-jobs.fifo`,
    awsRegion: region,
  };
}
