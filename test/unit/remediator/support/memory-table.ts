import type { Condition } from '../../../../lambdas/aws/findings-table.ts';
import type { TripItem } from '../../../../lambdas/model/breaker.ts';
import { LeaseHeldError } from '../../../../lambdas/model/errors.ts';
import { findingKey } from '../../../../lambdas/model/finding.ts';
import { pollId } from '../../../../lambdas/model/job.ts';
import { holdKey, retryKey } from '../../../../lambdas/model/operator-items.ts';
import type { PendingItem } from '../../../../lambdas/model/requests.ts';
import type { AccountItem, SentItem } from '../../../../lambdas/model/table-items.ts';
import type {
  BreakerName,
  BreakerState,
  Changed,
  Done,
  FindingName,
  FindingRecord,
  FindingsStore,
  Hold,
  JobName,
  Known,
  Lease,
  OperatorItems,
  OperatorNames,
  PollPlace,
  RetryRequest,
  Taken,
} from '../../../../lambdas/remediator/record/findings-store.ts';

/** Findings table in memory. */
export class MemoryTable implements FindingsStore {
  /** Leases by the job's id. */
  readonly leases = new Map<string, Lease>();
  /** Recent changes, by resource. */
  readonly changed = new Map<string, Changed>();
  /** Records of findings, by `findingKey`. */
  readonly findings = new Map<string, FindingRecord>();

  /** The jobs of polls that have evidence, by poll, account and region. */
  readonly done = new Map<string, Done>();

  /** The holds that operators have set. */
  readonly holds: Hold[] = [];

  /** The retries that operators have requested. */
  readonly retries: RetryRequest[] = [];

  /** The requests that operators have listed as pending. */
  pending: PendingItem['requests'] = [];

  /** The account's item. */
  account: AccountItem | undefined;
  /** The collector's item about the last jobs. */
  sent: SentItem | undefined;
  /** The breakers, by `rule account`. */
  readonly breakers = new Map<string, TripItem>();
  /** The hour in which each breaker was last counted. */
  readonly breakersCounted = new Map<string, number>();
  /** The items of operators who resumed a rule, by `rule account`. */
  readonly resumed = new Map<string, BreakerState['resume']>();

  async takeLease({ job }: JobName, lease: Lease, now: number, isFromOthers = false): Promise<Taken> {
    const by = this.leases.get(job);
    const isOwn = by?.sending === lease.sending;
    if (by?.state === 'done' || (by?.state === 'recorded' && !isOwn)) return { is: 'done' };
    const isFree = by !== undefined && by.until < now && (isOwn || isFromOthers);
    if (by?.state === 'held' && by.holder !== lease.holder && !isFree) return { is: 'held', by };
    this.leases.set(job, lease);
    return { is: 'taken', isFirst: by === undefined };
  }

  async endLease({ job }: JobName, lease: Lease, findings: readonly FindingRecord[]): Promise<void> {
    if (this.leases.get(job)?.holder !== lease.holder) throw new LeaseHeldError('taken over');
    this.leases.set(job, lease);
    for (const each of findings) this.findings.set(findingKey(each), structuredClone(each));
  }

  async writeDone(done: Done, known: Done | undefined): Promise<{ readonly found?: Done }> {
    const found = this.done.get(placeOf(done));
    if (found !== undefined && found.writer !== known?.writer) return { found: structuredClone(found) };
    this.done.set(placeOf(done), structuredClone(done));
    return {};
  }

  async recall(
    findings: readonly FindingName[],
    resources: readonly { readonly resource: string }[],
    poll: PollPlace,
  ): Promise<Known> {
    const known = findings.flatMap((finding) => this.findings.get(findingKey(finding)) ?? []);
    const done = structuredClone(this.done.get(placeOf(poll)));
    const { breaker } = await this.readOperatorItems({ breaker: poll });
    return {
      breaker,
      sent: structuredClone(this.sent),
      changed: await this.readChanged(resources),
      findings: structuredClone(known),
      done,
      account: this.account,
      pending: structuredClone(this.pending),
    };
  }

  async writeChanged(changed: readonly Changed[], known: readonly Changed[]): Promise<boolean> {
    const isKnown = ({ resource }: Changed): boolean =>
      this.changed.get(resource)?.writer === known.find((each) => each.resource === resource)?.writer;
    if (!changed.every(isKnown)) return false;
    for (const each of changed) this.changed.set(each.resource, structuredClone(each));
    return true;
  }

  async readChanged(resources: readonly { readonly resource: string }[]): Promise<Changed[]> {
    return structuredClone(resources.flatMap(({ resource }) => this.changed.get(resource) ?? []));
  }

  async readOperatorItems({ holds = [], retries = [], breaker }: OperatorNames): Promise<OperatorItems> {
    const asked = new Set(
      [...holds.map(holdKey), ...retries.map(retryKey)].map((key) => JSON.stringify(key)),
    );
    const name = breaker && `${breaker.rule} ${breaker.account}`;
    return structuredClone({
      holds: this.holds.filter((hold) => asked.has(JSON.stringify(holdKey(hold.name)))),
      retries: this.retries.filter((retry) => asked.has(JSON.stringify(retryKey(retry.name)))),
      breaker: {
        item: name === undefined ? undefined : this.breakers.get(name),
        resume: name === undefined ? undefined : this.resumed.get(name),
      },
      counters: [],
    });
  }

  async writeBreaker(item: TripItem, { values }: Condition): Promise<boolean> {
    const [, rule, account] = item.pk.split('#');
    const standing = this.breakers.get(`${rule} ${account}`)?.writer;
    if (standing !== undefined && standing !== values[':known']) return false;
    this.breakers.set(`${rule} ${account}`, structuredClone(item));
    return true;
  }

  async claimBreakerCount({ rule, account }: BreakerName, hour: number): Promise<boolean> {
    const counted = this.breakersCounted.get(`${rule} ${account}`);
    if (counted !== undefined && counted >= hour) return false;
    this.breakersCounted.set(`${rule} ${account}`, hour);
    return true;
  }
}

function placeOf({ poll, account, region }: PollPlace): string {
  return `${pollId(poll)} ${account} ${region}`;
}
