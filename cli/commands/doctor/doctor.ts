import { z } from 'zod';
import { type CommandResult, type Given, parseGiven } from '../../command.ts';
import type { Context } from '../../context.ts';
import { open } from '../../deployed/index.ts';
import { amount } from '../../fold.ts';
import { placeGiven, regionsOf } from '../../given.ts';
import type { Screen } from '../../screen.ts';
import { table } from '../../table.ts';
import { durationSchema } from '../../time.ts';
import { roles, token } from './access.ts';
import type { Examine } from './check.ts';
import {
  concurrency,
  functions,
  pauses,
  queues,
  schedules,
  settings,
  subscriptions,
  versions,
} from './parts.ts';
import type { Check } from './result.ts';

export { doctorSchema as result } from './result.ts';

const givenSchema = z.object({ timeout: durationSchema, ...placeGiven });

/** The checks, in the order in which they are shown. */
const examinations: readonly Examine[] = [
  versions,
  functions,
  queues,
  pauses,
  settings,
  schedules,
  subscriptions,
  concurrency,
  token,
  roles,
];

/** Checks a deployment. */
export async function run(context: Context, given: Given): Promise<CommandResult> {
  const { account, timeout } = parseGiven(givenSchema, given);
  const opened = await open(context);
  const { deployment } = opened;
  const patient = { context, opened, regions: regionsOf(deployment, context.region), account, timeout };
  const checks = await context.screen.progress('checking', async (say) => {
    let done = 0;
    const found = examinations.map(async (examine) => {
      const own = await examine(patient);
      done += 1;
      say(`checking: ${done} of ${examinations.length}`);
      return own;
    });
    return (await Promise.all(found)).flat();
  });
  const needsAttention = checks.some(({ is }) => is === 'attention');
  return {
    value: { at: context.now().toISOString(), name: deployment.name, checks },
    text: printChecks(checks, context.screen),
    ...(needsAttention && { exit: 'attention' as const }),
  };
}

function printChecks(checks: readonly Check[], { colors, width }: Screen): string {
  const style = { ok: colors.green, attention: colors.red, unknown: colors.yellow };
  // Problems come last, so that they stay visible in a terminal.
  const order: readonly Check['is'][] = ['ok', 'unknown', 'attention'];
  const sorted = [...checks].sort((one, other) => order.indexOf(one.is) - order.indexOf(other.is));
  const rows = sorted.map(({ check, place, is, says, remedy }) => [
    style[is](is),
    check,
    place,
    remedy === undefined ? says : `${says}. To do: ${remedy}`,
  ]);
  const number = checks.filter(({ is }) => is === 'attention').length;
  const words = number === 0 ? 'Nothing needs to be fixed.' : `${amount(number, 'problem')} to fix.`;
  return [table(['STATUS', 'CHECK', 'TARGET', ''].map(colors.bold), rows, width), words].join('\n\n');
}
