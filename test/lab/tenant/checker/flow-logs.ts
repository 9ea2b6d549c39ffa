import { EC2Client, paginateDescribeFlowLogs, paginateDescribeVpcs } from '@aws-sdk/client-ec2';
import { type Check, given, nameOf, tenantTags, type Verdict } from './verdict.ts';

export const flowLogs: Check = {
  reads: 'VPCs and their flow logs',
  rules: ['CIS-1-2-0-2-9'],
  async run(place) {
    const client = new EC2Client(place.settings());
    const logged = new Set<string>();
    for await (const page of paginateDescribeFlowLogs({ client }, {})) {
      for (const { ResourceId, FlowLogStatus } of page.FlowLogs ?? []) {
        if (FlowLogStatus === 'ACTIVE') logged.add(given(ResourceId, 'ResourceId'));
      }
    }
    const verdicts: Verdict[] = [];
    for await (const page of paginateDescribeVpcs({ client }, {})) {
      for (const vpc of page.Vpcs ?? []) {
        const resource = given(vpc.VpcId, 'VpcId');
        verdicts.push({
          rule: 'CIS-1-2-0-2-9',
          resource,
          name: nameOf(resource, vpc.Tags),
          region: place.region,
          violated: !logged.has(resource),
          tags: tenantTags(vpc.Tags),
        });
      }
    }
    return verdicts;
  },
};
