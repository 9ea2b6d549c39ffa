import pLimit from 'p-limit';
import { z } from 'zod';
import { ALL, regionOfHold } from '../../../lambdas/model/operator-items.ts';
import { principalSchema, type UndoRequest, undoRequestSchema } from '../../../lambdas/model/requests.ts';
import { type Caller, callerOf } from '../../caller.ts';
import { type CommandResult, type Given, parseGiven } from '../../command.ts';
import type { Context } from '../../context.ts';
import { holdText } from '../../deployed/holds.ts';
import { type Opened, open } from '../../deployed/index.ts';
import { putHold } from '../../deployed/put-hold.ts';
import { CliError } from '../../errors.ts';
import { reasonSchema } from '../../given.ts';
import { durationSchema } from '../../time.ts';
import type { UndoableFix } from '../../undo/fixes.ts';
import { type RequestedFixes, requestsOf } from '../../undo/requests.ts';
import { awaitAll, requestExpiry, type Submitted, submitAll } from '../../undo/submit.ts';
import { chooseFixes, chosenSchema, expectOneWay } from './choose.ts';
import { planOf, printResult } from './print.ts';
import type { Undone } from './result.ts';

export { undoSchema as result } from './result.ts';

const HOLDS_AT_ONCE = 16;

const orderSchema = z.object({
  force: z.boolean().default(false),
  reason: reasonSchema,
  until: z.iso.date('expected the last day, such as 2027-06-30').optional(),
  timeout: durationSchema,
  yes: z.boolean().default(false),
});
type Order = z.infer<typeof orderSchema>;

/** Undoes fixes. */
export async function run(context: Context, given: Given): Promise<CommandResult> {
  const chosen = parseGiven(chosenSchema(context.now()), given);
  const order = parseGiven(orderSchema, given);
  expectOneWay(chosen);
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
  const held = await holdAll(opened, fixes, order, caller);
  const submitted = await submitAll(
    context,
    opened,
    requests.map((each) => requestOf(each, order, caller, context.now())),
    principal,
  );
  const over = await screen.progress('waiting for the remediators', (say) =>
    awaitAll(opened, submitted, {
      until: Date.now() + order.timeout,
      say: (done, of) => say(`waiting for the remediators: ${done} of ${of} requests are complete`),
    }),
  );
  const value = resultOf(requests, over, held);
  const isDone = value.fixes.every(({ is }) => is === 'undone');
  return { value, text: printResult(value, screen), ...(!isDone && { exit: 'refused' as const }) };
}

/** Holds the restored resources, so that no poll fixes them again. */
async function holdAll(
  { table }: Opened,
  fixes: readonly UndoableFix[],
  { reason, until }: Order,
  { arn: by }: Caller,
): Promise<string[]> {
  const names = fixes.flatMap(({ account, fix: { region }, resources }) =>
    resources.map((resource) => ({
      account,
      region: regionOfHold({ region, resource }),
      resource,
      rule: ALL,
    })),
  );
  const unique = [...new Map(names.map((name) => [holdText(name), name])).values()];
  const hold = { by, reason: `undone: ${reason}`, ...(until !== undefined && { until }) };
  await pLimit(HOLDS_AT_ONCE).map(unique, (name) => putHold(table, name, hold));
  return unique.map(({ account, region, resource }) => `${account} ${region} ${resource}`);
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

/** Results of each fix, in the order of the requests. */
function resultOf(
  requests: readonly RequestedFixes[],
  submitted: readonly Submitted<UndoRequest>[],
  held: string[],
): Undone {
  return {
    requests: submitted.map(({ name, request: { account, region } }) => ({ ...name, account, region })),
    held,
    fixes: requests.flatMap(({ account, fixes }, index) => {
      const result = submitted[index]?.result;
      return fixes.map(({ fix, steps, outcome }) => {
        const { rule, region, resource, evidence: undoes } = fix;
        const own = result?.results.find(
          (each) =>
            each.undoes === undoes &&
            each.rule === rule &&
            each.region === region &&
            each.resource === resource,
        );
        const refused =
          result?.state === 'refused' ? { is: 'undo_refused' as const, reason: result.reason } : undefined;
        return {
          rule,
          account,
          region,
          resource,
          fixed_at: outcome.finishedAt,
          undoes,
          changes: steps.flatMap(({ inverse }) => inverse?.line ?? []),
          not_given_back: steps.flatMap(({ leaves }) => leaves ?? []),
          is: own?.is ?? refused?.is ?? 'not begun',
          reason: own?.reason ?? refused?.reason,
          evidence: own?.evidence,
        };
      });
    }),
  };
}
