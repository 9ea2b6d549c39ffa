import { counts, dueAt, isDue } from '../../model/back-off.ts';
import { conclude } from '../verdict.ts';
import type { Gate } from './gate.ts';

/**
 * The finding has failed, and is not due again. Its outcome stays `failed`: nothing is known to be better. What an earlier
 * attempt at this job began is continued.
 */
export const backOff: Gate = (finding, work) => {
  const { memory, journal, retries, settings, ports } = work;
  if (journal.hasBegun(finding.resource)) return undefined;
  const { backOff: failed, reason: words = 'no reason is known' } = memory.of(finding.resource) ?? {};
  if (failed === undefined || !counts(failed, settings.versions)) return undefined;
  if (isDue(failed, ports.clock.now(), settings.poll_minutes)) return undefined;
  if (retries.isAsked(finding, Date.parse(failed.last))) return undefined;
  const times = failed.failures === 1 ? 'once' : `${failed.failures} times in a row`;
  const due = new Date(dueAt(failed)).toISOString();
  const reason = `not attempted at this poll, because it has failed ${times}, last at ${failed.last}: "${words}". It is attempted again at the poll nearest to ${due}; sooner when its settings change, with a new version of this module, or when an operator requests it: ${retries.advice(finding)}`;
  return conclude('failed', { willRetry: true, gate: 'back_off', reason });
};
