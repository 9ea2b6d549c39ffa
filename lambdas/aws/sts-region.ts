/**
 * The regions that every account of the partition `aws` has. Each region that AWS has opened since March 2019 has to be
 * enabled by an account first, and AWS opens no more of these.
 * https://docs.aws.amazon.com/accounts/latest/reference/manage-acct-regions.html
 */
const enabledInEveryAccount: ReadonlySet<string> = new Set([
  'ap-northeast-1',
  'ap-northeast-2',
  'ap-northeast-3',
  'ap-south-1',
  'ap-southeast-1',
  'ap-southeast-2',
  'ca-central-1',
  'eu-central-1',
  'eu-north-1',
  'eu-west-1',
  'eu-west-2',
  'eu-west-3',
  'sa-east-1',
  'us-east-1',
  'us-east-2',
  'us-west-1',
  'us-west-2',
]);

/**
 * The region whose STS gives credentials for work that is not bound to a region, such as IAM's. The function's own, so
 * that a VPC endpoint serves it; but STS in a region that the target account has not enabled refuses with
 * `RegionDisabledException`, so a function in such a region asks in one that every account has. Credentials of a
 * regional endpoint work in every region.
 */
export function stsRegionForAnyAccount(partition: string, functionRegion: string): string {
  return partition !== 'aws' || enabledInEveryAccount.has(functionRegion) ? functionRegion : 'us-east-1';
}
