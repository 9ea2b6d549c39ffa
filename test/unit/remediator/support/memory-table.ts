import { LeaseHeldError } from '../../../../lambdas/model/errors.ts';
import { findingKey } from '../../../../lambdas/model/finding.ts';
import type {
  Changed,
  FindingName,
  FindingRecord,
  FindingsStore,
  JobName,
  Known,
  Lease,
  Taken,
} from '../../../../lambdas/remediator/record/findings-store.ts';

/** The findings table in memory. */
export class MemoryTable implements FindingsStore {
  /** By the job's id. */
  readonly leases = new Map<string, Lease>();
  /** What was changed lately, by resource. */
  readonly changed = new Map<string, Changed>();
  /** What is known of findings, by `findingKey`. */
  readonly findings = new Map<string, FindingRecord>();

  async takeLease({ job }: JobName, lease: Lease, now: number): Promise<Taken> {
    const by = this.leases.get(job);
    if (by?.state === 'done') return { is: 'done' };
    if (by?.state === 'held' && by.holder !== lease.holder && by.until >= now) return { is: 'held', by };
    this.leases.set(job, lease);
    return { is: 'taken' };
  }

  async endLease({ job }: JobName, lease: Lease, { changed, findings }: Known): Promise<void> {
    if (this.leases.get(job)?.holder !== lease.holder) throw new LeaseHeldError('taken over');
    this.leases.set(job, lease);
    for (const each of changed) this.changed.set(each.resource, structuredClone(each));
    for (const each of findings) this.findings.set(findingKey(each), structuredClone(each));
  }

  async recall(
    findings: readonly FindingName[],
    resources: readonly { readonly resource: string }[],
  ): Promise<Known> {
    const known = findings.flatMap((finding) => this.findings.get(findingKey(finding)) ?? []);
    return { changed: await this.readChanged(resources), findings: structuredClone(known) };
  }

  async readChanged(resources: readonly { readonly resource: string }[]): Promise<Changed[]> {
    return structuredClone(resources.flatMap(({ resource }) => this.changed.get(resource) ?? []));
  }
}
