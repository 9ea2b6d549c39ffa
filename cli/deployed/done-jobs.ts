import { sourceSchema } from '../../lambdas/model/job.ts';
import { type DoneItem, doneItemSchema, doneKey, parseItem } from '../../lambdas/model/table-items.ts';
import type { Opened } from './index.ts';
import type { Place } from './outcomes.ts';

const DAY = 86_400_000;

/** The part of the table that is read. */
export type Partitions = Pick<Opened['table'], 'partition'>;

/** Reads the finished jobs in a place for the polls of a rule since a given time, regardless of the source. */
export async function doneJobsSince(
  table: Partitions,
  { rule, ...place }: Place & { readonly rule: string },
  { since, now }: { readonly since: Date; readonly now: Date },
): Promise<DoneItem[]> {
  // The time of a poll may be ahead of this machine's clock.
  const end = new Date(now.getTime() + DAY);
  const items = await Promise.all(
    sourceSchema.options.map((source) => {
      const keyAt = (moment: Date) =>
        doneKey({ rule, ...place, poll: { source, rule, asOf: moment.toISOString() } });
      const { pk, sk: from } = keyAt(since);
      return table.partition(pk, { from, to: keyAt(end).sk });
    }),
  );
  return items.flat().map((item) => parseItem(doneItemSchema, item));
}

/** Describes the names of polls, for each source. */
export function pollNamePattern(): string {
  return sourceSchema.options.map((source) => `${source}.<rule>@<poll in epoch seconds>`).join(' or ');
}
