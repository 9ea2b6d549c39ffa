import {
  CloudTrailClient,
  DescribeTrailsCommand,
  GetTrailCommand,
  UpdateTrailCommand,
} from '@aws-sdk/client-cloudtrail';
import {
  AssertionFailed,
  type AutomationDocument,
  ROLE_PARAMETER,
  requiredRole,
  unless,
} from '../document.ts';

const TRAIL = /^(arn:aws[a-z-]*:cloudtrail:[a-z0-9-]+:\d{12}:trail\/)?[-_.A-Za-z0-9]{3,128}$/;

/** https://docs.aws.amazon.com/systems-manager-automation-runbooks/latest/userguide/automation-aws-enable-ctrail-log-validation.html */
export const enableCloudTrailLogFileValidation: AutomationDocument = {
  name: 'AWSConfigRemediation-EnableCloudTrailLogFileValidation',
  description: 'Enables log file validation for a trail.',
  parameters: {
    TrailName: { description: 'The name or the ARN of the trail.', refuses: unless(TRAIL) },
    [ROLE_PARAMETER]: requiredRole,
  },
  isAvailableIn: () => true,
  steps: () => [
    {
      name: 'EnableLogFileValidation',
      action: 'aws:executeAwsApi',
      api: 'UpdateTrail',
      async run({ parameters, client }) {
        await client(CloudTrailClient).send(
          new UpdateTrailCommand({ Name: parameters['TrailName'], EnableLogFileValidation: true }),
        );
        return 'done';
      },
    },
    {
      name: 'VerifyLogFileValidation',
      action: 'aws:assertAwsResourceProperty',
      api: 'DescribeTrails',
      async run({ parameters: { TrailName = '' }, client }) {
        const { trailList = [] } = await client(CloudTrailClient).send(
          new DescribeTrailsCommand({ trailNameList: [TrailName] }),
        );
        // AWS's page now names this call, and named the other one before: the role of the document needs both.
        const { Trail } = await client(CloudTrailClient).send(new GetTrailCommand({ Name: TrailName }));
        if (trailList[0]?.LogFileValidationEnabled === true && Trail?.LogFileValidationEnabled === true) {
          return 'done';
        }
        throw new AssertionFailed(`LogFileValidationEnabled of ${TrailName} is not true`);
      },
    },
  ],
};
