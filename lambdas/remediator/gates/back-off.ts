import { counts, dueAt, isDue } from '../../model/back-off.ts';
import { conclude } from '../verdict.ts';
import type { Gate } from './gate.ts';

/**
 * Stops a finding that has failed and whose next attempt is not due yet. Its outcome remains `failed`. Changes that an
 * earlier attempt at this job began are continued.
 */
export const backOff: Gate = (finding, work) => {
  const { memory, journal, retries, settings, ports } = work;
  if (journal.hasBegun(finding.resource)) return undefined;
  const { backOff: failed, reason: words = 'the reason is unknown' } = memory.of(finding.resource) ?? {};
  if (failed === undefined || !counts(failed, settings.versions)) return undefined;
  if (isDue(failed, ports.clock.now(), settings.poll_minutes)) return undefined;
  if (retries.isAsked(finding, Date.parse(failed.last))) return undefined;
  const times = failed.failures === 1 ? 'once' : `${failed.failures} times in a row`;
  const due = new Date(dueAt(failed)).toISOString();
  const reason = `not attempted at this poll, because it has failed ${times}, most recently at ${failed.last}: "${words}". The next attempt is at the poll nearest to ${due}, or sooner if its settings or the module's version change, or if an operator requests it: ${retries.advice(finding)}`;
  return conclude('failed', { willRetry: true, gate: 'back_off', reason });
};
