import { z } from 'zod';
import { accountIdSchema } from '../../../lambdas/model/finding.ts';
import { resumeItemSchema, resumeKey } from '../../../lambdas/model/operator-items.ts';
import { callerOf } from '../../caller.ts';
import { type CommandResult, type Given, parseGiven } from '../../command.ts';
import type { Context } from '../../context.ts';
import { open } from '../../deployed/index.ts';
import { CliError, explainError } from '../../errors.ts';
import { reasonSchema, ruleGivenSchema, rulesOf } from '../../given.ts';
import { setPauses } from '../pause/set-pause.ts';

export { resumeSchema as result } from './result.ts';

const givenSchema = z.object({
  rules: z.array(ruleGivenSchema).default([]),
  account: z.array(accountIdSchema).default([]),
  breaker: ruleGivenSchema.optional(),
  reason: reasonSchema,
});

/** Ends a pause, or closes breakers. */
export async function run(context: Context, given: Given): Promise<CommandResult> {
  const { rules, account, breaker, reason } = parseGiven(givenSchema, given);
  const deployment = await context.deployment();
  for (const rule of rules) rulesOf(deployment, rule);
  if (breaker !== undefined) {
    if (rules.length === 0) return closeBreakers(context, breaker, account, reason);
    throw new CliError(
      'usage',
      '--breaker cannot be combined with rules, whose pause would end: run resume once for each',
    );
  }
  const words = [...rules, ...account.map((id) => `account:${id}`)];
  return setPauses(context, (before) =>
    words.length === 0 ? [] : before.filter((word) => !words.includes(word)),
  );
}

async function closeBreakers(
  context: Context,
  rule: string,
  accounts: readonly string[],
  reason: string,
): Promise<CommandResult> {
  if (accounts.length === 0) {
    throw new CliError(
      'usage',
      '--breaker requires --account; cspm-remediation status lists open breakers and their accounts',
    );
  }
  const { table, deployment } = await open(context);
  rulesOf(deployment, rule);
  const { arn: by } = await callerOf(context.clients, deployment.home_region);
  const item = resumeItemSchema.parse({ version: 1, at: context.now().toISOString(), by, reason });
  const { version: _, ...said } = item;
  for (const [index, account] of accounts.entries()) {
    try {
      await table.put({ ...resumeKey({ rule, account }), ...item });
    } catch (error) {
      if (index === 0) throw error;
      const [closed, open] = [accounts.slice(0, index), accounts.slice(index)].map((some) => some.join(', '));
      const { line } = explainError(error, `${deployment.name}-operator`);
      throw new CliError('refused', `the breaker is closed in ${closed}, but not in ${open}: ${line}`, {
        cause: error,
      });
    }
  }
  return {
    value: { closed: accounts.map((account) => ({ rule, account, ...said })) },
    text: `${rule} can change resources again in ${accounts.join(', ')}, from the next poll on.`,
  };
}
