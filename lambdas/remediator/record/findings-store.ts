import type { Condition } from '../../aws/findings-table.ts';
import type { TripItem } from '../../model/breaker.ts';
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
  /** `isFirst`: nobody has worked on the job before. */
  | { readonly is: 'taken'; readonly isFirst: boolean }
  | { readonly is: 'held'; readonly by: Lease }
  | { readonly is: 'done' };

/** Knowledge from one job to the next: the part of the findings table that remediators write. */
export interface FindingsStore {
  /**
   * Takes a job's lease unless another attempt holds it still, or the job is done.
   * @param lease as it is to be; its holder may take it again
   * @param now milliseconds since 1970
   */
  takeLease(job: JobName, lease: Lease, now: number): Promise<Taken>;
  /**
   * Ends an attempt: writes its lease, released or done, and the result of its findings, all or nothing. More than a
   * transaction takes are written in several, each while the lease is the attempt's.
   * @throws LeaseHeldError when another attempt has the lease
   */
  endLease(job: JobName, lease: Lease, findings: readonly FindingRecord[]): Promise<void>;
  /**
   * Writes which objects of evidence jobs of a poll write, over what is known and over nothing else.
   * @param known undefined if nothing is known
   * @returns `found`: what stands against it
   */
  writeDone(done: Done, known: Done | undefined): Promise<{ readonly found?: Done }>;
  /**
   * Reads, by one question, what is known of findings and of their account, what was applied recently to resources, and which
   * jobs of a poll have evidence.
   */
  recall(
    findings: readonly FindingName[],
    resources: readonly ChangedResource[],
    poll: PollPlace,
  ): Promise<Known>;
  /**
   * Writes recent changes to resources, over what is known and over nothing else. Not by the lease: an attempt that
   * has outlived it must still record what it made, and must not remove what others have recorded since.
   * @returns false if another item exists: it must be read, and added to
   */
  writeChanged(changed: readonly Changed[], known: readonly Changed[]): Promise<boolean>;
  /** Reads what was applied to resources recently: those of which anything is known. */
  readChanged(resources: readonly ChangedResource[]): Promise<Changed[]>;
  /** Reads, by one question, what operators have written under these names, and the breaker that they may resume. */
  readOperatorItems(names: OperatorNames): Promise<OperatorItems>;
  /** Writes a breaker if it is as it was read. @returns whether it was written */
  writeBreaker(item: TripItem, condition: Condition): Promise<boolean>;
  /** Asks to be the job that counts an open breaker in an hour, of all accounts' regions. @returns whether it is */
  claimBreakerCount(name: BreakerName, hour: number): Promise<boolean>;
}

/** The names of items that operators may have written. */
export interface OperatorNames {
  readonly holds?: readonly HoldName[];
  readonly retries?: readonly RetryName[];
  readonly breaker?: BreakerName;
}

/** Items of operators, those that are over among them, and a breaker. */
export interface OperatorItems {
  readonly holds: readonly Hold[];
  readonly retries: readonly RetryRequest[];
  readonly breaker: BreakerState;
}

/** The name of a breaker. */
export interface BreakerName {
  readonly rule: string;
  readonly account: string;
}

/** Knowledge of a breaker. */
export interface BreakerState {
  readonly item: TripItem | undefined;
  /** The word of an operator; `problem`: why it can't be understood. */
  readonly resume: ResumeItem | { readonly problem: string } | undefined;
}

/** A retry; `problem`: why it can't be understood. */
export type RetryRequest = { readonly name: RetryName } & (
  | Omit<RetryItem, 'version'>
  | { readonly problem: string }
);

/** A hold; `problem`: why it can't be understood. */
export type Hold = { readonly name: HoldName } & (Omit<HoldItem, 'version'> | { readonly problem: string });

/** The name of a lease. */
export interface JobName {
  readonly region: string;
  readonly job: string;
}

/** The name of a finding. */
export type FindingName = ChangedResource & Pick<FindingItem, 'rule'>;

/** The jobs of a poll for one rule, account and region. */
export type PollPlace = Omit<Done, 'jobs'>;

/** Items of the table other than leases. */
export interface Known {
  readonly changed: readonly Changed[];
  readonly findings: readonly FindingRecord[];
  readonly breaker: BreakerState;
  /** The items of the job's counters of changes, those that there are, as they stand. */
  readonly counters: readonly unknown[];
  /** Undefined if no job of the poll has evidence. */
  readonly done?: Done | undefined;
  /** Undefined if the account is not known to lack the role. */
  readonly account?: AccountItem | undefined;
  /** The last jobs of the rule that were sent for the account and region by a poll that reached its end. */
  readonly sent?: SentItem | undefined;
  /** Requests of operators for the poll's account and region that may not have been acted on yet. */
  readonly pending?: PendingItem['requests'];
}

type WithoutForm<T> = Omit<T, 'pk' | 'sk' | 'version' | 'expiresAt'>;
export type Lease = WithoutForm<LeaseItem>;
export type FindingRecord = WithoutForm<FindingItem>;
export type Changed = WithoutForm<ChangedItem>;
export type Done = WithoutForm<DoneItem>;
