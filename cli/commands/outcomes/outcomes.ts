import { z } from 'zod';
import { outcomeNameSchema } from '../../../lambdas/model/outcome-names.ts';
import { type CommandResult, type Given, parseGiven } from '../../command.ts';
import type { Context } from '../../context.ts';
import { linesSince, placesSince, undosSince } from '../../deployed/history.ts';
import { open } from '../../deployed/index.ts';
import type { Line } from '../../deployed/outcomes.ts';
import { placeGiven, regionsOf, ruleGivenSchema, rulesOf } from '../../given.ts';
import { glob } from '../../glob.ts';
import { shortTime, sinceSchema } from '../../time.ts';
import { printRows } from './print.ts';
import { rowsOf } from './rows.ts';

export { outcomesSchema as result } from './result.ts';

function givenSchema(now: Date) {
  return z.object({
    since: sinceSchema(now),
    rule: ruleGivenSchema.optional(),
    outcome: z.array(outcomeNameSchema).optional(),
    resource: z.string().optional(),
    changed: z.boolean().default(false),
    all: z.boolean().default(false),
    ...placeGiven,
  });
}

/** Lists the outcomes of findings since a given time. */
export async function run(context: Context, given: Given): Promise<CommandResult> {
  const now = context.now();
  const { since, rule, account, outcome, resource, changed, all } = parseGiven(givenSchema(now), given);
  const lines = await context.screen.progress('reading evidence', async (say) => {
    const opened = await open(context);
    const { deployment } = opened;
    const regions = regionsOf(deployment, context.region);
    const found: Line[] = await undosSince(opened, { since, now }, { rule, account, regions });
    for (const each of rulesOf(deployment, rule)) {
      say(`reading evidence of ${each}`);
      const places = await placesSince(opened, each, since, { account, region: context.region });
      found.push(...(await linesSince(opened, each, { since, now }, places)));
    }
    return found;
  });
  const isWanted = resource === undefined ? () => true : glob(resource);
  const rows = rowsOf(lines, !all).filter(
    (row) =>
      isWanted(row.resource) &&
      (outcome === undefined || outcome.includes(row.outcome)) &&
      (!changed || row.changes.length > 0),
  );
  return {
    value: { since: since.toISOString(), outcomes: rows },
    text: rows.length === 0 ? `nothing since ${shortTime(since)} UTC` : printRows(rows, context.screen),
  };
}
