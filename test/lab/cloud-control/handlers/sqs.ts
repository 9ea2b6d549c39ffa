import {
  GetQueueAttributesCommand,
  ListQueuesCommand,
  ListQueueTagsCommand,
  SetQueueAttributesCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { z } from 'zod';
import { type CallerSettings, changedTo, type Handler, orGone, present } from '../handler.ts';

/** Queues of the local AWS have its address. */
const localUrl = ({ endpoint }: CallerSettings, queueUrl: string): string =>
  `${endpoint}${new URL(queueUrl).pathname}`;

export const queue: Handler = {
  type: 'AWS::SQS::Queue',
  read: (settings, identifier) =>
    orGone(['QueueDoesNotExist', 'AWS.SimpleQueueService.NonExistentQueue'], async () => {
      const client = new SQSClient(settings);
      const QueueUrl = localUrl(settings, identifier);
      const { Attributes = {} } = await client.send(
        new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['All'] }),
      );
      const { Tags = {} } = await client.send(new ListQueueTagsCommand({ QueueUrl }));
      return present({
        QueueUrl: identifier,
        QueueName: identifier.split('/').at(-1),
        Arn: Attributes['QueueArn'],
        KmsMasterKeyId: Attributes['KmsMasterKeyId'],
        SqsManagedSseEnabled: Attributes['SqsManagedSseEnabled'] === 'true',
        Tags: Object.entries(Tags).map(([Key, Value]) => ({ Key, Value })),
      });
    }),
  async update(settings, identifier, after, before) {
    const isManaged = changedTo('SqsManagedSseEnabled', after, before, z.boolean().parse);
    if (isManaged === undefined) return;
    await new SQSClient(settings).send(
      new SetQueueAttributesCommand({
        QueueUrl: localUrl(settings, identifier),
        Attributes: { SqsManagedSseEnabled: String(isManaged) },
      }),
    );
  },
  async list(settings) {
    return (await new SQSClient(settings).send(new ListQueuesCommand({}))).QueueUrls ?? [];
  },
};
