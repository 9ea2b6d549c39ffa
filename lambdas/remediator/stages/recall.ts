import type { Outcome } from '../../model/outcome.ts';
import type { Work } from '../work.ts';
import { askTable, type ReadAhead } from './read-ahead.ts';

/**
 * Determines what earlier attempts at a job did, and what is known about its findings, from the journal, the findings
 * table and the existing outcomes. A message that returns from the dead-letter queue counts its attempts from 1 again.
 * Its lease, which is kept for longer than any message can return, shows that there was an earlier attempt.
 * @param isFirst whether this is the first attempt at the job
 * @param ahead reads that were started earlier, if any
 * @returns the final outcomes, to which nothing needs to be added
 */
export async function recall(work: Work, isFirst: boolean, ahead?: ReadAhead): Promise<Outcome[]> {
  const { job, attempt, ports, journal, log, memory, recent, done, role, breaker, newer } = work;
  const hasNone = ahead !== undefined && ahead.journal === undefined;
  const isKnown = !hasNone && (await journal.read(ahead?.journal));
  const { account, region } = job;
  const resources = job.findings.map(({ resource }) => resource);
  let known = await (ahead?.known ?? askTable(work));
  const { pending = [] } = known;
  // Operators' requests are carried out before the job, so that they do not wait for all jobs in the queue. They may
  // concern the same findings, so the table is read again.
  if (pending.length > 0 && (await ports.actOnPending(pending, { account, region })))
    known = await askTable(work);
  recent.keep(resources, known.changed);
  if (isKnown) await recent.adopt();
  memory.keep(known.findings);
  done.keep(known.done);
  role.keep(known.account);
  breaker.keep(known.breaker);
  newer.keep(known.sent, { isFirst, hasJournal: isKnown });
  // Another job of the same poll may have had the same finding.
  const evidence = resources.flatMap((resource) => memory.evidenceAt(job.poll, resource) ?? []);
  const hasOthers = evidence.length > 0 || done.evidenceOfOthers().length > 0;
  if (attempt.number > 1 || isKnown || done.isBegun || hasOthers) await log.read();
  await log.readOthers(evidence);
  return resources.flatMap((resource) => {
    const isUnresolved = journal.unresolved(resource).length > 0;
    return log.lastWord(resource, journal.applied(resource), isUnresolved) ?? [];
  });
}
