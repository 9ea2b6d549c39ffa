import { z } from 'zod';
import { type CommandResult, type Given, parseGiven } from '../../command.ts';
import type { Context } from '../../context.ts';
import { open } from '../../deployed/index.ts';
import { ruleGivenSchema, rulesOf } from '../../given.ts';
import { startPolls, watchPolls } from '../../polls/run.ts';
import { table } from '../../table.ts';
import { durationSchema } from '../../time.ts';
import { printRows } from '../outcomes/print.ts';
import { rowsOf } from '../outcomes/rows.ts';
import { polledCells, polledOf } from './polled.ts';

export { pollsSchema as result } from './result.ts';

const givenSchema = z.object({
  rule: ruleGivenSchema.optional(),
  wait: z.boolean().default(false),
  timeout: durationSchema,
});

/** Polls now. */
export async function run(context: Context, given: Given): Promise<CommandResult> {
  const { rule, wait, timeout } = parseGiven(givenSchema, given);
  const { colors, width } = context.screen;
  const opened = await open(context);
  const started = await startPolls(context, opened, rulesOf(opened.deployment, rule), { onlyPlans: false });
  const polls = started.flatMap((each) => ('poll' in each ? each.poll : []));
  const watched = wait ? await watchPolls(context, opened, polls, Date.now() + timeout) : [];
  const summaries = wait ? [] : await Promise.all(polls.map((poll) => opened.evidence.summary(poll)));
  const polled = started.map((each) => {
    const own = watched.find(({ poll }) => poll.rule === each.rule);
    const summary = own?.summary ?? summaries.find((one) => one?.poll.rule === each.rule);
    return polledOf(each, summary, own);
  });
  const rows = rowsOf(
    watched.flatMap(({ lines }) => lines),
    false,
  );
  const text = [
    table(
      ['RULE', 'FINDINGS', ''].map(colors.bold),
      polled.map((each) => polledCells(each, colors.red)),
      width,
    ),
    ...(rows.length > 0 ? [printRows(rows, context.screen)] : []),
  ].join('\n\n');
  const isComplete = polled.every(
    ({ problem, without_outcome: missing = 0 }) => problem === undefined && missing === 0,
  );
  return {
    value: { polls: polled, ...(wait && { outcomes: rows }) },
    text,
    ...(!isComplete && { exit: 'refused' as const }),
  };
}
