import { z } from 'zod';
import type { CloudTrailLogFileValidationSet } from '../changes/cloudtrail-log-file-validation-set.ts';
import type { AwsSession } from '../shared/aws-session.ts';
import { defineRule, type Inspection } from './rule.ts';

const trailArn = /^arn:aws[a-z-]*:cloudtrail:([a-z0-9-]+):(\d{12}):trail\/[A-Za-z0-9._-]{3,128}$/;

type Seen = {
  name: string;
  /** A trail is updated in its home region, whichever region the finding came from. */
  homeRegion: string;
  multiRegion: boolean;
  organization: boolean;
};

/** The region and the account that a trail's ARN names: its home region and its owner, in shadow trails too. */
function parseTrailArn(arn: string): { region: string; account: string } {
  const [, region = '', account = ''] = trailArn.exec(arn) ?? [];
  return { region, account };
}

/** ListTags takes at most 20 trails. https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_ListTags.html */
const TRAILS_PER_LIST_TAGS = 20;

async function readTags(session: AwsSession, region: string, arns: readonly string[]) {
  const { CloudTrailClient, ListTagsCommand } = await import('../aws/cloudtrail.ts');
  const client = session.client(CloudTrailClient, region);
  const tags = new Map<string, Record<string, string>>();
  for (let from = 0; from < arns.length; from += TRAILS_PER_LIST_TAGS) {
    const ResourceIdList = arns.slice(from, from + TRAILS_PER_LIST_TAGS);
    let NextToken: string | undefined;
    do {
      const answer = await client.send(new ListTagsCommand({ ResourceIdList, NextToken }));
      for (const { ResourceId, TagsList } of answer.ResourceTagList ?? []) {
        if (ResourceId === undefined) continue;
        const known = tags.get(ResourceId) ?? {};
        for (const { Key, Value } of TagsList ?? []) if (Key !== undefined) known[Key] = Value ?? '';
        tags.set(ResourceId, known);
      }
      NextToken = answer.NextToken;
    } while (NextToken !== undefined && NextToken !== '');
  }
  return tags;
}

/** The trails of one home region, in one read. */
async function inspectRegion(session: AwsSession, region: string, arns: readonly string[]) {
  const { CloudTrailClient, DescribeTrailsCommand } = await import('../aws/cloudtrail.ts');
  const { trailList = [] } = await session
    .client(CloudTrailClient, region)
    .send(new DescribeTrailsCommand({ trailNameList: [...arns], includeShadowTrails: false }));
  const trails = new Map(trailList.map((trail) => [trail.TrailARN, trail]));
  const violating = arns.filter(
    (arn) => trails.has(arn) && trails.get(arn)?.LogFileValidationEnabled !== true,
  );
  const tags =
    violating.length > 0
      ? await readTags(session, region, violating)
      : new Map<string, Record<string, string>>();
  return arns.map((arn): [string, Inspection<Seen>] => {
    const trail = trails.get(arn);
    if (trail === undefined) return [arn, { state: 'gone' }];
    if (trail.LogFileValidationEnabled === true) return [arn, { state: 'compliant' }];
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
        tags: tags.get(arn) ?? {},
      },
    ];
  });
}

export const rule = defineRule<Seen, Record<string, never>>({
  id: 'cloudtrail-log-file-validation',
  title: 'CloudTrail trails validate their log files',
  legacyId: 'CIS-1-2-0-2-2',
  netskopeRuleNames: [
    'Secure audit trails so they cannot be altered : CloudTrail Log Files Lack Integrity Validation',
    'Secure audit trails so they cannot be altered: CloudTrail Log Files Lack Integrity Validation',
  ],
  resourceType: 'AWS::CloudTrail::Trail',
  scope: 'regional',
  // The ARN names the home region; a finding of a multi-region trail may come from any region, or from `global`.
  regionFrom: 'resource',
  severity: 'medium',
  resourceId: z
    .string()
    .regex(trailArn, 'expected the ARN of a trail: arn:aws:cloudtrail:<region>:<account>:trail/<name>'),
  options: z.strictObject({}),
  permissions: {
    read: [
      { actions: ['cloudtrail:DescribeTrails'], resources: ['*'] },
      {
        actions: ['cloudtrail:ListTags'],
        resources: ['arn:${partition}:cloudtrail:*:${account}:trail/*'],
      },
    ],
    write: [
      {
        actions: ['cloudtrail:UpdateTrail'],
        resources: ['arn:${partition}:cloudtrail:*:${account}:trail/*'],
      },
    ],
    undo: [
      {
        actions: ['cloudtrail:UpdateTrail'],
        resources: ['arn:${partition}:cloudtrail:*:${account}:trail/*'],
      },
    ],
  },

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
    for (const [region, arns] of byRegion) {
      for (const [arn, inspection] of await inspectRegion(session, region, arns))
        inspections.set(arn, inspection);
    }
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
