import { CloudTrailClient, DescribeTrailsCommand } from '@aws-sdk/client-cloudtrail';
import {
  arnOf,
  type Calls,
  onNothing,
  type Requires,
  requirement,
  text,
  texts,
} from '../permissions/requirement.ts';
import { type Check, given } from './check.ts';
import { defineLabRule } from './lab-rule.ts';
import { cis } from './netskope-words.ts';

/** A multi-region trail appears in every region; it is judged in its home region. */
const trails: Check = {
  reads: 'trails',
  rules: ['CIS-1-2-0-2-2'],
  async run(place) {
    const { trailList = [] } = await new CloudTrailClient(place.settings()).send(
      new DescribeTrailsCommand({ includeShadowTrails: true }),
    );
    return trailList
      .filter(({ HomeRegion }) => HomeRegion === place.region)
      .map((trail) => ({
        rule: 'CIS-1-2-0-2-2',
        resource: given(trail.TrailARN, 'TrailARN'),
        name: given(trail.Name, 'Name'),
        region: place.region,
        violated: trail.LogFileValidationEnabled !== true,
        tags: [],
      }));
  },
};

const onTrail: Requires = (call) => {
  const name = text(call, 'Name');
  const arn = name.startsWith('arn:') ? name : arnOf(call, 'cloudtrail', `trail/${name}`);
  return [requirement(call, `cloudtrail:${call.operation}`, arn)];
};

/** https://docs.aws.amazon.com/service-authorization/latest/reference/list_awscloudtrail.html */
const calls: Calls = {
  'cloudtrail:DescribeTrails': onNothing,
  'cloudtrail:ListTags': (call) =>
    texts(call, 'ResourceIdList').map((arn) => requirement(call, 'cloudtrail:ListTags', arn)),
  'cloudtrail:GetTrail': onTrail,
  'cloudtrail:UpdateTrail': onTrail,
};

export const labRule = defineLabRule({
  code: 'CIS-1-2-0-2-2',
  words: {
    rule_name:
      'Secure audit trails so they cannot be altered : CloudTrail Log Files Lack Integrity Validation',
    severity: 'Medium',
    resource_type: 'CloudTrail',
    resource_category: 'Management',
    ...cis('2.2', 'Logging', 'Ensure CloudTrail log file validation is enabled'),
  },
  names: [
    'Secure audit trails so they cannot be altered : CloudTrail Log Files Lack Integrity Validation',
    'Secure audit trails so they cannot be altered: CloudTrail Log Files Lack Integrity Validation',
  ],
  ids: [
    'arn:aws:cloudtrail:eu-central-1:111122223333:trail/management-events',
    'arn:aws-us-gov:cloudtrail:us-gov-west-1:111122223333:trail/a.b_c-1',
  ],
  notIds: ['management-events', 'arn:aws:s3:::trail', 'arn:aws:cloudtrail:eu-central-1:1:trail/events'],
  hasRunbook: true,
  check: trails,
  calls,
  options: {},
  scenarios: [
    { name: 'a trail', make: ({ builder, region, name }) => builder.unvalidatedTrail(region, name) },
  ],
});
