/**
 * The regions that are enabled in every account of the partition `aws`. Accounts must first enable each region that AWS
 * has opened since March 2019, so this list is final.
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
 * Returns the region whose STS issues credentials for global work, such as IAM's. It is the function's own region,
 * which a VPC endpoint can serve. But STS refuses requests in a region that the target account has not enabled
 * (`RegionDisabledException`), so a function in such a region uses one that is enabled in every account. Credentials
 * from a regional endpoint are valid in all regions.
 */
export function stsRegionForAnyAccount(partition: string, functionRegion: string): string {
  return partition !== 'aws' || enabledInEveryAccount.has(functionRegion) ? functionRegion : 'us-east-1';
}
