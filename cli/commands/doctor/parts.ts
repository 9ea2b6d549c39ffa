import { isAwsError } from '../../../lambdas/aws/errors.ts';
import { SettingsError } from '../../../lambdas/model/errors.ts';
import { MODULE_VERSION } from '../../../lambdas/model/module-version.ts';
import { unknownGroups } from '../../../lambdas/model/settings.ts';
import {
  GetAccountSettingsCommand,
  GetFunctionConfigurationCommand,
  LambdaClient,
} from '../../aws/lambda.ts';
import { ListSubscriptionsByTopicCommand, SNSClient } from '../../aws/sns.ts';
import { pauseIn } from '../../deployed/pauses.ts';
import { depthOf } from '../../deployed/queues.ts';
import { readSchedule } from '../../deployed/schedule.ts';
import { amount } from '../../fold.ts';
import { attention, type Examine, ok, type Patient, unlessDenied } from './check.ts';
import type { Check } from './result.ts';

/**
 * Concurrent invocations that a region needs by default: 5 for jobs, 2 for delayed jobs, and 3 for polls. This is the quota of a
 * new account.
 */
const LEAST_CONCURRENCY = 10;

const APPLY = 'run terraform apply again';

export const versions: Examine = async ({ opened: { deployment } }) => {
  const { module, name } = deployment;
  if (module === MODULE_VERSION) return [ok('version', name, `module and command line are ${module}`)];
  const says = `the module is ${module}, and this command line ${MODULE_VERSION}`;
  return [attention('version', name, says, 'use the cspm-remediation.cjs that came with the module')];
};

export const functions: Examine = async (patient) => {
  const { deployment } = patient.opened;
  const { collector, remediator } = deployment.functions;
  const all = [
    { region: deployment.home_region, name: collector, code: deployment.code.collector },
    ...patient.regions.map((region) => ({ region, name: remediator, code: deployment.code.remediator })),
  ];
  const checks = all.map(({ region, name, code }) =>
    unlessDenied('function', `${name} ${region}`, `${deployment.name}-viewer`, () =>
      functionIn(patient, region, name, code),
    ),
  );
  return (await Promise.all(checks)).flat();
};

async function functionIn(
  { context }: Patient,
  region: string,
  FunctionName: string,
  code: string,
): Promise<Check[]> {
  const place = `${FunctionName} ${region}`;
  try {
    const { State, CodeSha256, LastUpdateStatus } = await context.clients
      .client(LambdaClient, region)
      .send(new GetFunctionConfigurationCommand({ FunctionName }));
    if (State !== undefined && !['Active', 'Inactive'].includes(State)) {
      return [
        attention(
          'function',
          place,
          `its state is ${State}`,
          'see the Lambda console for the reason, then apply again',
        ),
      ];
    }
    if (LastUpdateStatus === 'Failed') return [attention('function', place, 'its last update failed', APPLY)];
    if (CodeSha256 === code) return [ok('function', place, 'it has the code of the module')];
    return [attention('function', place, 'its code is not that of the deployed module', APPLY)];
  } catch (error) {
    if (!isAwsError(error, 'ResourceNotFoundException')) throw error;
    return [attention('function', place, 'it is missing', APPLY)];
  }
}

export const queues: Examine = async ({ context, opened: { deployment }, regions }) => {
  const { jobs, jobs_dead_letters, jobs_delayed, jobs_delayed_dead_letters, polls_dead_letters } =
    deployment.queues;
  const all = [
    ...regions.flatMap((region) =>
      [jobs, jobs_delayed, jobs_dead_letters, jobs_delayed_dead_letters].map((queue) => ({ region, queue })),
    ),
    { region: deployment.home_region, queue: polls_dead_letters },
  ];
  const checks = all.map(({ region, queue }) =>
    unlessDenied('queue', `${queue} ${region}`, `${deployment.name}-viewer`, async () => {
      const depth = await depthOf(context.clients, region, queue);
      const place = `${queue} ${region}`;
      if (depth === undefined)
        return [attention('queue', place, 'it is missing', `apply the per-region module in ${region}`)];
      const number = depth.waiting + depth.working;
      if (number === 0 || !queue.includes('dead-letters'))
        return [ok('queue', place, amount(number, 'message'))];
      return [
        attention(
          'queue',
          place,
          amount(number, 'dead letter'),
          'fix what the log names, then: cspm-remediation redrive',
        ),
      ];
    }),
  );
  return (await Promise.all(checks)).flat();
};

export const pauses: Examine = async ({ context, opened: { deployment }, regions }) => {
  const checks = regions.map((region) =>
    unlessDenied('pause', region, `${deployment.name}-viewer`, async () => {
      const pause = await pauseIn(context.clients, deployment, region);
      if (pause === undefined)
        return [attention('pause', region, 'its parameter is missing, so nothing is changed', APPLY)];
      return [ok('pause', region, pause)];
    }),
  );
  return (await Promise.all(checks)).flat();
};

export const settings: Examine = async ({ opened: { deployment, settings: deployed } }) => {
  const checks = deployment.rules.map((rule) =>
    unlessDenied('settings', rule, `${deployment.name}-viewer`, async () => {
      try {
        const own = await deployed.of(rule);
        const unknown = unknownGroups(own, own.allRules);
        if (unknown.length === 0)
          return [ok('settings', rule, `mode ${own.mode}, version ${own.versions.rule}`)];
        return [
          attention('settings', rule, `they name unknown account groups: ${unknown.join(', ')}`, APPLY),
        ];
      } catch (error) {
        if (!(error instanceof SettingsError)) throw error;
        return [attention('settings', rule, error.message, APPLY)];
      }
    }),
  );
  return (await Promise.all(checks)).flat();
};

export const schedules: Examine = async ({ context, opened: { deployment } }) => {
  const { rules, name } = deployment;
  const checks = [...rules, 'check-polls'].map((each) =>
    unlessDenied('schedule', each, `${name}-viewer`, async () => {
      const schedule = await readSchedule(context.clients, deployment, each);
      if (schedule === undefined) return [attention('schedule', each, 'it is missing', APPLY)];
      if (schedule.State === 'DISABLED') return [attention('schedule', each, 'it is disabled', APPLY)];
      return [ok('schedule', each, schedule.ScheduleExpression ?? '')];
    }),
  );
  return (await Promise.all(checks)).flat();
};

export const subscriptions: Examine = async ({ context, opened: { deployment } }) => {
  const { topic: TopicArn, home_region, name } = deployment;
  if (TopicArn === undefined) return [ok('notifications', name, 'they are off')];
  return unlessDenied('notifications', TopicArn, `${name}-viewer`, async () => {
    const { Subscriptions = [] } = await context.clients
      .client(SNSClient, home_region)
      .send(new ListSubscriptionsByTopicCommand({ TopicArn }));
    if (Subscriptions.length === 0) {
      return [
        attention(
          'notifications',
          TopicArn,
          'nobody is subscribed',
          'set notifications.email_addresses, or subscribe to the topic',
        ),
      ];
    }
    return Subscriptions.map(({ Endpoint = '', SubscriptionArn }) =>
      SubscriptionArn === 'PendingConfirmation'
        ? attention('notifications', Endpoint, 'it is not confirmed', 'follow the link in the email from AWS')
        : ok('notifications', Endpoint, 'confirmed'),
    );
  });
};

export const concurrency: Examine = async ({ context, opened: { deployment }, regions }) => {
  const checks = regions.map((region) =>
    unlessDenied('concurrency', region, `${deployment.name}-viewer`, async () => {
      const { AccountLimit } = await context.clients
        .client(LambdaClient, region)
        .send(new GetAccountSettingsCommand({}));
      const number = AccountLimit?.UnreservedConcurrentExecutions ?? AccountLimit?.ConcurrentExecutions;
      if (number === undefined || number >= LEAST_CONCURRENCY) {
        return [ok('concurrency', region, `${number ?? 'unknown'} concurrent invocations`)];
      }
      return [
        attention(
          'concurrency',
          region,
          `Lambda runs at most ${number} concurrent invocations for the whole account`,
          'request a higher quota (Lambda, concurrent executions), or lower remediator.maximum_concurrency',
        ),
      ];
    }),
  );
  return (await Promise.all(checks)).flat();
};
