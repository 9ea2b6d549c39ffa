import { z } from 'zod';
import { asError } from '../../../lambdas/aws/errors.ts';
import { AutomationError } from '../../../lambdas/model/errors.ts';
import { sourceSchema } from '../../../lambdas/model/job.ts';
import { type CheckRequest, checkRequestSchema, principalSchema } from '../../../lambdas/model/requests.ts';
import { callerOf } from '../../caller.ts';
import { CliError } from '../../errors.ts';
import { knownAccounts } from '../../findings/places.ts';
import { callCollector } from '../../polls/start.ts';
import { awaitAll, isComplete, requestExpiry, type Submitted, submitAll } from '../../undo/submit.ts';
import { attention, type Examine, ok, type Patient, unlessDenied } from './check.ts';
import type { Check } from './result.ts';

const sourcesSchema = z.object({
  sources: z.array(z.object({ source: z.string(), problem: z.string().optional() })),
});

/** Asks the collector to check whether each source accepts its token. */
export const token: Examine = async ({ context, opened: { deployment } }) => {
  const { name } = deployment;
  const all = sourceSchema.options.join(', ');
  return unlessDenied('token', all, `${name}-operator`, async () => {
    try {
      const { sources } = await callCollector(
        context.clients,
        deployment,
        { check: 'sources' },
        sourcesSchema,
      );
      return sources.map(({ source, problem }) =>
        problem === undefined
          ? ok('token', source, 'the tenant accepts it')
          : attention('token', source, problem, 'docs/operations.md, "Rotate the token"'),
      );
    } catch (error) {
      if (!(error instanceof CliError)) throw error;
      return [attention('token', all, error.message, 'see the log of the collector')];
    }
  });
};

/** Asks the remediators to check the role in each account. */
export const roles: Examine = async (patient) => {
  const { opened } = patient;
  const { name } = opened.deployment;
  return unlessDenied('role', 'all accounts', `${name}-operator`, async () => {
    const accounts = patient.account === undefined ? await knownAccounts(opened) : [patient.account];
    if (accounts.length === 0) return [ok('role', 'all accounts', 'no account is known yet')];
    return checkRoles(patient, accounts);
  });
};

async function checkRoles(patient: Patient, accounts: readonly string[]): Promise<Check[]> {
  const { arn: by, userId } = await callerOf(patient.context.clients, patient.opened.deployment.home_region);
  const caller = { by, principal: principalSchema.parse(userId) };
  const checked = patient.regions.map((region) => checkRolesIn(patient, region, accounts, caller));
  return (await Promise.all(checked)).flat();
}

async function checkRolesIn(
  { context, opened, timeout }: Patient,
  region: string,
  accounts: readonly string[],
  { by, principal }: { readonly by: string; readonly principal: string },
): Promise<Check[]> {
  const now = context.now();
  const requests = accounts.map((account) =>
    checkRequestSchema.parse({
      version: 1,
      kind: 'check',
      account,
      region,
      at: now.toISOString(),
      by,
      reason: 'doctor',
      expiresAt: requestExpiry(now),
    }),
  );
  try {
    const submitted = await submitAll(context, opened, requests, principal);
    const first = submitted[0];
    // A caller who may not submit requests, or cannot reach the table, gets one error instead of one per account.
    if (first?.is === 'not submitted') throw first.error;
    const over = await awaitAll(opened, submitted, { until: Date.now() + timeout, say: () => undefined });
    if (over.error !== undefined) throw over.error;
    return over.requests.map(checkOf);
  } catch (error) {
    if (!(error instanceof AutomationError)) throw error;
    return [{ check: 'role', place: region, is: 'unknown', says: `not checked: ${error.message}` }];
  }
}

function checkOf({ request: { account, region }, is, error, result }: Submitted<CheckRequest>): Check {
  const place = `${account} ${region}`;
  if (is === 'not submitted' || is === 'perhaps submitted' || is === 'not woken') {
    const says = `not checked: ${asError(error).message}`;
    return { check: 'role', place, is: 'unknown', says };
  }
  if (!isComplete(result)) {
    return attention(
      'role',
      place,
      'the remediator did not answer in time',
      `see its log in ${region}; jobs of the account may be queued before the check`,
    );
  }
  if (result.reason === undefined) return ok('role', place, 'it can be assumed');
  return attention(
    'role',
    place,
    result.reason,
    'deploy modules/target in that account, or add it to excluded_accounts',
  );
}
