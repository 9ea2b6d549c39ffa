import { z } from 'zod';
import type { Deployment } from '../../lambdas/model/deployment.ts';
import { formatIssues } from '../../lambdas/model/issues.ts';
import { type Poll, pollSchema } from '../../lambdas/model/job.ts';
import { jsonText } from '../../lambdas/model/json.ts';
import type { Clients } from '../aws/clients.ts';
import { InvokeCommand, LambdaClient } from '../aws/lambda.ts';
import { readSchedule } from '../deployed/schedule.ts';
import { CliError } from '../errors.ts';

/** The maximum duration of a function, and one minute. */
const PATIENCE = 16 * 60_000;

const inputSchema = z.record(z.string(), z.unknown());
const namesSchema = z.object({ netskope_rule_names: z.array(z.string()) });
const errorSchema = z.object({ errorMessage: z.string() });
const startedSchema = z.object({ poll: pollSchema });

/**
 * Calls the collector, and waits for its answer.
 * @throws CliError `refused` with its error message if it fails, or if the answer has another form than the schema
 */
export async function callCollector<T>(
  clients: Clients,
  deployment: Deployment,
  event: object,
  schema: z.ZodType<T>,
): Promise<T> {
  const { home_region, functions } = deployment;
  const { FunctionError, Payload } = await clients
    .client(LambdaClient, home_region, PATIENCE)
    .send(new InvokeCommand({ FunctionName: functions.collector, Payload: JSON.stringify(event) }));
  const text = Buffer.from(Payload ?? []).toString() || '{}';
  if (FunctionError !== undefined) {
    const words = jsonText(errorSchema).safeParse(text).data?.errorMessage ?? FunctionError;
    throw new CliError('refused', `${functions.collector}: ${words}`);
  }
  const answer = jsonText(schema).safeParse(text);
  if (answer.success) return answer.data;
  throw new CliError(
    'refused',
    `this version of cspm-remediation cannot read the answer of ${functions.collector} (${formatIssues(answer.error)}): use the version that came with the deployed module, or run terraform apply again`,
    { cause: answer.error },
  );
}

/** The purpose of a poll. */
export interface Purpose {
  /** True for a poll that only plans. */
  readonly onlyPlans: boolean;
}

/**
 * Starts a poll of a rule for the current time, with the input of the rule's schedule, and waits until its jobs are sent.
 * @throws CliError `notFound` if the rule is not polled, `refused` if the poll fails
 */
export async function startPoll(
  clients: Clients,
  deployment: Deployment,
  rule: string,
  { onlyPlans }: Purpose,
): Promise<Poll> {
  const input = await scheduledInput(clients, deployment, rule);
  if (input === undefined) {
    throw new CliError(
      'notFound',
      `${rule} is not polled: it is off for every account, or not among the rules`,
    );
  }
  const event = { ...input, scheduled_time: 'now', ...(onlyPlans && { at_most: 'dry_run' }) };
  return (await callCollector(clients, deployment, event, startedSchema)).poll;
}

/** The rule's Netskope names that its schedule adds to those that the collector knows; none if it has no schedule. */
export async function polledNames(
  clients: Clients,
  deployment: Deployment,
  rule: string,
): Promise<readonly string[]> {
  const input = await scheduledInput(clients, deployment, rule);
  return input === undefined ? [] : namesSchema.parse(input).netskope_rule_names;
}

/** The event that a rule's schedule sends; undefined if it has no schedule. */
async function scheduledInput(
  clients: Clients,
  deployment: Deployment,
  rule: string,
): Promise<z.infer<typeof inputSchema> | undefined> {
  const schedule = await readSchedule(clients, deployment, rule);
  return schedule && inputSchema.parse(JSON.parse(schedule.Target?.Input ?? '{}'));
}
