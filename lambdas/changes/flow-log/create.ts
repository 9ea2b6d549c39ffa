import { isAwsError } from '../../aws/errors.ts';
import { ec2Writes } from '../../aws/pace.ts';
import type { AwsSession } from '../../aws/session.ts';
import { ChangeRefusedError, StalePlanError } from '../../model/errors.ts';
import type { Change, ChangeKind, Effect, Made } from '../change.ts';
import { ofForm, olderThanOurs } from '../ours.ts';
import { refusal } from '../refusal.ts';
import {
  checkUnlogged,
  isDeliveryOpen,
  MINUTES_UNTIL_DELIVERY_IS_KNOWN,
  readFlowLogs,
  readFlowLogsOf,
  type VpcFlowLog,
} from './flow-logs.ts';
import { isMadeBy, isOurs, marksOf } from './made-by-us.ts';
import {
  type FlowLogCreate,
  type FlowLogDelete,
  flowLogCreateSchema,
  flowLogDeleteSchema,
} from './schemas.ts';
import { checkMayBeLogged } from './vpcs.ts';

const gone = ['InvalidVpcID.NotFound', 'InvalidVpcId.NotFound'];

function destinationOf({ destination }: FlowLogCreate): string {
  return destination.type === 's3' ? destination.arn : `log group ${destination.logGroup}`;
}

const nameOf = ({ destination }: FlowLogCreate): string =>
  destination.type === 's3' ? destination.arn : destination.logGroup;

/** Checks whether a read shows all flow logs that we created and have not deleted since. */
function showsOurs(flowLogs: readonly VpcFlowLog[], ours: readonly Change[]): boolean {
  const made = new Set(ofForm(flowLogCreateSchema, ours).map(({ flowLogId }) => flowLogId));
  for (const { flowLogId } of ofForm(flowLogDeleteSchema, ours)) made.delete(flowLogId);
  return [...made].every((made) => made === null || flowLogs.some(({ id }) => id === made));
}

/**
 * Checks the VPC and its flow logs immediately before the write.
 * @throws StalePlanError if the VPC is gone or has an exemption tag, if someone else's flow log now logs its traffic,
 *   or if the read is stale
 * @throws ChangeRefusedError if a flow log with the same destination exists and delivers nothing, because AWS does not
 *   accept a second one
 */
async function look(session: AwsSession, change: FlowLogCreate, ours: readonly Change[]): Promise<void> {
  const { resource } = change;
  const [flowLogs] = await Promise.all([
    readFlowLogsOf(session, resource),
    checkMayBeLogged(session, resource),
  ]);
  if (!showsOurs(flowLogs, ours)) throw olderThanOurs(`flow logs of VPC ${resource}`);
  checkUnlogged(resource, flowLogs);
  const failing = flowLogs.find(({ destination }) => destination === nameOf(change));
  if (failing === undefined) return;
  throw new ChangeRefusedError(
    `flow log ${failing.id} of VPC ${resource} to ${destinationOf(change)} exists but delivers nothing (AWS: ${failing.failure ?? 'not active'}), and AWS does not allow a second one: fix its permissions, or delete it`,
  );
}

interface Failure {
  readonly Code?: string | undefined;
  readonly Message?: string | undefined;
}

/** Creates the error for a failure that is part of an answer with status 200. */
function errorOf({ Code = 'no code', Message = 'no message' }: Failure, vpc: string): Error {
  const reason = `${Code}: ${Message}`;
  if (gone.includes(Code)) return new StalePlanError(`${vpc} is gone: nothing was changed (${reason})`);
  if (Code === 'FlowLogAlreadyExists') {
    return new StalePlanError(
      `someone else has created the same flow log for ${vpc} in the meantime (${reason})`,
    );
  }
  // terraform-provider-aws#29323
  const advice = Message.includes('Unable to assume given IAM role')
    ? '. A role that was created minutes ago may not be available everywhere yet: the next poll attempts it again. If this persists, check that the role exists and trusts vpc-flow-logs.amazonaws.com'
    : '';
  return new ChangeRefusedError(`AWS created no flow log for ${vpc}: ${reason}${advice}`);
}

async function create(session: AwsSession, change: FlowLogCreate): Promise<string> {
  const { CreateFlowLogsCommand, EC2Client } = await import('../../aws/ec2.ts');
  const { destination } = change;
  const { FlowLogIds, Unsuccessful } = await session.client(EC2Client).send(
    new CreateFlowLogsCommand({
      ResourceType: 'VPC',
      ResourceIds: [change.resource],
      TrafficType: change.trafficType,
      MaxAggregationInterval: change.maxAggregationInterval,
      TagSpecifications: [
        {
          ResourceType: 'vpc-flow-log',
          Tags: Object.entries(marksOf(session)).map(([Key, Value]) => ({ Key, Value })),
        },
      ],
      ...(destination.type === 's3'
        ? { LogDestinationType: 's3', LogDestination: destination.arn }
        : {
            LogDestinationType: 'cloud-watch-logs',
            LogGroupName: destination.logGroup,
            DeliverLogsPermissionArn: destination.deliveryRoleArn,
          }),
    }),
  );
  // The call returns status 200 even if it fails, and lists the failures.
  // https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateFlowLogs.html
  const vpc = `VPC ${change.resource}`;
  const failure = Unsuccessful?.[0]?.Error;
  if (failure !== undefined) throw errorOf(failure, vpc);
  const [flowLogId] = FlowLogIds ?? [];
  if (flowLogId !== undefined) return flowLogId;
  throw new ChangeRefusedError(`AWS created no flow log for ${vpc} and returned no error`);
}

/**
 * Finds the flow log that our change created: by its id or, if the call was not answered, by our job's tag, unless a
 * record of the change already contains that flow log.
 * @param flowLogs the flow logs of the change's VPC
 */
function findOurs(
  session: AwsSession,
  flowLogs: readonly VpcFlowLog[],
  change: FlowLogCreate,
  known: readonly FlowLogCreate[] = [],
): VpcFlowLog | undefined {
  const { flowLogId } = change;
  if (flowLogId !== null) return flowLogs.find(({ id }) => id === flowLogId);
  return flowLogs.find(
    (flowLog) =>
      flowLog.destination === nameOf(change) &&
      isMadeBy(session, flowLog.tags) &&
      !known.some(({ flowLogId: id }) => id === flowLog.id),
  );
}

/** Determines whether AWS does not deliver the logs of a flow log that we created, or does not report this yet. */
function delivery(
  session: AwsSession,
  flowLogs: readonly VpcFlowLog[],
  { change, madeAt }: Made<FlowLogCreate>,
): Effect | undefined {
  const flowLog = findOurs(session, flowLogs, change);
  const id = flowLog?.id ?? change.flowLogId;
  const name = `flow log ${id === null ? '' : `${id} `}of VPC ${change.resource} to ${destinationOf(change)}`;
  if (flowLog?.failure !== undefined) {
    const words = `${name} was created, but delivers nothing (AWS: ${flowLog.failure}): fix its permissions, or delete it`;
    return { state: 'missing', words };
  }
  const since = flowLog === undefined ? madeAt : flowLog.created;
  if (since === undefined || !isDeliveryOpen(since, session.now())) return undefined;
  const words = `AWS may take ${MINUTES_UNTIL_DELIVERY_IS_KNOWN} minutes to report whether ${name} can deliver`;
  return { state: 'pending', words };
}

/** Creates a flow log for a VPC. */
export const changeKind: ChangeKind<FlowLogCreate> = {
  kind: 'flow-log-create',
  endsLater: true,
  schema: flowLogCreateSchema,
  pace: ec2Writes,
  looksAtAll: () => true,
  describe(change) {
    return `+ flow log of ${change.resource}, ${change.trafficType} traffic every ${change.maxAggregationInterval} s, to ${destinationOf(change)}`;
  },
  async apply(session, change, note, { ours }) {
    await look(session, change, ours);
    try {
      const made = { ...change, flowLogId: await create(session, change) };
      note(made);
      return made;
    } catch (error) {
      const vpc = `VPC ${change.resource}`;
      if (isAwsError(error, 'FlowLogAlreadyExists'))
        throw errorOf({ Code: error.name, Message: error.message }, vpc);
      throw refusal(error, vpc, { stale: gone });
    }
  },
  /**
   * Checks whether reads show the change. EC2's reads may lag behind its writes.
   * https://docs.aws.amazon.com/ec2/latest/devguide/eventual-consistency.html
   */
  async isVisible(session, { resource, flowLogId }) {
    return (await readFlowLogsOf(session, resource)).some(({ id }) => id === flowLogId);
  },
  /** Reads the flow logs of all changes in one call. */
  async effects(session, made) {
    const flowLogs = await readFlowLogs(session, [...new Set(made.map(({ change }) => change.resource))]);
    return made.map((each) => delivery(session, flowLogs.get(each.change.resource) ?? [], each));
  },
  findsByMark: true,
  async find(session, planned, _since, known) {
    const flowLogs = await readFlowLogsOf(session, planned.resource);
    const ours = findOurs(session, flowLogs, { ...planned, flowLogId: null }, known);
    if (ours !== undefined) return { ...planned, flowLogId: ours.id };
    const isOfAnotherJob = flowLogs.some(
      (flowLog) =>
        flowLog.destination === nameOf(planned) && isOurs(flowLog.tags) && !isMadeBy(session, flowLog.tags),
    );
    // AWS does not accept a second flow log with the same destination.
    return isOfAnotherJob ? 'none' : undefined;
  },
  async differs(session, { resource, flowLogId }) {
    const flowLogs = await readFlowLogsOf(session, resource);
    return flowLogs.some(({ id }) => id === flowLogId) ? undefined : `its flow log ${flowLogId} is gone`;
  },
  inverse(applied): FlowLogDelete | undefined {
    const { flowLogId, kind: _, ...flowLog } = applied;
    return flowLogId === null ? undefined : { ...flowLog, kind: 'flow-log-delete', flowLogId };
  },
};
