import { ListQueueTagsCommand, SQSClient } from '@aws-sdk/client-sqs';
import { z } from 'zod';
import type { AwsAnswer, AwsCall } from '../aws-proxy/index.ts';

const askedSchema = z.object({ ResourceARNList: z.array(z.string()) });

/**
 * Answers the Resource Groups Tagging API for queues, whose tags the local AWS stores separately. It only returns tagged
 * resources, as AWS does. Other resources are left to the local AWS.
 * @param upstream the local AWS
 */
export function queueTags(upstream: () => string): (call: AwsCall) => Promise<AwsAnswer | undefined> {
  return async ({ service, operation, parameters, region, principal: { account } }) => {
    if (service !== 'tagging' || operation !== 'GetResources') return undefined;
    const asked = askedSchema.safeParse(parameters);
    const arns = asked.success ? asked.data.ResourceARNList : [];
    if (arns.length === 0 || !arns.every((arn) => arn.split(':')[2] === 'sqs')) return undefined;
    const endpoint = upstream();
    const credentials = { accessKeyId: account, secretAccessKey: 'simulated' };
    const client = new SQSClient({ endpoint, region, credentials, useQueueUrlAsEndpoint: false });
    const mappings = await Promise.all(
      arns.map(async (ResourceARN) => {
        const QueueUrl = `${endpoint}/${account}/${ResourceARN.split(':').at(-1)}`;
        const tags = await client.send(new ListQueueTagsCommand({ QueueUrl })).then(
          ({ Tags = {} }) => Object.entries(Tags),
          () => [],
        );
        return { ResourceARN, Tags: tags.map(([Key, Value]) => ({ Key, Value })) };
      }),
    );
    const ResourceTagMappingList = mappings.filter(({ Tags }) => Tags.length > 0);
    return {
      status: 200,
      headers: { 'content-type': 'application/x-amz-json-1.1' },
      body: Buffer.from(JSON.stringify({ PaginationToken: '', ResourceTagMappingList })),
    };
  };
}
