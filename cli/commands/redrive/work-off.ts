import type { Clients } from '../../aws/clients.ts';
import {
  ChangeMessageVisibilityCommand,
  DeleteMessageCommand,
  ReceiveMessageCommand,
  SendMessageCommand,
  SQSClient,
} from '../../aws/sqs.ts';
import { queueUrl } from '../../deployed/queues.ts';
import type { Fate } from './letter.ts';
import type { Letter } from './result.ts';

/** The visibility timeout of received messages, in seconds. */
const VISIBILITY = 120;

export interface DeadLetters {
  readonly clients: Clients;
  readonly region: string;
  /** The name of the dead-letter queue. */
  readonly queue: string;
  /** The name of the FIFO queue to which messages go back. */
  readonly backTo: string;
  /** Decides how to handle a message. */
  fateOf(body: string): Promise<Fate>;
}

interface Message {
  readonly id: string;
  readonly body: string;
  readonly receipt: string;
}

/**
 * Handles all messages of a dead-letter queue. A message is deleted only after it has been sent to the other queue. Messages that
 * stay block the later ones of their message group, because the queue is FIFO; the next run sees those.
 */
export async function workOff({ clients, region, queue, backTo, fateOf }: DeadLetters): Promise<Letter[]> {
  const sqs = clients.client(SQSClient, region);
  const QueueUrl = await queueUrl(clients, region, queue);
  if (QueueUrl === undefined) return [];
  const letters: Letter[] = [];
  const kept = new Map<string, Message>();
  for (;;) {
    const messages = (await receive(sqs, QueueUrl)).filter(({ id }) => !kept.has(id));
    if (messages.length === 0) break;
    for (const message of messages) {
      const { is, says, group } = await fateOf(message.body);
      if (is === 'kept') kept.set(message.id, message);
      if (is === 'sent back') await sendBack(clients, region, backTo, message, group ?? 'redriven');
      if (is !== 'kept')
        await sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle: message.receipt }));
      letters.push({ queue, message: message.id, is, says });
    }
  }
  for (const { receipt: ReceiptHandle } of kept.values()) {
    await sqs.send(new ChangeMessageVisibilityCommand({ QueueUrl, ReceiptHandle, VisibilityTimeout: 0 }));
  }
  return letters;
}

async function receive(sqs: SQSClient, QueueUrl: string): Promise<Message[]> {
  const { Messages = [] } = await sqs.send(
    new ReceiveMessageCommand({
      QueueUrl,
      MaxNumberOfMessages: 10,
      VisibilityTimeout: VISIBILITY,
      WaitTimeSeconds: 1,
    }),
  );
  return Messages.map(({ MessageId: id = '', Body: body = '', ReceiptHandle: receipt = '' }) => ({
    id,
    body,
    receipt,
  }));
}

async function sendBack(
  clients: Clients,
  region: string,
  name: string,
  { id, body }: Message,
  group: string,
): Promise<void> {
  await clients.client(SQSClient, region).send(
    new SendMessageCommand({
      QueueUrl: await queueUrl(clients, region, name),
      MessageBody: body,
      MessageGroupId: group,
      // Prevents sending the same dead letter twice within five minutes. It differs from the job's own id, with which SQS would
      // drop the message if the job was sent recently.
      MessageDeduplicationId: `redrive-${id}`,
    }),
  );
}
