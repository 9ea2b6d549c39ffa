import { z } from 'zod';
import { ALL, type HoldName } from '../../../lambdas/model/operator-items.ts';
import { callerOf } from '../../caller.ts';
import { type CommandResult, type Given, parseGiven } from '../../command.ts';
import type { Context } from '../../context.ts';
import { describeHold, readHolds } from '../../deployed/holds.ts';
import { open } from '../../deployed/index.ts';
import { putHold } from '../../deployed/put-hold.ts';
import { findPlace } from '../../findings/place.ts';
import {
  expectNotOver,
  lastDaySchema,
  placeGiven,
  reasonSchema,
  ruleGivenSchema,
  rulesOf,
} from '../../given.ts';

export { holdSchema as result } from './result.ts';

const givenSchema = z.object({
  resource: z.string().trim().min(1).optional(),
  rule: ruleGivenSchema.optional(),
  reason: reasonSchema,
  until: lastDaySchema.optional(),
  yes: z.boolean().default(false),
  ...placeGiven,
});

/** Holds a resource, a region of an account, or an account. */
export async function run(context: Context, given: Given): Promise<CommandResult> {
  const { resource, account, rule, reason, until, yes } = parseGiven(givenSchema, given);
  expectNotOver(until, context.now());
  const { screen, region } = context;
  const opened = await open(context);
  rulesOf(opened.deployment, rule);
  const { place, findings } = await findPlace(opened, { resource, account, rule, region }, { isHold: true });
  const name: HoldName = { ...place, rule: rule ?? ALL };
  const { arn: by } = await callerOf(context.clients, opened.deployment.home_region);
  const [standing] = await readHolds(opened.table, [name], context.now());
  const end = until === undefined ? 'until it is released' : `until ${until}`;
  screen.remark(`Hold ${describeHold(name)}, ${end}: ${reason}`);
  for (const { rule: of, outcome } of findings) screen.remark(`- ${of}: currently ${outcome}`);
  if (standing !== undefined) {
    screen.remark(
      `It replaces the hold by ${standing.says?.by ?? 'somebody'}: ${standing.says?.reason ?? 'unreadable'}`,
    );
  }
  await screen.confirm('Do you want to hold it?', yes);
  const hold = { by, reason, ...(until !== undefined && { until }) };
  await putHold(opened.table, name, hold);
  return { value: { ...name, ...hold }, text: `Held: ${describeHold(name)}, ${end}.` };
}
