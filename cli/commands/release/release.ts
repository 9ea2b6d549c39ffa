import { z } from 'zod';
import { ALL, type HoldName } from '../../../lambdas/model/operator-items.ts';
import { type CommandResult, type Given, parseGiven } from '../../command.ts';
import type { Context } from '../../context.ts';
import { describeHold, listHolds, readHolds } from '../../deployed/holds.ts';
import { type Opened, open } from '../../deployed/index.ts';
import { removeHold } from '../../deployed/put-hold.ts';
import { CliError } from '../../errors.ts';
import { findPlace, type GivenPlace } from '../../findings/place.ts';
import { placeGiven, ruleGivenSchema } from '../../given.ts';

export { releaseSchema as result } from './result.ts';

const givenSchema = z.object({
  resource: z.string().trim().min(1).optional(),
  rule: ruleGivenSchema.optional(),
  yes: z.boolean().default(false),
  ...placeGiven,
});

/** Releases a hold. */
export async function run(context: Context, given: Given): Promise<CommandResult> {
  const { yes, ...asked } = parseGiven(givenSchema, given);
  const { screen } = context;
  const opened = await open(context);
  const name = await nameOf(opened, { ...asked, region: context.region }, context.now());
  const [hold] = await readHolds(opened.table, [name], context.now());
  if (hold === undefined) {
    throw new CliError(
      'notFound',
      `there is no hold on ${describeHold(name)}: cspm-remediation status lists all holds`,
    );
  }
  const { by = 'somebody', reason = 'unreadable' } = hold.says ?? {};
  screen.remark(`Release the hold by ${by} on ${describeHold(name)}: ${reason}`);
  await screen.confirm('Do you want to release it?', yes);
  await removeHold(opened.table, name);
  return { value: name, text: `Released: ${describeHold(name)}. The next poll continues there.` };
}

/** Returns the name of the hold to release: the only one on such a resource, otherwise the one that the arguments describe. */
async function nameOf(opened: Opened, given: GivenPlace, now: Date): Promise<HoldName> {
  const { resource, account, region, rule = ALL } = given;
  const isWanted = (name: HoldName): boolean =>
    name.resource === resource &&
    name.rule === rule &&
    (account === undefined || name.account === account) &&
    (region === undefined || name.region === region || name.region === ALL);
  const named =
    resource === undefined
      ? []
      : (await listHolds(opened.table, now)).map(({ name }) => name).filter(isWanted);
  const [only, ...others] = named;
  if (only !== undefined && others.length === 0) return only;
  return { ...(await findPlace(opened, given, { isHold: true })).place, rule };
}
