import { z } from 'zod';
import { sdkTags, tagsOf } from './ec2-parameters.ts';
import type { Operation } from './operation.ts';
import { type AwsState, type FlowLog, withEntry } from './state.ts';

const describeSchema = z.looseObject({
  Filter: z.tuple([z.object({ Name: z.literal('resource-id'), Values: z.array(z.string()) })]),
});

/** https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeFlowLogs.html */
const describeFlowLogs: Operation = {
  isWrite: false,
  answer(input, state, { now }) {
    const [{ Values }] = describeSchema.parse(input).Filter;
    return {
      output: {
        FlowLogs: Values.flatMap((vpc) =>
          (state.vpcs[vpc]?.flowLogs ?? []).map((flowLog) => sdkFlowLog(vpc, flowLog, now)),
        ),
      },
    };
  },
};

function sdkFlowLog(ResourceId: string, flowLog: FlowLog, now: number): object {
  const { id, bucket, created, tags, failsAt = Number.POSITIVE_INFINITY } = flowLog;
  const [status, error] = now < failsAt ? [flowLog.status, flowLog.error] : ['FAILED', 'Access error'];
  return {
    FlowLogId: id,
    ResourceId,
    FlowLogStatus: 'ACTIVE',
    ...(bucket.startsWith('arn:')
      ? { LogDestinationType: 's3', LogDestination: bucket }
      : { LogDestinationType: 'cloud-watch-logs', LogGroupName: bucket }),
    CreationTime: new Date(created),
    Tags: sdkTags(tags),
    ...(status !== null && { DeliverLogsStatus: status }),
    ...(error !== undefined && { DeliverLogsErrorMessage: error }),
  };
}

/** A bucket for which flow logs can be created, but to which nothing can be delivered. */
const BROKEN = 'arn:aws:s3:::broken';
/** Traffic is aggregated for 10 minutes. https://docs.aws.amazon.com/vpc/latest/userguide/flow-log-records.html */
const FAILS_AFTER_MILLISECONDS = 12 * 60_000;

const createSchema = z.looseObject({
  ClientToken: z.string().optional(),
  ResourceType: z.literal('VPC'),
  ResourceIds: z.tuple([z.string()]),
  LogDestination: z.string().optional(),
  LogGroupName: z.string().optional(),
  TagSpecifications: z.tuple([
    z.looseObject({ Tags: z.array(z.object({ Key: z.string(), Value: z.string() })) }),
  ]),
});

const unsuccessful = (ResourceId: string, Code: string): object => ({
  FlowLogIds: [],
  Unsuccessful: [{ ResourceId, Error: { Code, Message: Code } }],
});

/**
 * Failures are part of an answer with status 200. A call that is repeated with its token creates nothing more. Until AWS has
 * delivered, or failed to, the status is `SUCCESS`.
 * https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateFlowLogs.html
 */
const createFlowLogs: Operation = {
  isWrite: true,
  answer(input, state, { newId, now }) {
    const {
      ResourceIds: [vpc],
      LogDestination,
      LogGroupName,
      ClientToken: token,
      TagSpecifications: [{ Tags }],
    } = createSchema.parse(input);
    const { [vpc]: found } = state.vpcs;
    if (found === undefined) return { output: unsuccessful(vpc, 'InvalidVpcId.NotFound') };
    const bucket = LogDestination ?? LogGroupName ?? '';
    const flowLogs = found.flowLogs ?? [];
    const sameCall = flowLogs.find((flowLog) => token !== undefined && flowLog.token === token);
    if (sameCall !== undefined) return { output: { FlowLogIds: [sameCall.id], Unsuccessful: [] } };
    if (flowLogs.some((flowLog) => flowLog.bucket === bucket)) {
      return { output: unsuccessful(vpc, 'FlowLogAlreadyExists') };
    }
    const made: FlowLog = {
      id: newId('fl'),
      bucket,
      status: 'SUCCESS',
      created: now,
      tags: tagsOf(Tags),
      ...(token !== undefined && { token }),
      ...(bucket === BROKEN && { failsAt: now + FAILS_AFTER_MILLISECONDS }),
    };
    return {
      output: { FlowLogIds: [made.id], Unsuccessful: [] },
      next: withFlowLogs(state, vpc, [...flowLogs, made]),
    };
  },
};

const deleteSchema = z.looseObject({ FlowLogIds: z.tuple([z.string()]) });

/** https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DeleteFlowLogs.html */
const deleteFlowLogs: Operation = {
  isWrite: true,
  answer(input, state) {
    const [id] = deleteSchema.parse(input).FlowLogIds;
    for (const [vpc, { flowLogs = [] }] of Object.entries(state.vpcs)) {
      const left = flowLogs.filter((flowLog) => flowLog.id !== id);
      if (left.length < flowLogs.length) {
        return { output: { Unsuccessful: [] }, next: withFlowLogs(state, vpc, left) };
      }
    }
    return { output: unsuccessful(id, 'InvalidFlowLogId.NotFound') };
  },
};

/** The state with other flow logs of an existing VPC. */
export function withFlowLogs(state: AwsState, vpc: string, flowLogs: readonly FlowLog[]): AwsState {
  const found = state.vpcs[vpc];
  if (found === undefined) throw new Error(`there is no VPC ${vpc}`);
  return { ...state, vpcs: withEntry(state.vpcs, vpc, { ...found, flowLogs }) };
}

export const flowLogOperations: Readonly<Record<string, Operation>> = {
  DescribeFlowLogs: describeFlowLogs,
  CreateFlowLogs: createFlowLogs,
  DeleteFlowLogs: deleteFlowLogs,
};
