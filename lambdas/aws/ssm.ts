export {
  GetAutomationExecutionCommand,
  GetParameterCommand,
  paginateDescribeAutomationExecutions,
  SSMClient,
  StartAutomationExecutionCommand,
} from '@aws-sdk/client-ssm';
