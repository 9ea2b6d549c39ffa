import { type AwsAnswer, bodyText, withBody } from './answer.ts';
import type { AwsCall } from './call.ts';
import { awsError, errorCode, escapeXml, requestId } from './error-answers.ts';

/** AWS's answer; undefined if the local AWS answers in the same way. */
type Correct = (call: AwsCall, answer: AwsAnswer) => AwsAnswer | undefined;

/** https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html */
const missingNetworkAclEntry: Correct = (call, answer) => {
  if (errorCode(call, answer) !== 'InternalError') return undefined;
  const { RuleNumber: rule, NetworkAclId: acl } = call.parameters;
  return awsError(call, 'InvalidNetworkAclEntry.NotFound', {
    message: `${acl} has no entry with the number ${rule}`,
  });
};

/** https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html */
const missingNetworkAcl: Correct = (call, answer) => {
  if (errorCode(call, answer) !== 'InvalidRouteTableID.NotFound') return undefined;
  const message = /<Message>([^<]*)</.exec(bodyText(answer))?.[1] ?? '';
  return awsError(call, 'InvalidNetworkAclID.NotFound', {
    message: message.replace(/route ?table/i, 'network ACL'),
  });
};

/** A rule that is named by its id. https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html */
const missingSecurityGroupRule: Correct = (call, answer) => {
  if (errorCode(call, answer) !== 'InvalidPermission.NotFound') return undefined;
  const { 'SecurityGroupRuleId.1': rule } = call.parameters;
  if (rule === undefined) return undefined;
  return awsError(call, 'InvalidSecurityGroupRuleId.NotFound', {
    message: 'a security group rule does not exist',
  });
};

/**
 * A flow log that cannot be created is reported in an answer with status 200, and a call that is repeated with its client
 * token gets the first one's answer. Only calls for one resource are corrected: for several, AWS creates those that it can.
 * https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateFlowLogs.html
 */
function secondFlowLog(): Correct {
  const answers = new Map<string, AwsAnswer>();
  return (call, answer) => {
    const { 'ResourceId.1': resource, 'ResourceId.2': another, ClientToken: token } = call.parameters;
    const remembered =
      typeof token === 'string' ? `${call.principal.account} ${call.region} ${token}` : undefined;
    if (remembered !== undefined && answer.status === 200) answers.set(remembered, answer);
    if (errorCode(call, answer) !== 'FlowLogAlreadyExists') return undefined;
    const first = remembered === undefined ? undefined : answers.get(remembered);
    if (first !== undefined) return first;
    if (typeof resource !== 'string' || another !== undefined) return undefined;
    const message = /<Message>([^<]*)</.exec(bodyText(answer))?.[1] ?? '';
    const item = `<item><error><code>FlowLogAlreadyExists</code><message>${message}</message></error><resourceId>${escapeXml(resource)}</resourceId></item>`;
    return withBody(
      { ...answer, status: 200 },
      `<CreateFlowLogsResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><requestId>${requestId(answer) ?? ''}</requestId><flowLogIdSet/><unsuccessful>${item}</unsuccessful></CreateFlowLogsResponse>`,
    );
  };
}

/**
 * The local AWS knows at once whether a flow log can deliver, AWS only minutes after its creation. So the creation time is
 * left out here, and nobody waits.
 * https://docs.aws.amazon.com/vpc/latest/userguide/flow-log-records.html ("Aggregation interval")
 */
const knownDelivery: Correct = (_, answer) =>
  withBody(answer, bodyText(answer).replaceAll(/<creationTime>[^<]*<\/creationTime>/g, ''));

/** Corrects answers of the local AWS that are known to differ from AWS's documentation. */
export function asAwsAnswers(): (call: AwsCall, answer: AwsAnswer) => AwsAnswer {
  const corrections: Readonly<Record<string, Correct>> = {
    DescribeNetworkAcls: missingNetworkAcl,
    DeleteNetworkAclEntry: missingNetworkAclEntry,
    ReplaceNetworkAclEntry: missingNetworkAclEntry,
    RevokeSecurityGroupIngress: missingSecurityGroupRule,
    RevokeSecurityGroupEgress: missingSecurityGroupRule,
    CreateFlowLogs: secondFlowLog(),
    DescribeFlowLogs: knownDelivery,
  };
  return (call, answer) =>
    (call.service === 'ec2' ? corrections[call.operation]?.(call, answer) : undefined) ?? answer;
}
