import type { Condition } from '../../aws/findings-table.ts';
import type { TripItem } from '../../model/breaker.ts';
import type { CountedJob } from '../../model/limits.ts';
import type { HoldItem, HoldName, ResumeItem, RetryItem, RetryName } from '../../model/operator-items.ts';
import type { PendingItem } from '../../model/requests.ts';
import type {
  AccountItem,
  ChangedItem,
  ChangedResource,
  DoneItem,
  FindingItem,
  LeaseItem,
  SentItem,
} from '../../model/table-items.ts';

/** The result of taking a job's lease. */
export type Taken =
  /** `isFirst`: no earlier attempt has taken the lease. */
  | { readonly is: 'taken'; readonly isFirst: boolean }
  /** `by` may have expired if it belongs to another message. */
  | { readonly is: 'held'; readonly by: Lease }
  | { readonly is: 'done' };

/** Stores what later jobs must know, in the part of the findings table that remediators write. */
export interface FindingsStore {
  /**
   * Takes a job's lease unless the job is done, or another attempt may still hold it.
   * @param lease the new lease; its holder may take it again
   * @param now milliseconds since 1970
   * @param isFromOthers whether an expired lease may also be taken from another message
   */
  takeLease(job: JobName, lease: Lease, now: number, isFromOthers?: boolean): Promise<Taken>;
  /**
   * Ends an attempt: writes its lease and the results of its findings in one transaction. If
   * there are too many for one transaction, several are made, each on condition that the attempt still has the lease.
   * @throws LeaseHeldError if another attempt has the lease
   */
  endLease(job: JobName, lease: Lease, findings: readonly FindingRecord[]): Promise<void>;
  /**
   * Writes the list of evidence objects of a poll's jobs if the item has not changed since it was read.
   * @param known the item as it was read; undefined if there was none
   * @returns `found`: the current item, if it has changed
   */
  writeDone(done: Done, known: Done | undefined): Promise<{ readonly found?: Done }>;
  /**
   * Reads, in one call, everything in the table about findings and their account, the recent changes to resources, and
   * the jobs of a poll.
   */
  recall(
    findings: readonly FindingName[],
    resources: readonly ChangedResource[],
    poll: PollPlace,
  ): Promise<Known>;
  /**
   * Writes recent changes to resources if the items have not changed since they were read. This does not depend on the
   * lease: an attempt that has outlived its lease must still record its changes, and must not remove changes that
   * others have recorded since.
   * @returns false if the items have changed and must be read again
   */
  writeChanged(changed: readonly Changed[], known: readonly Changed[]): Promise<boolean>;
  /** Reads the recent changes to resources, for those that have any. */
  readChanged(resources: readonly ChangedResource[]): Promise<Changed[]>;
  /**
   * Reads, in one call, the items that operators have written under these names, and a breaker with the item that
   * resumes it.
   */
  readOperatorItems(names: OperatorNames): Promise<OperatorItems>;
  /** Writes a breaker if the condition is met. @returns whether it was written */
  writeBreaker(item: TripItem, condition: Condition): Promise<boolean>;
  /**
   * Claims the counting of an open breaker for an hour, so that only one job in all regions counts it.
   * @returns whether this job counts it
   */
  claimBreakerCount(name: BreakerName, hour: number): Promise<boolean>;
}

/** The names of items that operators may have written. */
export interface OperatorNames {
  readonly holds?: readonly HoldName[];
  readonly retries?: readonly RetryName[];
  readonly breaker?: BreakerName;
  /** A job whose changes are counted. */
  readonly counted?: CountedJob;
}

/** Items of operators, including expired ones, a breaker, and counters. */
export interface OperatorItems {
  readonly holds: readonly Hold[];
  readonly retries: readonly RetryRequest[];
  readonly breaker: BreakerState;
  /** The existing items of the job's change counters, unparsed. */
  readonly counters: readonly unknown[];
}

/** The name of a breaker. */
export interface BreakerName {
  readonly rule: string;
  readonly account: string;
}

/** The known state of a breaker. */
export interface BreakerState {
  readonly item: TripItem | undefined;
  /** An operator's item that resumes the rule. `problem`: the reason why it can't be parsed. */
  readonly resume: ResumeItem | { readonly problem: string } | undefined;
}

/** Retry that an operator has requested. `problem`: the reason why it can't be parsed. */
export type RetryRequest = { readonly name: RetryName } & (
  | Omit<RetryItem, 'version'>
  | { readonly problem: string }
);

/** Hold that an operator has set. `problem`: the reason why it can't be parsed. */
export type Hold = { readonly name: HoldName } & (Omit<HoldItem, 'version'> | { readonly problem: string });

/** The name of a lease. */
export interface JobName {
  readonly region: string;
  readonly job: string;
}

/** The name of a finding. */
export type FindingName = ChangedResource & Pick<FindingItem, 'rule'>;

/** The name of the jobs of a poll for one rule, account, and region. */
export type PollPlace = Omit<Done, 'jobs'>;

/** Items of the table other than leases. */
export interface Known {
  readonly changed: readonly Changed[];
  readonly findings: readonly FindingRecord[];
  readonly breaker: BreakerState;
  /** Undefined if no job of the poll has evidence. */
  readonly done?: Done | undefined;
  /** Undefined unless the account is known to lack the role. */
  readonly account?: AccountItem | undefined;
  /** The last jobs that a complete poll of the rule sent for the account and region. */
  readonly sent?: SentItem | undefined;
  /** Requests of operators for the poll's account and region that may not have been acted on yet. */
  readonly pending?: PendingItem['requests'];
}

type WithoutForm<T> = Omit<T, 'pk' | 'sk' | 'version' | 'expiresAt'>;
export type Lease = WithoutForm<LeaseItem>;
export type FindingRecord = WithoutForm<FindingItem>;
export type Changed = WithoutForm<ChangedItem>;
export type Done = WithoutForm<DoneItem>;
