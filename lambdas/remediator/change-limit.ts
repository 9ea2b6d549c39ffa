import type { Counter } from '../model/count-item.ts';
import type { Room } from './record/limit-counts.ts';

/** A limit of changes within an hour. */
export interface ChangeLimit {
  readonly counter: Counter;
  readonly most: number;
}

/** A limit that has no room for a finding. */
export interface Refusal {
  readonly limit: ChangeLimit;
  /** Number of resources that would be changed for the finding. */
  readonly changes: number;
  readonly room: Room;
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
