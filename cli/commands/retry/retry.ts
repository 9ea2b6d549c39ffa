import { z } from 'zod';
import { retryItemSchema, retryKey } from '../../../lambdas/model/operator-items.ts';
import { callerOf } from '../../caller.ts';
import { type CommandResult, type Given, parseGiven } from '../../command.ts';
import type { Context } from '../../context.ts';
import { open } from '../../deployed/index.ts';
import { describePlace, findPlace } from '../../findings/place.ts';
import { placeGiven, reasonSchema } from '../../given.ts';

export { retrySchema as result } from './result.ts';

const givenSchema = z.object({
  resource: z.string().trim().min(1).optional(),
  reason: reasonSchema,
  yes: z.boolean().default(false),
  ...placeGiven,
});

/** Lets the next poll attempt failed findings again. */
export async function run(context: Context, given: Given): Promise<CommandResult> {
  const { resource, account, reason, yes } = parseGiven(givenSchema, given);
  const { screen, region } = context;
  const opened = await open(context);
  const { place, findings } = await findPlace(opened, { resource, account, region });
  const { arn: by } = await callerOf(context.clients, opened.deployment.home_region);
  screen.remark(`Retry ${describePlace(place)}: ${reason}`);
  for (const { rule, outcome, reason: why } of findings) {
    screen.remark(`- ${rule}: currently ${outcome}${why === undefined ? '' : `, ${why}`}`);
  }
  await screen.confirm('Do you want the next poll to attempt it?', yes);
  const item = retryItemSchema.parse({ version: 1, at: context.now().toISOString(), by, reason });
  await opened.table.put({ ...retryKey(place), ...item });
  const { version: _, ...said } = item;
  return {
    value: { ...place, ...said },
    text: `The next poll attempts ${describePlace(place)} again. For an immediate attempt: cspm-remediation poll`,
  };
}
