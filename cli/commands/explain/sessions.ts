import pLimit from 'p-limit';
import { pollId } from '../../../lambdas/model/job.ts';
import { doneItemSchema, doneKey, parseItem } from '../../../lambdas/model/table-items.ts';
import type { Opened } from '../../deployed/index.ts';
import type { Place } from '../../deployed/outcomes.ts';
import type { Explanation } from './result.ts';

const DAY = 86_400_000;
const DAYS = 3;
const PARTITIONS_AT_ONCE = 16;

/** Names the sessions of the last days in some places: by them CloudTrail there tells what this deployment did. */
export async function sessionsOf(
  { deployment, table }: Opened,
  places: readonly Place[],
  ofRules: readonly string[],
  now: Date,
): Promise<Explanation['sessions']> {
  const rules = ofRules.length === 0 ? deployment.rules : ofRules;
  const pairs = places.flatMap((place) => rules.map((rule) => ({ rule, ...place })));
  const idAt = (rule: string, moment: number): string =>
    pollId({ source: 'netskope', rule, asOf: new Date(moment).toISOString() });
  const items = await pLimit(PARTITIONS_AT_ONCE).map(pairs, ({ rule, ...place }) => {
    const { pk } = doneKey({ rule, ...place, poll: { source: 'netskope', rule, asOf: now.toISOString() } });
    const from = idAt(rule, now.getTime() - DAYS * DAY);
    return table.partition(pk, { from, to: idAt(rule, now.getTime() + DAY) });
  });
  const names = items.flat().map((item) => pollId(parseItem(doneItemSchema, item).poll));
  return {
    role: deployment.target_role,
    names: [...new Set(names)].sort(),
    pattern: 'netskope.<rule>@<poll in epoch seconds>',
  };
}
