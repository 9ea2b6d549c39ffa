import { arnOf, type Calls, onNothing, requirement, text } from './requirement.ts';

/** Calls that only people make, with the command line. https://docs.aws.amazon.com/service-authorization/latest/reference/ */
export const operatorCalls: Calls = {
  // CloudWatch's requests are signed with its older name. A call without alarm names requires a permission for all alarms; one
  // for composite alarms requires a permission for everything (API reference, DescribeAlarms).
  'monitoring:DescribeAlarms': (call) => {
    const isCombined = JSON.stringify(call.parameters).includes('CompositeAlarm');
    const resource = isCombined ? '*' : arnOf(call, 'cloudwatch', 'alarm:*');
    return [requirement(call, 'cloudwatch:DescribeAlarms', resource)];
  },
  'lambda:GetAccountSettings': onNothing,
  'lambda:GetFunctionConfiguration': (call) => [
    requirement(
      call,
      'lambda:GetFunctionConfiguration',
      arnOf(call, 'lambda', `function:${text(call, 'FunctionName')}`),
    ),
  ],
  'lambda:Invoke': (call) => [
    requirement(
      call,
      'lambda:InvokeFunction',
      arnOf(call, 'lambda', `function:${text(call, 'FunctionName')}`),
    ),
  ],
  'scheduler:GetSchedule': (call) => [
    requirement(
      call,
      'scheduler:GetSchedule',
      arnOf(call, 'scheduler', `schedule/${text(call, 'groupName')}/${text(call, 'Name')}`),
    ),
  ],
  'sns:ListSubscriptionsByTopic': (call) => [
    requirement(call, 'sns:ListSubscriptionsByTopic', text(call, 'TopicArn')),
  ],
};
