import { createHash, randomUUID } from 'node:crypto';
import { LeaseHeldError } from '../../model/errors.ts';
import type { RequestItem, RequestName } from '../../model/requests.ts';
import type { Attempt, Ports } from '../ports.ts';
import type { FindingRecord, JobName, Lease } from '../record/findings-store.ts';

/** Margin for clocks that differ, as of a job's lease. */
const MARGIN_MILLISECONDS = 60_000;

/** The hold of an attempt on a request. Once it is done, nobody gets it again: a request is acted on once. */
export interface RequestLease {
  /** Writes findings, if this attempt still holds the request. @throws LeaseHeldError where another has taken over */
  write(findings: readonly FindingRecord[]): Promise<void>;
  /** Gives the request back, or marks it as acted on. */
  end(state: 'released' | 'done'): Promise<void>;
}

/** The name of a request's lease among those of jobs. */
export function requestLeaseName({ region }: Pick<RequestItem, 'region'>, name: RequestName): JobName {
  const job = createHash('sha256').update(`request ${name.principal} ${name.id}`).digest('hex');
  return { region, job };
}

/**
 * Takes the lease of a request for as long as this function may live.
 * @returns undefined where the request was acted on already
 * @throws LeaseHeldError where another attempt may be at work on it
 */
export async function takeRequestLease(
  name: RequestName,
  request: RequestItem,
  attempt: Attempt,
  { clock, table }: Pick<Ports, 'clock' | 'table'>,
): Promise<RequestLease | undefined> {
  const job = requestLeaseName(request, name);
  const now = clock.now();
  const lease: Lease = {
    state: 'held',
    holder: randomUUID(),
    until: now + Math.max(0, attempt.remainingMilliseconds()) + MARGIN_MILLISECONDS,
    // A lease names what it is for: of a request, the rule of its first fix.
    poll: {
      source: 'undo',
      rule: request.kind === 'undo' ? (request.fixes[0]?.rule ?? 'undo') : request.kind,
      asOf: request.at,
    },
  };
  const taken = await table.takeLease(job, lease, now);
  if (taken.is === 'done') return undefined;
  if (taken.is === 'held') {
    const until = new Date(taken.by.until).toISOString();
    throw new LeaseHeldError(
      `request ${name.id} for account ${request.account}: another attempt works on it, until ${until} at most`,
      { until: taken.by.until },
    );
  }
  return {
    write: (findings) => table.endLease(job, lease, findings),
    end: (state) => table.endLease(job, { ...lease, state }, []),
  };
}
