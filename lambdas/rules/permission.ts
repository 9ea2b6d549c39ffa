/**
 * IAM actions and the resources that they apply to. Resources and condition values can contain `${partition}`,
 * `${region}` and `${account}`. Terraform fills these in for the role (with `*` for the region), and the session policy
 * does so for one job.
 */
export interface Permission {
  readonly actions: readonly string[];
  readonly resources: readonly string[];
  /** IAM condition block: operator → key → values. */
  readonly conditions?: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>>;
}

/**
 * Limits actions that do not support resources to the job's region. It is effective in sessions only, because the role
 * serves every region.
 */
export const inRegion = { StringLike: { 'aws:RequestedRegion': ['${region}'] } } as const;
