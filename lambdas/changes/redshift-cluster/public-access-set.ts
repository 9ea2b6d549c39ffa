import { z } from 'zod';
import type { ChangeKind } from '../change.ts';
import { refusal } from '../refusal.ts';

const schema = z.object({
  kind: z.literal('redshift-cluster-public-access-set'),
  /** The cluster's identifier. */
  resource: z.string(),
  before: z.boolean(),
  after: z.boolean(),
});
export type RedshiftClusterPublicAccessSet = z.infer<typeof schema>;

/** Makes a Redshift cluster publicly accessible, or not. AWS takes minutes to carry it out after it has answered. */
export const changeKind: ChangeKind<RedshiftClusterPublicAccessSet> = {
  kind: 'redshift-cluster-public-access-set',
  schema,
  describe: (change) =>
    `~ publicly accessible: ${change.before} -> ${change.after} (cluster ${change.resource})`,
  async apply(session, change) {
    const { ModifyClusterCommand, RedshiftClient } = await import('../../aws/redshift.ts');
    try {
      await session
        .client(RedshiftClient)
        .send(
          new ModifyClusterCommand({ ClusterIdentifier: change.resource, PubliclyAccessible: change.after }),
        );
    } catch (error) {
      throw refusal(error, `cluster ${change.resource}`, {
        gone: ['ClusterNotFoundFault'],
        busy: ['InvalidClusterStateFault'],
      });
    }
    return change;
  },
  inverse: (applied) => ({ ...applied, before: applied.after, after: applied.before }),
};
