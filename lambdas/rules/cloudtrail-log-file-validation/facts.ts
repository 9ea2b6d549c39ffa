import { z } from 'zod';
import { parseTrailArn, trailArnSchema } from '../../changes/cloudtrail/trail-arn.ts';
import { defineFacts } from '../facts.ts';
import { documentPermissions } from '../runbook.ts';

const DOCUMENT = 'AWSConfigRemediation-EnableCloudTrailLogFileValidation';

export const facts = defineFacts({
  id: 'cloudtrail-log-file-validation',
  title: 'CloudTrail trails validate their log files',
  legacyId: 'CIS-1-2-0-2-2',
  resourceType: 'AWS::CloudTrail::Trail',
  scope: 'regional',
  // The ARN contains the home region. A finding about a multi-region trail may have any region, or `global`.
  regionFrom: 'resource',
  severity: 'medium',
  resourceId: trailArnSchema,
  options: z.strictObject({}),
  documentation: {
    control: 'CIS AWS Foundations Benchmark 1.2.0, 2.2',
    finds:
      'Trails whose log file validation is off, so that changed or deleted log files would go unnoticed.',
    changes:
      "Turns log file validation on, in the trail's home region, regardless of the finding's region. An organization trail is fixed in the account that owns it.",
    neverTouches:
      'All other settings of the trail, and organization trails of another account: such a finding is `not_applicable`, and its reason names that account.',
    undo: 'Turns log file validation off again.',
  },
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
      { actions: ['cloudtrail:DescribeTrails'], resources: ['*'] },
      {
        actions: ['cloudtrail:UpdateTrail'],
        resources: ['arn:${partition}:cloudtrail:*:${account}:trail/*'],
      },
    ],
  },

  runbook: {
    document: DOCUMENT,
    partitions: ['aws', 'aws-us-gov', 'aws-cn'],
    parameters: (resource) => ({ TrailName: [resource] }),
    regionOf: (resource) => parseTrailArn(resource).region,
    // AWS's page lists `GetTrail`, and used to list `DescribeTrails`: the document may call either.
    permissions: [
      { actions: ['cloudtrail:DescribeTrails'], resources: ['*'] },
      {
        actions: ['cloudtrail:GetTrail', 'cloudtrail:UpdateTrail'],
        resources: ['arn:${partition}:cloudtrail:*:${account}:trail/*'],
      },
      ...documentPermissions(DOCUMENT),
    ],
    documentation: {
      reference:
        'https://docs.aws.amazon.com/systems-manager-automation-runbooks/latest/userguide/automation-aws-enable-ctrail-log-validation.html',
      closes: "Turns log file validation on, in the trail's home region, and checks that it is on.",
      limits: 'None known.',
    },
  },
});
