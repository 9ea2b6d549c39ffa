import type { Settings } from '../../lambdas/model/settings.ts';
import type { AwsState } from '../lab/aws-model/state.ts';

export const ACCOUNT = '111122223333';
export const REGION = 'eu-central-1';

/** An act of someone else, with numbers that choose among what stands there at that moment. */
export interface Act {
  readonly kind: string;
  readonly which: number;
  readonly how: number;
}

/** The fates of a call without an answer. `refused`: it has no effect, as AWS is unavailable (503); `lost`: it has. */
export const LOSSES = ['refused', 'lost'] as const;
export type Loss = (typeof LOSSES)[number];

/** The reasons why AWS does not take a write, which then has no effect. */
export const REFUSALS = ['throttled', 'expired'] as const;

/** Ports of the product that may fail for as long as they like: what has to be taken back is kept. */
export const LASTING_OUTAGES = [
  'session',
  'pause',
  'settings',
  'readOperatorItems',
  'reserve',
  'release',
] as const;

/** Ports without which no later job can go on: they fail for less time than a job has attempts. */
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

/** An event that meets the function's AWS call with this number, counted over all jobs of a case. */
export type Disturbance = { readonly at: number } & (
  | { readonly act: Act }
  /** Age of the answers of this read and the next ones: they answer the state of so many versions ago. */
  | { readonly lag: { readonly versions: number; readonly reads: number } }
  | { readonly loss: Loss }
  /** AWS does not take the next write, this call or a later one. Someone else may act before it is sent again. */
  | { readonly refusal: (typeof REFUSALS)[number]; readonly meanwhile: Act | null }
  /** Number of failures from here on: so many calls of a port fail. */
  | { readonly outage: { readonly port: OutagePort; readonly times: number } }
  /** The next answer of this kind takes so long. */
  | { readonly slow: { readonly what: (typeof SLOW)[number]; readonly milliseconds: number } }
);

/** One rule's job on the resources. */
export interface JobSpec {
  readonly rule: string;
  readonly options: Settings['options'];
  /** Default: by our own calls. */
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

/** A generated case: what stands there, which jobs come one after another, and what meets them. */
export interface Case {
  readonly kind: (typeof KINDS)[number];
  readonly initial: AwsState;
  readonly jobs: readonly JobSpec[];
  readonly disturbances: readonly Disturbance[];
  /** Names under which findings name a resource besides its own. Default: none. */
  readonly aliases?: Readonly<Record<string, string>>;
  /** Steps after which the first attempts are ended, one number an attempt; none: they live. */
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
