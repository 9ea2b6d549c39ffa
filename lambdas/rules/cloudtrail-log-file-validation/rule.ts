import type { CloudTrailClient } from '@aws-sdk/client-cloudtrail';
import { chunks } from '../../aws/batches.ts';
import { isAwsError } from '../../aws/errors.ts';
import { perSession } from '../../aws/per-session.ts';
import type { AwsSession } from '../../aws/session.ts';
import { tagMap } from '../../aws/tags.ts';
import type { CloudTrailLogFileValidationSet } from '../../changes/cloudtrail/log-file-validation-set.ts';
import { parseTrailArn } from '../../changes/cloudtrail/trail-arn.ts';
import { defineRule, type Inspection } from '../rule.ts';
import { facts } from './facts.ts';

type Seen = {
  name: string;
  /** The region in which the trail is updated, regardless of the finding's region. */
  homeRegion: string;
  multiRegion: boolean;
  organization: boolean;
};

/**
 * Maximum number of trails in ListTags. https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_ListTags.html
 */
const TRAILS_PER_LIST_TAGS = 20;

/** Reads the tags of each trail. @throws AWS's ResourceNotFound or TrailNotFound if any of the trails is gone */
async function listTags(client: CloudTrailClient, trails: readonly string[]) {
  const { ListTagsCommand } = await import('../../aws/cloudtrail.ts');
  const tags = new Map<string, Record<string, string>>(trails.map((trail) => [trail, {}]));
  let NextToken: string | undefined;
  do {
    const answer = await client.send(new ListTagsCommand({ ResourceIdList: [...trails], NextToken }));
    for (const { ResourceId = '', TagsList } of answer.ResourceTagList ?? []) {
      tags.set(ResourceId, { ...tags.get(ResourceId), ...tagMap(TagsList) });
    }
    NextToken = answer.NextToken;
  } while (NextToken !== undefined && NextToken !== '');
  return tags;
}

/** Reads the tags of each trail. A trail that was deleted in the meantime has no entry. */
async function readTags(client: CloudTrailClient, trails: readonly string[]) {
  const read = async (batch: readonly string[]): Promise<[string, Record<string, string>][]> => {
    try {
      return [...(await listTags(client, batch))];
    } catch (error) {
      if (!isAwsError(error, 'ResourceNotFound', 'TrailNotFound')) throw error;
      if (batch.length === 1) return [];
      const single: [string, Record<string, string>][] = [];
      for (const trail of batch) single.push(...(await read([trail])));
      return single;
    }
  };
  const parts = [...chunks(trails, TRAILS_PER_LIST_TAGS)];
  return new Map((await Promise.all(parts.map(read))).flat());
}

/** The trails that were read in a session. */
const readIn = perSession(() => new Set<string>());

/**
 * Reads the tags of trails that were not read before: reported trails usually violate the rule, so that their tags are
 * needed. Later, they have probably been fixed.
 * @returns undefined if the trails were read before, are too many for one call, or if one of them is gone or denied
 */
async function readTagsAhead(client: CloudTrailClient, session: AwsSession, arns: readonly string[]) {
  const known = readIn(session);
  const areNew = arns.every((arn) => !known.has(arn));
  for (const arn of arns) known.add(arn);
  if (!areNew || arns.length > TRAILS_PER_LIST_TAGS) return undefined;
  return listTags(client, arns).catch(() => undefined);
}

/** Inspects the trails of one home region in one call, whose answer omits trails that do not exist. */
async function inspectRegion(session: AwsSession, region: string, arns: readonly string[]) {
  const { CloudTrailClient, DescribeTrailsCommand } = await import('../../aws/cloudtrail.ts');
  const client = session.client(CloudTrailClient, region);
  const [{ trailList = [] }, ahead] = await Promise.all([
    client.send(new DescribeTrailsCommand({ trailNameList: [...arns], includeShadowTrails: false })),
    readTagsAhead(client, session, arns),
  ]);
  const trails = new Map(trailList.map((trail) => [trail.TrailARN, trail]));
  const violating = arns.filter(
    (arn) => trails.has(arn) && trails.get(arn)?.LogFileValidationEnabled !== true,
  );
  const tags = ahead ?? (await readTags(client, violating));
  return arns.map((arn): [string, Inspection<Seen>] => {
    const trail = trails.get(arn);
    if (trail?.LogFileValidationEnabled === true) return [arn, { state: 'compliant' }];
    const trailTags = tags.get(arn);
    if (trail === undefined || trailTags === undefined) return [arn, { state: 'gone' }];
    return [
      arn,
      {
        state: 'violation',
        seen: {
          name: trail.Name ?? '',
          homeRegion: trail.HomeRegion ?? region,
          multiRegion: trail.IsMultiRegionTrail === true,
          organization: trail.IsOrganizationTrail === true,
        },
        tags: trailTags,
      },
    ];
  });
}

export const rule = defineRule<Seen, Record<string, never>>(facts, {
  async inspect(session, resources) {
    const inspections = new Map<string, Inspection<Seen>>();
    const byRegion = new Map<string, string[]>();
    for (const arn of resources) {
      const { region, account } = parseTrailArn(arn);
      if (account === session.account) byRegion.set(region, [...(byRegion.get(region) ?? []), arn]);
      else {
        inspections.set(arn, {
          state: 'not_applicable',
          reason: `an organization trail that account ${account} owns: only that account can change it`,
        });
      }
    }
    const regions = [...byRegion].map(([region, arns]) => inspectRegion(session, region, arns));
    for (const [arn, inspection] of (await Promise.all(regions)).flat()) inspections.set(arn, inspection);
    return inspections;
  },

  plan(resource, seen): readonly CloudTrailLogFileValidationSet[] {
    return [
      {
        kind: 'cloudtrail-log-file-validation-set',
        resource,
        region: seen.homeRegion,
        before: false,
        after: true,
      },
    ];
  },
});
