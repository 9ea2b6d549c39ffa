import { arnOf, type Calls, onNothing, requirement, text } from './requirement.ts';

/** Calls that only people make, by the command line. https://docs.aws.amazon.com/service-authorization/latest/reference/ */
export const operatorCalls: Calls = {
  // CloudWatch signs by its older name. Where it names no alarm, the call asks for all.
  'monitoring:DescribeAlarms': (call) => [
    requirement(call, 'cloudwatch:DescribeAlarms', arnOf(call, 'cloudwatch', 'alarm:*')),
  ],
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
