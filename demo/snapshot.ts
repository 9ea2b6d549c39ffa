import {
  EC2Client,
  paginateDescribeSecurityGroupRules,
  paginateDescribeSecurityGroups,
} from '@aws-sdk/client-ec2';
import { IAMClient, paginateListAccessKeys, paginateListUsers } from '@aws-sdk/client-iam';
import { GetPublicAccessBlockCommand, paginateListBuckets, S3Client } from '@aws-sdk/client-s3';

/**
 * All that the demo's rules could change in some accounts, as AWS tells it, in an order of its own: the same text means
 * that nothing has changed.
 */
export async function snapshot(
  endpoint: string,
  accounts: readonly string[],
  regions: readonly string[],
): Promise<readonly string[]> {
  const lines: string[] = [];
  for (const account of accounts) {
    const settings = (region: string) => ({
      endpoint,
      region,
      credentials: { accessKeyId: account, secretAccessKey: 'test' },
    });
    for (const region of regions) {
      const client = new EC2Client(settings(region));
      for await (const { SecurityGroups = [] } of paginateDescribeSecurityGroups({ client }, {})) {
        for (const { GroupId, Tags } of SecurityGroups) lines.push(JSON.stringify({ region, GroupId, Tags }));
      }
      for await (const { SecurityGroupRules = [] } of paginateDescribeSecurityGroupRules({ client }, {})) {
        for (const rule of SecurityGroupRules) lines.push(JSON.stringify(rule));
      }
    }
    const s3 = new S3Client(settings('us-east-1'));
    for await (const { Buckets = [] } of paginateListBuckets({ client: s3 }, {})) {
      for (const { Name, BucketRegion = 'us-east-1' } of Buckets) {
        const block = await new S3Client(settings(BucketRegion))
          .send(new GetPublicAccessBlockCommand({ Bucket: Name }))
          .then(({ PublicAccessBlockConfiguration }) => PublicAccessBlockConfiguration)
          .catch((error: unknown) => {
            if (error instanceof Error && error.name === 'NoSuchPublicAccessBlockConfiguration')
              return 'none';
            throw error;
          });
        lines.push(JSON.stringify({ Name, block }));
      }
    }
    const iam = new IAMClient(settings('us-east-1'));
    for await (const { Users = [] } of paginateListUsers({ client: iam }, {})) {
      for (const { UserName } of Users) {
        for await (const { AccessKeyMetadata = [] } of paginateListAccessKeys(
          { client: iam },
          { UserName },
        )) {
          for (const { AccessKeyId, Status } of AccessKeyMetadata) {
            lines.push(JSON.stringify({ UserName, AccessKeyId, Status }));
          }
        }
      }
    }
  }
  return lines.sort();
}
