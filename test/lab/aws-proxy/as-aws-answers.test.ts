import {
  CreateFlowLogsCommand,
  DeleteNetworkAclEntryCommand,
  DescribeFlowLogsCommand,
  DescribeNetworkAclsCommand,
  EC2Client,
  RevokeSecurityGroupIngressCommand,
} from '@aws-sdk/client-ec2';
import { expect, test } from 'vitest';
import { type Answer, ec2Error, scriptedAws, xmlAnswer } from '../scripted-aws/scripted-aws.ts';
import { errorOf, through } from './clients.ts';
import { startAwsProxy } from './index.ts';

async function answering(...answers: Answer[]) {
  const upstream = await scriptedAws(() => answers.shift() ?? 'cut');
  const proxy = await startAwsProxy({ upstream: () => upstream.endpoint });
  return {
    ec2: new EC2Client(through(proxy)),
    async [Symbol.asyncDispose]() {
      await proxy.stop();
      await upstream[Symbol.asyncDispose]();
    },
  };
}

const flowLog = (ClientToken: string, resource = 'vpc-1') =>
  new CreateFlowLogsCommand({
    ClientToken,
    ResourceIds: [resource],
    ResourceType: 'VPC',
    TrafficType: 'ALL',
  });
const created = (id: string) =>
  xmlAnswer(
    `<CreateFlowLogsResponse><flowLogIdSet><item>${id}</item></flowLogIdSet></CreateFlowLogsResponse>`,
  );

test("a missing entry of a network ACL has AWS's error code", async () => {
  await using aws = await answering({ status: 500, body: bodyOf(ec2Error('InternalError')) });

  const error = await errorOf(
    aws.ec2.send(new DeleteNetworkAclEntryCommand({ NetworkAclId: 'acl-1', RuleNumber: 7, Egress: false })),
  );

  expect(error.name).toBe('InvalidNetworkAclEntry.NotFound');
  expect(error.message).toBe('acl-1 has no entry with the number 7');
});

test("a missing network ACL has AWS's error code", async () => {
  await using aws = await answering(
    ec2Error('InvalidRouteTableID.NotFound', "The routeTable ID 'acl-1' does not exist"),
  );

  const error = await errorOf(aws.ec2.send(new DescribeNetworkAclsCommand({ NetworkAclIds: ['acl-1'] })));

  expect([error.name, error.message]).toEqual([
    'InvalidNetworkAclID.NotFound',
    "The network ACL ID 'acl-1' does not exist",
  ]);
});

test("a missing rule that is named by its id has AWS's error code", async () => {
  await using aws = await answering(
    ec2Error('InvalidPermission.NotFound'),
    ec2Error('InvalidPermission.NotFound'),
  );

  const byId = await errorOf(
    aws.ec2.send(new RevokeSecurityGroupIngressCommand({ GroupId: 'sg-1', SecurityGroupRuleIds: ['sgr-1'] })),
  );
  const byPermission = await errorOf(
    aws.ec2.send(
      new RevokeSecurityGroupIngressCommand({ GroupId: 'sg-1', CidrIp: '0.0.0.0/0', IpProtocol: 'tcp' }),
    ),
  );

  expect([byId.name, byPermission.name]).toEqual([
    'InvalidSecurityGroupRuleId.NotFound',
    'InvalidPermission.NotFound',
  ]);
});

test('a second flow log for the same resource is reported in the answer', async () => {
  await using aws = await answering(created('fl-1'), ec2Error('FlowLogAlreadyExists', 'there is one'));

  const first = await aws.ec2.send(flowLog('token-1'));
  const second = await aws.ec2.send(flowLog('token-2'));

  expect(first.FlowLogIds).toEqual(['fl-1']);
  expect(second.FlowLogIds).toEqual([]);
  expect(second.Unsuccessful).toEqual([
    { ResourceId: 'vpc-1', Error: { Code: 'FlowLogAlreadyExists', Message: 'there is one' } },
  ]);
});

test('a request for a flow log that is repeated with its client token returns the first one', async () => {
  await using aws = await answering(created('fl-1'), ec2Error('FlowLogAlreadyExists'));

  await aws.ec2.send(flowLog('token-1'));
  const again = await aws.ec2.send(flowLog('token-1'));

  expect(again.FlowLogIds).toEqual(['fl-1']);
});

test('flow logs have no creation time, so that their delivery status counts at once', async () => {
  await using aws = await answering(
    xmlAnswer(
      '<DescribeFlowLogsResponse><flowLogSet><item><flowLogId>fl-1</flowLogId><creationTime>2026-06-30T12:00:00Z</creationTime></item></flowLogSet></DescribeFlowLogsResponse>',
    ),
  );

  const { FlowLogs } = await aws.ec2.send(new DescribeFlowLogsCommand({}));

  expect(FlowLogs).toEqual([{ FlowLogId: 'fl-1' }]);
});

test('other errors are unchanged', async () => {
  await using aws = await answering(
    ec2Error('InvalidNetworkAclID.NotFound'),
    ec2Error('InvalidVpcID.NotFound'),
  );

  const acl = await errorOf(
    aws.ec2.send(new DeleteNetworkAclEntryCommand({ NetworkAclId: 'acl-1', RuleNumber: 7, Egress: false })),
  );
  const vpc = await errorOf(aws.ec2.send(flowLog('token-1')));

  expect([acl.name, vpc.name]).toEqual(['InvalidNetworkAclID.NotFound', 'InvalidVpcID.NotFound']);
});

function bodyOf(answer: Answer): string {
  return answer === 'cut' ? '' : answer.body;
}
