import { z } from 'zod';
import { isAwsError } from '../../lambdas/aws/errors.ts';
import type { Clients } from '../aws/clients.ts';
import { GetQueueAttributesCommand, GetQueueUrlCommand, SQSClient } from '../aws/sqs.ts';

const attributesSchema = z.object({
  ApproximateNumberOfMessages: z.coerce.number(),
  ApproximateNumberOfMessagesNotVisible: z.coerce.number(),
});

/** The numbers of messages in a queue that are waiting, and that are being processed. */
export interface Depth {
  readonly waiting: number;
  readonly working: number;
}

/** The URL of a queue; undefined if there is none. */
export async function queueUrl(
  clients: Clients,
  region: string,
  QueueName: string,
): Promise<string | undefined> {
  try {
    const { QueueUrl } = await clients.client(SQSClient, region).send(new GetQueueUrlCommand({ QueueName }));
    return QueueUrl;
  } catch (error) {
    if (isAwsError(error, 'QueueDoesNotExist', 'AWS.SimpleQueueService.NonExistentQueue')) return undefined;
    throw error;
  }
}

/** Counts the messages of a queue; undefined if there is none. */
export async function depthOf(clients: Clients, region: string, name: string): Promise<Depth | undefined> {
  const QueueUrl = await queueUrl(clients, region, name);
  if (QueueUrl === undefined) return undefined;
  const { Attributes } = await clients.client(SQSClient, region).send(
    new GetQueueAttributesCommand({
      QueueUrl,
      AttributeNames: ['ApproximateNumberOfMessages', 'ApproximateNumberOfMessagesNotVisible'],
    }),
  );
  const { ApproximateNumberOfMessages: waiting, ApproximateNumberOfMessagesNotVisible: working } =
    attributesSchema.parse(Attributes);
  return { waiting, working };
}
