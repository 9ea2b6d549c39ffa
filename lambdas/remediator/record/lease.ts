import { randomUUID } from 'node:crypto';
import { LeaseHeldError } from '../../model/errors.ts';
import { outcomesKey } from '../../model/evidence-keys.ts';
import { type Job, jobId, pollId, sendingOf } from '../../model/job.ts';
import { isProvisional, type Outcome } from '../../model/outcome.ts';
import type { Attempt, Ports } from '../ports.ts';
import type { Work } from '../work.ts';
import type { FindingRecord, JobName, Lease } from './findings-store.ts';
import type { RecordedOutcome } from './outcome-log.ts';

/**
 * Margin for clock differences: a lease is valid for this much longer than the function that holds it can run. A job
 * whose function was killed returns later, after six times the function's timeout.
 */
const MARGIN_MILLISECONDS = 60_000;

type Context = Pick<Work, 'job' | 'attempt' | 'ports'>;

/** State in which an attempt leaves its job. */
type LeaseEnd = Exclude<Lease['state'], 'held'>;

/** Lease that an attempt has on its job, so that no other attempt works on it. */
export interface HeldLease {
  /** True if no earlier attempt has taken the lease. */
  readonly isFirst: boolean;
  /** Ends the lease, and writes the results of the job's findings. */
  end(state: LeaseEnd, findings: readonly FindingRecord[]): Promise<void>;
}

/**
 * Takes the lease of a job for the maximum remaining time of this function.
 * @returns undefined if the job is already done, or if another message has to finish it
 * @throws LeaseHeldError if another attempt may be working on it
 */
export async function takeLease({ job, attempt, ports }: Context): Promise<HeldLease | undefined> {
  const name: JobName = { region: job.region, job: jobId(job) };
  const words = `job of ${pollId(job.poll)} for account ${job.account}`;
  const of = { poll: job.poll, sending: sendingOf(job), words };
  const held = await holdLease(name, of, attempt, ports, () => isShownAsDone(job, ports));
  if (held === undefined) return undefined;
  const { lease, isFirst } = held;
  return { isFirst, end: (state, findings) => ports.table.endLease(name, { ...lease, state }, findings) };
}

/** Checks whether the first object of a job's evidence shows that the attempt with the lease has ended. */
async function isShownAsDone(job: Job, { evidence }: Pick<Ports, 'evidence'>): Promise<boolean> {
  try {
    return showsEnd(job, (await evidence.readOutcomes(firstKey(job))) ?? []);
  } catch {
    // The caller reports that the lease is held, and the message is delivered again.
    return false;
  }
}

const firstKey = (job: Job): string => outcomesKey(job.poll, jobId(job), 1);

/**
 * Checks whether outcomes show that a job is done: each finding has a final outcome, and nothing was changed, so that
 * no change can be missing in the table.
 */
function showsEnd({ findings }: Job, outcomes: readonly Outcome[]): boolean {
  const ended = outcomes.filter(
    (outcome) => !isProvisional(outcome) && outcome.applied.length === 0 && outcome.unconfirmed === undefined,
  );
  const resources = new Set(ended.map(({ finding }) => finding.resource));
  return findings.every(({ resource }) => resources.has(resource));
}

/** Work for which a lease is taken. */
interface Leased extends Pick<Lease, 'poll' | 'sending'> {
  /** Description of the work, for errors. */
  readonly words: string;
}

/**
 * Takes a lease on a job or a request for the maximum remaining time of this function.
 * @param isDone checks whether the work is done although its lease was not ended. It is only called if another message
 * has the lease: if events are left to send, a later delivery of that message sends them
 * @returns the lease, and whether no earlier attempt has taken it; undefined if the work is already done
 * @throws LeaseHeldError if another attempt may be working on it
 */
export async function holdLease(
  name: JobName,
  { poll, sending, words }: Leased,
  attempt: Pick<Attempt, 'remainingMilliseconds'>,
  { clock, table }: Pick<Ports, 'clock' | 'table'>,
  isDone: () => Promise<boolean> = async () => false,
): Promise<{ readonly lease: Lease; readonly isFirst: boolean } | undefined> {
  const now = clock.now();
  const lease: Lease = {
    state: 'held',
    holder: randomUUID(),
    until: now + Math.max(0, attempt.remainingMilliseconds()) + MARGIN_MILLISECONDS,
    poll,
    ...(sending !== undefined && { sending }),
  };
  let taken = await table.takeLease(name, lease, now);
  if (taken.is === 'held' && taken.by.sending !== sending) {
    if (await isDone()) return undefined;
    if (taken.by.until < now) taken = await table.takeLease(name, lease, now, true);
  }
  if (taken.is === 'done') return undefined;
  if (taken.is === 'taken') return { lease, isFirst: taken.isFirst };
  const until = new Date(taken.by.until).toISOString();
  throw new LeaseHeldError(`${words}: another attempt is working on it, until ${until} at the latest`, {
    until: taken.by.until,
  });
}

/**
 * Writes the applied changes to the journal before outcomes are recorded. An attempt that was suspended for so long
 * that another one took over notices it here, regardless of its clock, and records no outcomes.
 * @returns the error if the journal can't be written
 * @throws LeaseHeldError if another attempt has taken over
 */
export async function confirmHeld({ job, journal }: Work): Promise<unknown[]> {
  const failures: unknown[] = [];
  await journal.writeNews().catch((error: unknown) => failures.push(error));
  if (!journal.isTakenOver) return failures;
  throw new LeaseHeldError(
    `job of ${pollId(job.poll)} for account ${job.account}: another attempt has taken over in the meantime`,
  );
}

/**
 * Ends the lease and records the results of its findings for later polls. A job is only marked as recorded or done if the
 * changes that it applied are in the table, because nothing would write them afterwards.
 * @param written outcomes that this attempt wrote. If they show that the job is done, and no finding is to be recorded,
 * the lease is left to expire, which saves a write
 * @returns the error if the write fails
 */
export async function endLease(
  lease: HeldLease | undefined,
  state: LeaseEnd,
  findings: readonly FindingRecord[],
  { job, recent }: Work,
  written: readonly RecordedOutcome[] = [],
): Promise<unknown[]> {
  const unwritten = await recent.write();
  const inFirst = written.filter(({ evidence }) => evidence === firstKey(job));
  const isShown = showsEnd(
    job,
    inFirst.map(({ outcome }) => outcome),
  );
  if (isShown && unwritten.length === 0 && findings.length === 0) return [];
  try {
    await lease?.end(unwritten.length === 0 ? state : 'released', findings);
    return unwritten;
  } catch (error) {
    return [...unwritten, error];
  }
}
