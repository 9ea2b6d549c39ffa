import pLimit from 'p-limit';
import { pollItemSchema, pollKey } from '../../lambdas/model/table-items.ts';
import type { Opened } from '../deployed/index.ts';

const POLLS_AT_ONCE = 8;

/** Lists the accounts that the deployment knows: those in the jobs of the last polls, and those in the settings. */
export async function knownAccounts({ deployment, table, evidence, settings }: Opened): Promise<string[]> {
  const marks = await table.read(pollItemSchema, deployment.rules.map(pollKey));
  const polls = await pLimit(POLLS_AT_ONCE).map(
    marks.flatMap(({ poll }) => poll ?? []),
    (poll) => evidence.summary(poll),
  );
  const { groups, accounts, mode_by_account } = await settings.ofAllRules();
  return [
    ...new Set([
      ...polls.flatMap((poll) => poll?.destinations.map(({ account }) => account) ?? []),
      ...Object.values(groups).flat(),
      ...accounts,
      ...Object.keys(mode_by_account),
    ]),
  ].sort();
}
