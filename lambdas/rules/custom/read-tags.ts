import { chunks } from '../../aws/batches.ts';
import type { AwsSession } from '../../aws/session.ts';
import { tagMap } from '../../aws/tags.ts';

/**
 * Maximum number of ARNs per call.
 * https://docs.aws.amazon.com/resourcegroupstagging/latest/APIReference/API_GetResources.html
 */
const AT_ONCE = 100;

/** The regions in which AWS returns the tags of global resources, by partition. */
const GLOBAL_REGIONS: Readonly<Record<string, string>> = {
  'aws-cn': 'cn-northwest-1',
  'aws-eusc': 'eusc-de-east-1',
  'aws-us-gov': 'us-gov-west-1',
};

/**
 * Reads the tags of resources by ARN with the Resource Groups Tagging API. The API returns only tagged resources, so a
 * resource without tags has an empty map, and so does one that is gone.
 * @throws AWS's own error if the tags can't be read
 */
export async function readTags(
  session: AwsSession,
  arns: readonly string[],
  isGlobal: boolean,
): Promise<ReadonlyMap<string, Readonly<Record<string, string>>>> {
  const { GetResourcesCommand, ResourceGroupsTaggingAPIClient } = await import('../../aws/tagging.ts');
  const region = isGlobal ? (GLOBAL_REGIONS[session.partition] ?? 'us-east-1') : undefined;
  const client = session.client(ResourceGroupsTaggingAPIClient, region);
  const tags = new Map<string, Record<string, string>>(arns.map((arn) => [arn, {}]));
  for (const ResourceARNList of chunks(arns, AT_ONCE)) {
    const { ResourceTagMappingList = [] } = await client.send(new GetResourcesCommand({ ResourceARNList }));
    for (const { ResourceARN = '', Tags } of ResourceTagMappingList) {
      if (tags.has(ResourceARN)) tags.set(ResourceARN, tagMap(Tags));
    }
  }
  return tags;
}
