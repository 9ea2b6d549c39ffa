/**
 * IAM actions and what they may touch. Resources and condition values may hold `${partition}`, `${region}`,
 * `${account}`: Terraform fills them in for the role (`*` for the region), the session policy for one job.
 */
export interface Permission {
  readonly actions: readonly string[];
  readonly resources: readonly string[];
  /** IAM condition block: operator → key → values. */
  readonly conditions?: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>>;
}

/**
 * Condition for actions that take no resource: only in the job's region. The role, which serves every region, has no
 * use for it, but a session has.
 */
export const inRegion = { StringLike: { 'aws:RequestedRegion': ['${region}'] } } as const;
