import { type SentItem, sentKey } from '../../../lambdas/model/table-items.ts';

interface UnfinishedJobs extends Pick<SentItem, 'rule' | 'account' | 'region'> {
  /** The time from which the jobs are unfinished. */
  readonly since: string;
  readonly now: Date;
}

/** The findings table's item for a job that polls have found unfinished, and which counts as lost in an hour. */
export function unfinishedJobs({ rule, account, region, since, now }: UnfinishedJobs): SentItem {
  const poll = { source: 'netskope' as const, rule, asOf: '2026-01-01T00:00:00Z' };
  return {
    ...sentKey({ rule, account, region }),
    version: 1,
    rule,
    account,
    region,
    poll,
    at: poll.asOf,
    jobs: 1,
    until: new Date(now.getTime() + 3_600_000).toISOString(),
    behindSince: since,
    expiresAt: Math.floor(now.getTime() / 1000) + 86_400,
  };
}
