import { z } from 'zod';
import { accountIdSchema } from '../../../lambdas/model/finding.ts';
import { type CommandResult, type Given, parseGiven } from '../../command.ts';
import type { Context } from '../../context.ts';
import { CliError } from '../../errors.ts';
import { ruleGivenSchema, rulesOf } from '../../given.ts';
import { setPauses } from './set-pause.ts';

export { pauseSchema as result } from './result.ts';

const givenSchema = z.object({
  rules: z.array(ruleGivenSchema).default([]),
  account: z.array(accountIdSchema).default([]),
  undo: z.boolean().default(false),
});

/** Stops changes in all regions. */
export async function run(context: Context, given: Given): Promise<CommandResult> {
  const { rules, account, undo } = parseGiven(givenSchema, given);
  const deployment = await context.deployment();
  for (const rule of rules) rulesOf(deployment, rule);
  const narrow = [...rules, ...account.map((id) => `account:${id}`)];
  if (undo && narrow.length > 0) {
    throw new CliError('usage', '--undo stops everything: it cannot be combined with rules or accounts');
  }
  const all = undo ? 'all+undo' : 'all';
  const words = narrow.length > 0 ? narrow : [all];
  return setPauses(context, (before) => [...new Set([...before, ...words])]);
}
