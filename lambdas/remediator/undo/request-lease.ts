import { createHash } from 'node:crypto';
import type { RequestItem, RequestName } from '../../model/requests.ts';
import type { Attempt, Ports } from '../ports.ts';
import type { FindingRecord, JobName } from '../record/findings-store.ts';
import { holdLease } from '../record/lease.ts';

/**
 * Lease on a request, which one attempt at a time can have. It cannot be taken again once the request is done, so that
 * each request is carried out only once.
 */
export interface RequestLease {
  /** Writes findings if this attempt still has the lease. @throws LeaseHeldError if another attempt has taken over */
  write(findings: readonly FindingRecord[]): Promise<void>;
  /** Releases the lease, or marks the request as carried out. */
  end(state: 'released' | 'done'): Promise<void>;
}

/** Returns the name of a request's lease. It is stored in the same form as the leases of jobs. */
export function requestLeaseName({ region }: Pick<RequestItem, 'region'>, name: RequestName): JobName {
  const job = createHash('sha256').update(`request ${name.principal} ${name.id}`).digest('hex');
  return { region, job };
}

/**
 * Takes the lease of a request for the maximum remaining lifetime of this function.
 * @returns undefined if the request was already carried out
 * @throws LeaseHeldError if another attempt may be working on it
 */
export async function takeRequestLease(
  name: RequestName,
  request: RequestItem,
  attempt: Attempt,
  ports: Pick<Ports, 'clock' | 'table'>,
): Promise<RequestLease | undefined> {
  const job = requestLeaseName(request, name);
  // A lease names a rule: for an undo, the rule of its first fix.
  const rule = request.kind === 'undo' ? (request.fixes[0]?.rule ?? 'undo') : request.kind;
  const of = {
    poll: { source: 'undo', rule, asOf: request.at } as const,
    words: `request ${name.id} for account ${request.account}`,
  };
  const held = await holdLease(job, of, attempt, ports);
  if (held === undefined) return undefined;
  const { lease } = held;
  return {
    write: (findings) => ports.table.endLease(job, lease, findings),
    end: (state) => ports.table.endLease(job, { ...lease, state }, []),
  };
}
