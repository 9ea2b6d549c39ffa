import { describeError, isAwsError } from './errors.ts';

function adviceOn(error: unknown, account: string, region: string): string | undefined {
  if (isAwsError(error, 'AccessDenied')) {
    return 'it is missing there, or does not trust this remediator (name, external id, organization), or the settings do not include the account; deploy modules/target in that account';
  }
  if (isAwsError(error, 'RegionDisabled')) {
    return `STS is not active for that account in ${region}: enable the region in account ${account}, or remove it from the module's regions`;
  }
  if (isAwsError(error, 'PackedPolicyTooLarge')) {
    return "the rule's session policy is too large for STS, so nothing was started or changed. Shorten the names of the automation role and its path, or report it as a bug with the rule's id";
  }
  return undefined;
}

/** Explains why the target role of an account could not be assumed, and what to do about it. */
export function describeAssumeRoleError(error: unknown, account: string, region: string): string {
  const advice = adviceOn(error, account, region);
  return `the target role in account ${account} cannot be assumed${advice === undefined ? '' : `: ${advice}`}. ${describeError(error)}`;
}
