import { isAwsError } from '../../aws/errors.ts';
import { ec2Writes } from '../../aws/pace.ts';
import { ChangeRefusedError, StalePlanError } from '../../model/errors.ts';
import type { ChangeKind } from '../change.ts';
import { readFlowLogsOf } from './flow-logs.ts';
import { type FlowLogCreate, type FlowLogDelete, flowLogDeleteSchema } from './schemas.ts';

/** EC2's error code for a flow log that does not exist. */
const goneCode = 'InvalidFlowLogId.NotFound';

/** Deletes a flow log that we created. Its log group and the logs remain. */
export const changeKind: ChangeKind<FlowLogDelete> = {
  kind: 'flow-log-delete',
  schema: flowLogDeleteSchema,
  pace: ec2Writes,
  describe: (change) => `- flow log ${change.flowLogId} of ${change.resource}`,
  async apply(session, change, note) {
    const { DeleteFlowLogsCommand, EC2Client } = await import('../../aws/ec2.ts');
    const { flowLogId, resource } = change;
    const stale = new StalePlanError(
      `flow log ${flowLogId} of ${resource} is already gone: nothing was deleted`,
    );
    if (!(await readFlowLogsOf(session, resource)).some(({ id }) => id === flowLogId)) throw stale;
    try {
      const answer = await session
        .client(EC2Client)
        .send(new DeleteFlowLogsCommand({ FlowLogIds: [flowLogId] }));
      // The call returns status 200 even if it fails, and lists the failures.
      const failure = answer.Unsuccessful?.[0]?.Error;
      if (failure?.Code === goneCode) throw stale;
      if (failure !== undefined) {
        throw new ChangeRefusedError(
          `flow log ${flowLogId} was not deleted: ${failure.Code ?? 'no code'}: ${failure.Message ?? 'no message'}`,
        );
      }
    } catch (error) {
      throw isAwsError(error, goneCode) ? stale : error;
    }
    note(change);
    return change;
  },
  async isVisible(session, { resource, flowLogId }) {
    return !(await readFlowLogsOf(session, resource)).some(({ id }) => id === flowLogId);
  },
  async differs(session, { resource, flowLogId }) {
    const flowLogs = await readFlowLogsOf(session, resource);
    return flowLogs.some(({ id }) => id === flowLogId) ? `its flow log ${flowLogId} exists` : undefined;
  },
  inverse(applied): FlowLogCreate {
    const { kind: _, flowLogId: __, ...flowLog } = applied;
    return { ...flowLog, kind: 'flow-log-create', flowLogId: null };
  },
};
