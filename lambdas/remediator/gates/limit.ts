import type { Counter } from '../../model/count-item.ts';
import type { Room } from '../record/limit-counts.ts';
import { conclude, type Verdict } from '../verdict.ts';

/** A limit of changes within an hour. */
export interface ChangeLimit {
  readonly counter: Counter;
  readonly most: number;
}

/** The settings of a limit, as users write them. */
export function settingOf({ counter: { account } }: ChangeLimit): string {
  return account === 'all' ? 'limits.per_rule_per_hour' : 'limits.per_account_per_hour';
}

/** A limit in words. */
export function describeLimit({ counter: { rule, account }, most }: ChangeLimit): string {
  const where = account === 'all' ? 'all accounts together' : `account ${account}`;
  return `${rule} changes at most ${most} resources within an hour in ${where}`;
}

/**
 * The verdict on a finding whose changes do not fit into what a limit leaves.
 * @param changes how many resources would be changed for it
 */
export function overLimit(limit: ChangeLimit, changes: number, { left, moreAt }: Room): Verdict {
  const setting = settingOf(limit);
  const needed = `${changes} ${changes === 1 ? 'is' : 'are'} to be changed for this finding`;
  const until =
    changes > limit.most
      ? `${needed}, so it waits until ${setting} is at least ${changes}`
      : `${needed}, and there is room for ${left}${moreAt === undefined ? '' : `; there is more from ${new Date(moreAt).toISOString()} on`}. It comes first at the next poll; to change more, raise ${setting}`;
  return conclude('deferred', {
    willRetry: true,
    gate: 'limit',
    reason: `${describeLimit(limit)}: ${until}`,
  });
}
