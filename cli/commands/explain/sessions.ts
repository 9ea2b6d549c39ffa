import pLimit from 'p-limit';
import { pollId } from '../../../lambdas/model/job.ts';
import { doneJobsSince, type Partitions, pollNamePattern } from '../../deployed/done-jobs.ts';
import type { Opened } from '../../deployed/index.ts';
import type { Place } from '../../deployed/outcomes.ts';
import type { Explanation } from './result.ts';

const DAY = 86_400_000;
const DAYS = 3;
const PARTITIONS_AT_ONCE = 16;

/** The parts of a deployment that identify its sessions. */
interface Sessions {
  readonly deployment: Pick<Opened['deployment'], 'rules' | 'target_role'>;
  readonly table: Partitions;
}

/** Returns the names of recent sessions in the given places. Searching CloudTrail for them shows what this deployment did. */
export async function sessionsOf(
  { deployment, table }: Sessions,
  places: readonly Place[],
  ofRules: readonly string[],
  now: Date,
): Promise<Explanation['sessions']> {
  const rules = ofRules.length === 0 ? deployment.rules : ofRules;
  const pairs = places.flatMap((place) => rules.map((rule) => ({ rule, ...place })));
  const since = new Date(now.getTime() - DAYS * DAY);
  const items = await pLimit(PARTITIONS_AT_ONCE).map(pairs, ({ rule, account, region }) =>
    doneJobsSince(table, { rule, account, region }, { since, now }),
  );
  const names = items.flat().map(({ poll }) => pollId(poll));
  return {
    role: deployment.target_role,
    names: [...new Set(names)].sort(),
    pattern: pollNamePattern(),
  };
}
