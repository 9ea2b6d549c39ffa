import { type Opened, openedOf, tripItemSchema, tripKey } from '../../lambdas/model/breaker.ts';
import type { BreakerSettings } from '../../lambdas/model/breaker-settings.ts';
import { resumeItemSchema, resumeKey } from '../../lambdas/model/operator-items.ts';
import type { Table } from './table.ts';

/** A breaker that is open: the rule only plans in that account. */
export interface OpenBreaker extends Opened {
  readonly account: string;
}

const resumeSchema = resumeItemSchema.extend({ pk: resumeItemSchema.shape.by });

/** Finds the accounts in which a rule's breaker is open. */
export async function openBreakers(
  table: Table,
  rule: string,
  accounts: readonly string[],
  settings: BreakerSettings | undefined,
  now: Date,
): Promise<OpenBreaker[]> {
  const [trips, resumes] = await Promise.all([
    table.read(
      tripItemSchema,
      accounts.map((account) => tripKey({ rule, account })),
    ),
    table.read(
      resumeSchema,
      accounts.map((account) => resumeKey({ rule, account })),
    ),
  ]);
  return accounts.flatMap((account): OpenBreaker[] => {
    const item = trips.find(({ pk }) => pk === tripKey({ rule, account }).pk);
    if (item === undefined) return [];
    const resume = resumes.find(({ pk }) => pk === resumeKey({ rule, account }).pk);
    const saidAt = resume === undefined ? Number.NEGATIVE_INFINITY : Date.parse(resume.at);
    // A resume with a time in the future does not count yet.
    const resumedAt = saidAt <= now.getTime() ? saidAt : Number.NEGATIVE_INFINITY;
    const results = item.results.filter(({ at }) => at > resumedAt);
    const opened = openedOf(item, results, resumedAt, settings, now.getTime());
    return opened === undefined ? [] : [{ account, ...opened }];
  });
}
