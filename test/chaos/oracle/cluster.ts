import type { AwsState, Cluster } from '../../lab/aws-model/state.ts';
import type { Problem, Write } from './judgement.ts';
import { TextsOracle } from './texts.ts';

export const clusterText = (isPublic: boolean): string => (isPublic ? 'public' : 'private');

/**
 * Tells whether a cluster has a public address, or will have one: ModifyCluster returns before AWS is done, and
 * DescribeClusters shows the requested change under PendingModifiedValues.
 * https://docs.aws.amazon.com/redshift/latest/APIReference/API_PendingModifiedValues.html
 */
export const isAskedPublic = ({ isPublic, pending }: Cluster): boolean => pending?.isPublic ?? isPublic;

/** Tells whether a cluster can be reached by a public address at a time: until AWS has removed the address. */
function isPublicAt({ isPublic, pending }: Cluster, now: number): boolean {
  return pending !== null && pending.until <= now ? pending.isPublic : isPublic;
}

/** Judges changes of Redshift clusters. */
export class ClusterOracle extends TextsOracle {
  readonly #now: () => number;

  constructor(now: () => number) {
    super();
    this.#now = now;
  }

  protected textsOf(resource: string, state: AwsState): ReadonlyMap<string, string> {
    const cluster = state.clusters[resource];
    return new Map(cluster === undefined ? [] : [[resource, clusterText(isAskedPublic(cluster))]]);
  }

  problemsOf(write: Write): Problem[] {
    return this.changedBy(write).flatMap(({ item, from, to }) =>
      from === clusterText(true) && to === clusterText(false)
        ? []
        : [`made cluster ${item} ${to ?? 'go'}, which was ${from ?? 'not there'}`],
    );
  }

  violates(resource: string, state: AwsState): boolean {
    const cluster = state.clusters[resource];
    return cluster !== undefined && isPublicAt(cluster, this.#now());
  }
}
