import type { Settings } from '../../lambdas/model/settings.ts';
import type { AwsState } from '../lab/aws-model/state.ts';

export const ACCOUNT = '111122223333';
export const REGION = 'eu-central-1';

/** An act of someone else, with numbers that select among the existing resources. */
export interface Act {
  readonly kind: string;
  readonly which: number;
  readonly how: number;
}

/** The fates of a call without an answer. `refused`: it has no effect, because AWS is unavailable (503); `lost`: it has. */
export const LOSSES = ['refused', 'lost'] as const;
export type Loss = (typeof LOSSES)[number];

/** The reasons why AWS does not accept a write, which then has no effect. */
export const REFUSALS = ['throttled', 'expired'] as const;

/** Ports of the product that may fail for any time, because the changes that must be reverted are recorded. */
export const LASTING_OUTAGES = [
  'session',
  'pause',
  'settings',
  'readOperatorItems',
  'reserve',
  'release',
] as const;

/** Ports without which no later job can continue: they fail for less time than a job has attempts. */
export const SHORT_OUTAGES = [
  'takeLease',
  'recall',
  'readJournal',
  'writeJournal',
  'lookAgain',
  'writeOutcomes',
  'publish',
  'endLease',
] as const;

export type OutagePort = (typeof LASTING_OUTAGES)[number] | (typeof SHORT_OUTAGES)[number];

/** Answers that may take seconds. */
export const SLOW = ['pause', 'read'] as const;

/** An event at the function's AWS call with this number, counted over all jobs of a case. */
export type Disturbance = { readonly at: number } & (
  | { readonly act: Act }
  /** Age of the answers to this read and the next ones: they return the state of so many versions ago. */
  | { readonly lag: { readonly versions: number; readonly reads: number } }
  | { readonly loss: Loss }
  /** AWS does not accept the next write, at this call or a later one. Someone else may act before it is repeated. */
  | { readonly refusal: (typeof REFUSALS)[number]; readonly meanwhile: Act | null }
  /** Number of calls of a port that fail from here on. */
  | { readonly outage: { readonly port: OutagePort; readonly times: number } }
  /** Time that the next answer of this kind takes. */
  | { readonly slow: { readonly what: (typeof SLOW)[number]; readonly milliseconds: number } }
);

/** One rule's job on the resources. */
export interface JobSpec {
  readonly rule: string;
  readonly options: Settings['options'];
  /** Default: by the product's own calls. */
  readonly method?: Settings['method'];
}

/** The kinds of resources that cases are about. */
export const KINDS = [
  'security-group',
  'network-acl',
  'bucket',
  'flow-log',
  'snapshot',
  'access-key',
  'cluster',
  'trail',
  'runbook',
] as const;

/** A generated case: the resources, the jobs one after another, and the events that they meet. */
export interface Case {
  readonly kind: (typeof KINDS)[number];
  readonly initial: AwsState;
  readonly jobs: readonly JobSpec[];
  readonly disturbances: readonly Disturbance[];
  /** Additional names under which findings name a resource. Default: none. */
  readonly aliases?: Readonly<Record<string, string>>;
  /** Numbers of steps after which the first attempts are killed, one per attempt; later attempts are not killed. */
  readonly kills: readonly number[];
}

export function resourcesOf({ kind, initial }: Pick<Case, 'kind' | 'initial'>): string[] {
  const all = {
    'security-group': initial.groups,
    'network-acl': initial.acls,
    bucket: initial.buckets,
    'flow-log': initial.vpcs,
    snapshot: initial.databases,
    'access-key': initial.users,
    cluster: initial.clusters,
    trail: initial.trails,
    runbook: { ...initial.clusters, ...initial.trails },
  };
  return Object.keys(all[kind]);
}
