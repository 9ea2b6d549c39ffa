import { CloudWatchClient, DescribeAlarmsCommand } from '@aws-sdk/client-cloudwatch';
import { CloudWatchLogsClient, DescribeLogGroupsCommand } from '@aws-sdk/client-cloudwatch-logs';
import { EventBridgeClient, ListRulesCommand } from '@aws-sdk/client-eventbridge';
import { IAMClient, paginateListRoles } from '@aws-sdk/client-iam';
import { LambdaClient, ListEventSourceMappingsCommand, ListFunctionsCommand } from '@aws-sdk/client-lambda';
import { ListQueuesCommand, SQSClient } from '@aws-sdk/client-sqs';
import { DescribeParametersCommand, SSMClient } from '@aws-sdk/client-ssm';

const NAME = 'cspm-auto-remediation';

/** All resources of the product in one region of its account, and its roles for that region alone: names, sorted. */
export async function deployedInRegion(endpoint: string, account: string, region: string) {
  const settings = {
    endpoint,
    region,
    credentials: { accessKeyId: account, secretAccessKey: 'test' },
    useQueueUrlAsEndpoint: false,
  };
  const lambda = new LambdaClient(settings);
  const [queues, functions, mappings, parameters, logGroups, rules, alarms] = await Promise.all([
    new SQSClient(settings).send(new ListQueuesCommand({})),
    lambda.send(new ListFunctionsCommand({})),
    lambda.send(new ListEventSourceMappingsCommand({})),
    new SSMClient(settings).send(new DescribeParametersCommand({ MaxResults: 50 })),
    new CloudWatchLogsClient(settings).send(new DescribeLogGroupsCommand({})),
    new EventBridgeClient(settings).send(new ListRulesCommand({})),
    new CloudWatchClient(settings).send(
      new DescribeAlarmsCommand({ AlarmTypes: ['MetricAlarm', 'CompositeAlarm'] }),
    ),
  ]);
  const roles: (string | undefined)[] = [];
  for await (const { Roles = [] } of paginateListRoles({ client: new IAMClient(settings) }, {})) {
    roles.push(...Roles.flatMap(({ RoleName }) => (RoleName?.endsWith(region) === true ? RoleName : [])));
  }
  return {
    queues: ours(queues.QueueUrls?.map((url) => url.replace(/^.*\//, ''))),
    functions: ours(functions.Functions?.map(({ FunctionName }) => FunctionName)),
    eventSources: ours(mappings.EventSourceMappings?.map(({ EventSourceArn }) => EventSourceArn)),
    parameters: ours(parameters.Parameters?.map(({ Name }) => Name)),
    logGroups: ours(logGroups.logGroups?.map(({ logGroupName }) => logGroupName)),
    rules: ours(rules.Rules?.map(({ Name }) => Name)),
    alarms: ours(
      [...(alarms.MetricAlarms ?? []), ...(alarms.CompositeAlarms ?? [])].map(({ AlarmName }) => AlarmName),
    ),
    roles: ours(roles),
  };
}

function ours(names: readonly (string | undefined)[] = []): string[] {
  return names.flatMap((name) => (name?.includes(NAME) === true ? name : [])).sort();
}
