import type { Cluster } from '@aws-sdk/client-redshift';
import { z } from 'zod';
import { paceOnceThrottled } from '../../aws/pace.ts';
import type { AwsSession } from '../../aws/session.ts';
import { tagMap } from '../../aws/tags.ts';
import { ChangeRefusedError, StalePlanError } from '../../model/errors.ts';
import { isExemptByTag } from '../../model/exemption-tag.ts';
import type { Change, ChangeKind } from '../change.ts';
import { ofForm, olderThanOurs } from '../ours.ts';
import { refusal } from '../refusal.ts';
import { isGoing, readCluster } from './read.ts';

const schema = z.object({
  kind: z.literal('redshift-cluster-public-access-set'),
  /** The cluster's identifier. */
  resource: z.string(),
  before: z.boolean(),
  after: z.boolean(),
});
export type RedshiftClusterPublicAccessSet = z.infer<typeof schema>;

const gone = ['ClusterNotFoundFault'];

/** Checks whether the cluster has the desired state, or AWS is already changing it to this state. */
function isUnderWay(cluster: Cluster, wanted: boolean): boolean {
  const { PubliclyAccessible, PendingModifiedValues } = cluster;
  return (PendingModifiedValues?.PubliclyAccessible ?? PubliclyAccessible === true) === wanted;
}

/** Checks whether AWS shows an applied change, or shows that it is still carrying it out. */
const shows = (cluster: Cluster, { after }: RedshiftClusterPublicAccessSet): boolean =>
  cluster.ClusterStatus === 'modifying' || isUnderWay(cluster, after);

/**
 * Checks the cluster immediately before the write.
 * @throws StalePlanError if the cluster is gone, already has the desired state or is being changed to it, or the read
 *   is stale
 * @throws ChangeRefusedError, busy, if AWS would currently refuse the change
 */
async function look(
  session: AwsSession,
  { resource, after }: RedshiftClusterPublicAccessSet,
  ours: readonly Change[],
): Promise<void> {
  const cluster = await readCluster(session, resource);
  if (cluster === undefined) throw new StalePlanError(`cluster ${resource} is gone: nothing was changed`);
  // The same read contains the tags. An undo ignores them, because it restores the owner's own setting.
  if (!after && isExemptByTag(tagMap(cluster.Tags), session.now())) {
    throw new StalePlanError(`cluster ${resource} has an exemption tag: nothing was changed`);
  }
  const last = ofForm(schema, ours).at(-1);
  if (last !== undefined && !shows(cluster, last)) throw olderThanOurs(`cluster ${resource}`);
  if (isUnderWay(cluster, after)) {
    throw new StalePlanError(
      `cluster ${resource} was made ${after ? 'public' : 'private'} by someone else in the meantime`,
    );
  }
  const { ClusterStatus: status = 'unknown' } = cluster;
  if (isGoing(status)) throw new StalePlanError(`cluster ${resource} is ${status}: nothing was changed`);
  if (status !== 'available') {
    throw new ChangeRefusedError(
      `cluster ${resource} is ${status}: AWS changes a cluster only while it is available`,
      { because: 'busy' },
    );
  }
}

/**
 * Turns a Redshift cluster's public access on or off. AWS accepts the call immediately, and takes minutes to complete
 * the change.
 */
export const changeKind: ChangeKind<RedshiftClusterPublicAccessSet> = {
  kind: 'redshift-cluster-public-access-set',
  endsLater: true,
  pace: paceOnceThrottled('redshift'),
  startsTogether: true,
  schema,
  looksAtAll: ({ after }) => !after,
  describe: (change) =>
    `~ publicly accessible: ${change.before} -> ${change.after} (cluster ${change.resource})`,
  async apply(session, change, note, { ours }) {
    const { ModifyClusterCommand, RedshiftClient } = await import('../../aws/redshift.ts');
    const { resource, after } = change;
    await look(session, change, ours);
    try {
      await session
        .client(RedshiftClient)
        .send(new ModifyClusterCommand({ ClusterIdentifier: resource, PubliclyAccessible: after }));
    } catch (error) {
      throw refusal(error, `cluster ${resource}`, { stale: gone, busy: ['InvalidClusterStateFault'] });
    }
    note(change);
    return change;
  },
  async isVisible(session, applied) {
    const cluster = await readCluster(session, applied.resource);
    return cluster === undefined || shows(cluster, applied);
  },
  async find(session, planned) {
    const cluster = await readCluster(session, planned.resource);
    return cluster !== undefined && isUnderWay(cluster, planned.after) ? planned : undefined;
  },
  async differs(session, { resource, after }) {
    const cluster = await readCluster(session, resource);
    if (cluster === undefined) return 'it is gone';
    if (cluster.ClusterStatus === 'modifying') return 'AWS is modifying it';
    if ((cluster.PubliclyAccessible === true) === after && isUnderWay(cluster, after)) return undefined;
    return `it is ${after ? 'not ' : ''}publicly accessible`;
  },
  inverse: (applied) => ({ ...applied, before: applied.after, after: applied.before }),
};
