import {
  EC2Client,
  EnableEbsEncryptionByDefaultCommand,
  GetEbsEncryptionByDefaultCommand,
} from '@aws-sdk/client-ec2';
import { AssertionFailed, type AutomationDocument, ROLE_PARAMETER, requiredRole } from '../document.ts';

/** https://docs.aws.amazon.com/systems-manager-automation-runbooks/latest/userguide/automation-aws-enable-ebs-encryption.html */
export const enableEbsEncryptionByDefault: AutomationDocument = {
  name: 'AWSConfigRemediation-EnableEbsEncryptionByDefault',
  description: 'Enables encryption by default of EBS volumes in the region.',
  parameters: { [ROLE_PARAMETER]: requiredRole },
  isAvailableIn: () => true,
  steps: () => [
    {
      name: 'EnableEbsEncryptionByDefault',
      action: 'aws:executeAwsApi',
      api: 'EnableEbsEncryptionByDefault',
      async run({ client }) {
        await client(EC2Client).send(new EnableEbsEncryptionByDefaultCommand({}));
        return 'done';
      },
    },
    {
      name: 'VerifyEbsEncryptionByDefault',
      action: 'aws:assertAwsResourceProperty',
      api: 'GetEbsEncryptionByDefault',
      async run({ client }) {
        const { EbsEncryptionByDefault } = await client(EC2Client).send(
          new GetEbsEncryptionByDefaultCommand({}),
        );
        if (EbsEncryptionByDefault === true) return 'done';
        throw new AssertionFailed('EbsEncryptionByDefault is not true');
      },
    },
  ],
};
