import { outcomesKey } from '../../../lambdas/model/evidence-keys.ts';
import { type Job, jobId, jobSchema, journalId, pollId } from '../../../lambdas/model/job.ts';
import type { JournalRecord } from '../../../lambdas/model/journal.ts';
import { isProvisional } from '../../../lambdas/model/outcome.ts';
import { requestMessageSchema } from '../../../lambdas/model/requests.ts';
import type { Evidence } from '../../deployed/evidence.ts';
import { amount } from '../../fold.ts';
import type { Letter } from './result.ts';

/** The decision on a dead letter, and the message group to which it goes if it is sent back. */
export type Fate = Pick<Letter, 'is' | 'says'> & { readonly group?: string };

export interface FateOptions {
  /** True if every job is sent back. */
  readonly all: boolean;
  /** True if messages that are not jobs are dropped. */
  readonly discard: boolean;
}

type Records = Pick<Evidence, 'journal' | 'outcomes'>;

/** Decides how to handle a dead letter of a job queue. */
export async function fateOf(body: string, evidence: Records, { all, discard }: FateOptions): Promise<Fate> {
  const value = parseJson(body);
  const request = requestMessageSchema.safeParse(value).data;
  if (request !== undefined) {
    const { kind, account } = request;
    return {
      is: 'sent back',
      group: account,
      says: `the request of an operator: ${kind} in account ${account}`,
    };
  }
  const job = jobSchema.safeParse(value).data;
  if (job === undefined) {
    return {
      is: discard ? 'dropped' : 'kept',
      says: `not a job: ${body.slice(0, 80).replaceAll(/\s+/g, ' ')}`,
    };
  }
  const words = `${pollId(job.poll)} ${job.account} ${job.region}, ${job.findings.length} findings`;
  const why = await reasonToFinish(job, evidence);
  if (why === undefined && !all)
    return { is: 'dropped', says: `${words}: it has nothing to finish, and the next poll checks again` };
  return { is: 'sent back', group: job.account, says: why === undefined ? words : `${words}: ${why}` };
}

/** The reason why only this job can finish its work; undefined if the next poll can do it. */
async function reasonToFinish(job: Job, evidence: Records): Promise<string | undefined> {
  if (job.closes === true) return 'it closes findings, which no other job does';
  const journal = await evidence.journal(journalId(job));
  const changed = (journal?.resources ?? []).filter(hasChanges).length;
  if (changed > 0) return `its journal records changes to ${amount(changed, 'resource')}`;
  const unsent = await countUnsent(job, journal, evidence);
  return unsent === 0 ? undefined : `it may not have sent the events of ${amount(unsent, 'outcome')}`;
}

/**
 * Counts the final outcomes that a job recorded, and whose events it may not have sent. The findings table may contain
 * these outcomes, so the next poll would not report them.
 */
async function countUnsent(job: Job, journal: JournalRecord | undefined, evidence: Records): Promise<number> {
  const sent = new Set(journal?.published);
  const unsent = new Set<string>();
  for (let number = 1; ; number += 1) {
    const outcomes = await evidence.outcomes(outcomesKey(job.poll, jobId(job), number));
    if (outcomes === undefined) return unsent.size;
    for (const outcome of outcomes) {
      const { resource } = outcome.finding;
      if (!isProvisional(outcome) && !sent.has(resource)) unsent.add(resource);
    }
  }
}

function hasChanges({ applied, begun = [], noted = [] }: JournalRecord['resources'][number]): boolean {
  return applied.length > 0 || begun.length > 0 || noted.length > 0;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
