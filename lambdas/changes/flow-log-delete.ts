import { z } from 'zod';
import { ChangeRefusedError } from '../shared/errors.ts';
import type { ChangeKind } from './change.ts';
import { type FlowLogCreate, flowLogSchema } from './flow-log-create.ts';

const schema = flowLogSchema.extend({ kind: z.literal('flow-log-delete'), flowLogId: z.string() });
export type FlowLogDelete = z.infer<typeof schema>;

/** Deletes a flow log that we made. Its log group, and what was logged, stay. */
export const changeKind: ChangeKind<FlowLogDelete> = {
  kind: 'flow-log-delete',
  schema,
  describe: (change) => `- flow log ${change.flowLogId} of ${change.resource}`,
  async apply(session, change) {
    const { DeleteFlowLogsCommand, EC2Client } = await import('../aws/ec2.ts');
    const answer = await session
      .client(EC2Client)
      .send(new DeleteFlowLogsCommand({ FlowLogIds: [change.flowLogId] }));
    const failure = answer.Unsuccessful?.[0]?.Error;
    if (failure !== undefined && failure.Code !== 'InvalidFlowLogId.NotFound') {
      throw new ChangeRefusedError(
        `flow log ${change.flowLogId} was not deleted: ${failure.Code ?? 'no code'}: ${failure.Message ?? 'no message'}`,
      );
    }
    return change;
  },
  inverse(applied): FlowLogCreate {
    const { kind: _, flowLogId: __, ...flowLog } = applied;
    return { ...flowLog, kind: 'flow-log-create', flowLogId: null };
  },
};
