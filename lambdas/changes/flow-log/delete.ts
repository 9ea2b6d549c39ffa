import { z } from 'zod';
import { isAwsError } from '../../aws/errors.ts';
import { ChangeRefusedError } from '../../model/errors.ts';
import type { ChangeKind } from '../change.ts';
import { type FlowLogCreate, flowLogSchema } from './create.ts';

const schema = flowLogSchema.extend({ kind: z.literal('flow-log-delete'), flowLogId: z.string() });
export type FlowLogDelete = z.infer<typeof schema>;

/** The code by which EC2 says that a flow log is not there. */
const goneCode = 'InvalidFlowLogId.NotFound';

/** Deletes a flow log that we made. Its log group, and what was logged, stay. */
export const changeKind: ChangeKind<FlowLogDelete> = {
  kind: 'flow-log-delete',
  schema,
  describe: (change) => `- flow log ${change.flowLogId} of ${change.resource}`,
  async apply(session, change) {
    const { DeleteFlowLogsCommand, EC2Client } = await import('../../aws/ec2.ts');
    try {
      const answer = await session
        .client(EC2Client)
        .send(new DeleteFlowLogsCommand({ FlowLogIds: [change.flowLogId] }));
      // The call answers 200 with its failures inside.
      const failure = answer.Unsuccessful?.[0]?.Error;
      if (failure !== undefined && failure.Code !== goneCode) {
        throw new ChangeRefusedError(
          `flow log ${change.flowLogId} was not deleted: ${failure.Code ?? 'no code'}: ${failure.Message ?? 'no message'}`,
        );
      }
    } catch (error) {
      if (!isAwsError(error, goneCode)) throw error;
    }
    return change;
  },
  inverse(applied): FlowLogCreate {
    const { kind: _, flowLogId: __, ...flowLog } = applied;
    return { ...flowLog, kind: 'flow-log-create', flowLogId: null };
  },
};
