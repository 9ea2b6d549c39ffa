import type { AwsState, Execution } from '../../lab/aws-model/state.ts';
import { ClusterOracle, clusterText, isAskedPublic } from './cluster.ts';
import type { Problem, ResourceOracle, Write } from './judgement.ts';
import { TextsOracle } from './texts.ts';
import { TrailOracle, trailText } from './trail.ts';

/** The documents that docs/rules.md names, with the parameter that takes the resource. */
const DOCUMENTS = {
  'redshift-cluster-public': [
    'AWSConfigRemediation-DisablePublicAccessToRedshiftCluster',
    'ClusterIdentifier',
  ],
  'cloudtrail-log-file-validation': ['AWSConfigRemediation-EnableCloudTrailLogFileValidation', 'TrailName'],
} as const;

/** The executions that were started for a resource, by id. */
export function executionsOf(state: AwsState, resource: string): [string, Execution][] {
  return Object.entries(state.executions).filter(([, { parameters }]) =>
    Object.values(parameters).some((values) => values.includes(resource)),
  );
}

/**
 * Judges the starts of automation executions, and the direct calls that close what a document left open. The document's
 * own changes of a cluster or trail are AWS's.
 */
export class RunbookOracle extends TextsOracle {
  readonly #now: () => number;
  readonly #ofRule: Readonly<Record<string, ResourceOracle>>;

  constructor(now: () => number) {
    super();
    this.#now = now;
    this.#ofRule = {
      'redshift-cluster-public': new ClusterOracle(now),
      'cloudtrail-log-file-validation': new TrailOracle(),
    };
  }

  protected textsOf(resource: string, state: AwsState): ReadonlyMap<string, string> {
    const executions = executionsOf(state, resource).map(([id, { document }]) => [id, document] as const);
    const cluster = state.clusters[resource];
    const trail = state.trails[resource];
    return new Map([
      ...executions,
      ...(cluster === undefined ? [] : [[resource, clusterText(isAskedPublic(cluster))] as const]),
      ...(trail === undefined ? [] : [[resource, trailText(trail.isValidated)] as const]),
    ]);
  }

  /** No read shows executions, and a document's changes are not calls of the product: `run-case.ts` judges who knows its end. */
  protected override shownTo({ resource }: Write): string[] {
    return [resource];
  }

  problemsOf(write: Write): Problem[] {
    const { resource, before, after, job } = write;
    if (write.operation !== 'StartAutomationExecution')
      return this.#ofRule[job.rule]?.problemsOf(write) ?? [];
    const running = executionsOf(before, resource).filter(
      ([, { until, worksAt }]) => worksAt !== null || until > this.#now(),
    );
    return this.changedBy(write).flatMap(({ item, from, to }) => {
      if (from !== null) return [`changed execution ${item}`];
      const [document, parameter] = Object.entries(DOCUMENTS).find(([rule]) => rule === job.rule)?.[1] ?? [];
      const { [parameter ?? '']: values = [] } = after.executions[item]?.parameters ?? {};
      return [
        ...(this.violates(resource, before, job)
          ? []
          : [`ran ${to} for ${resource}, which does not violate`]),
        ...(running.length === 0 ? [] : [`ran ${to} for ${resource}, for which ${running[0]?.[0]} runs`]),
        ...(to === document && values[0] === resource && values.length === 1
          ? []
          : [`ran ${to} for ${values.join(', ')}, which the plan does not name`]),
      ];
    });
  }

  violates(resource: string, state: AwsState, job: Write['job']): boolean {
    return this.#ofRule[job.rule]?.violates(resource, state, job) ?? false;
  }
}
