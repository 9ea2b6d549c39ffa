import { z } from 'zod';
import { principalSchema, type UndoRequest, undoRequestSchema } from '../../../lambdas/model/requests.ts';
import { type Caller, callerOf } from '../../caller.ts';
import { type CommandResult, type Given, parseGiven } from '../../command.ts';
import type { Context } from '../../context.ts';
import { open } from '../../deployed/index.ts';
import { CliError, explainError } from '../../errors.ts';
import { expectNotOver, lastDaySchema, reasonSchema } from '../../given.ts';
import type { Screen } from '../../screen.ts';
import { durationSchema } from '../../time.ts';
import { type RequestedFixes, requestsOf } from '../../undo/requests.ts';
import { awaitAll, requestExpiry, submitAll } from '../../undo/submit.ts';
import { chooseFixes, chosenSchema, expectOneWay } from './choose.ts';
import { holdAll } from './hold-all.ts';
import { planOf, printResult } from './print.ts';
import { undoSchema as result, type Undone } from './result.ts';
import { notSubmitted, resultOf } from './results.ts';

export { result };

const orderSchema = z.object({
  force: z.boolean().default(false),
  reason: reasonSchema,
  until: lastDaySchema.optional(),
  timeout: durationSchema.refine((timeout) => timeout > 0, 'expected at least 1m'),
  yes: z.boolean().default(false),
});
type Order = z.infer<typeof orderSchema>;

/** Undoes fixes. */
export async function run(context: Context, given: Given): Promise<CommandResult> {
  const chosen = parseGiven(chosenSchema(context.now()), given);
  expectOneWay(chosen);
  if (given['reason'] === undefined) {
    throw new CliError('usage', "required option '--reason <text>' not specified");
  }
  const order = parseGiven(orderSchema, given);
  expectNotOver(order.until, context.now());
  const { screen } = context;
  const opened = await open(context);
  const { fixes, undoneBefore } = await screen.progress('reading evidence', () =>
    chooseFixes(context, opened, chosen),
  );
  if (fixes.length === 0) {
    const why =
      undoneBefore.length === 0
        ? 'cspm-remediation outcomes --changed lists what was fixed'
        : `${undoneBefore.length} fixes were already undone`;
    throw new CliError('notFound', `there is nothing to undo: ${why}`);
  }
  screen.remark(planOf(fixes, undoneBefore, order, screen));
  await screen.confirm('Do you want to restore this?', order.yes);
  const caller = await callerOf(context.clients, opened.deployment.home_region);
  const principal = principalSchema.parse(caller.userId);
  const requests = requestsOf(fixes);
  const { error, ...holds } = await holdAll(opened.table, fixes, order, caller, context.now());
  const policy = `${opened.deployment.name}-operator`;
  if (error !== undefined) {
    const reason = `a hold could not be written: ${explainError(error, policy).line}`;
    return resultWith(notSubmitted(requests, holds, reason), screen);
  }
  const submitted = await submitAll(
    context,
    opened,
    requests.map((each) => requestOf(each, order, caller, context.now())),
    principal,
  );
  if (submitted.some(({ is }) => is === 'submitted' || is === 'not listed')) {
    screen.remark(
      'Submitted. To stop waiting, press Ctrl-C: the undo goes on, and cspm-remediation explain shows its result.',
    );
  }
  const over = await screen.progress('waiting for the remediators', (say) =>
    awaitAll(opened, submitted, {
      until: Date.now() + order.timeout,
      say: (done, of) => say(`waiting for the remediators: ${done} of ${of} requests are complete`),
    }),
  );
  return resultWith(
    resultOf(requests, over, holds, (cause) => explainError(cause, policy).line),
    screen,
  );
}

function resultWith(value: Undone, screen: Screen): CommandResult {
  const isDone = value.fixes.every(({ is }) => is === 'undone');
  return { value, text: printResult(value, screen), ...(!isDone && { exit: 'refused' as const }) };
}

function requestOf(
  { account, region, fixes }: RequestedFixes,
  { reason, force }: Order,
  { arn: by }: Caller,
  now: Date,
): UndoRequest {
  return undoRequestSchema.parse({
    version: 1,
    kind: 'undo',
    account,
    region,
    at: now.toISOString(),
    by,
    reason,
    expiresAt: requestExpiry(now),
    fixes: fixes.map(({ fix }) => fix),
    force,
  });
}
