import type { Finding } from '../../model/finding.ts';
import type { FindingRecord } from '../record/findings-store.ts';
import { conclude } from '../verdict.ts';
import type { Gate } from './gate.ts';

/** The longest that a fix is trusted without a scan: scans may have stopped, or the source's clock may be wrong. */
const LONGEST_MILLISECONDS = 24 * 3_600_000;

/**
 * The finding was fixed after the scan that it is from: it says nothing new, and nothing is called. A finding of a scan after
 * the fix is looked at at once, as is one whose scan has no time. What an earlier attempt at this job began is gone on with.
 */
export const awaitingScan: Gate = (finding, { memory, journal, retries, ports }) => {
  if (journal.hasBegun(finding.resource)) return undefined;
  const fixedAt = fixOf(memory.of(finding.resource));
  if (fixedAt === undefined || !isFromBefore(finding, fixedAt)) return undefined;
  const end = fixedAt + LONGEST_MILLISECONDS;
  if (ports.clock.now() >= end || retries.isAsked(finding, fixedAt)) return undefined;
  const [fixed, until] = [fixedAt, end].map((moment) => new Date(moment).toISOString());
  const reason = `fixed at ${fixed}, and last scanned at ${finding.lastScanTime}, so that it says nothing new: it is looked at after the next scan, and from ${until} on at the latest; sooner when an operator writes ${retries.advice(finding)}`;
  return conclude('awaiting_scan', { gate: 'awaiting_scan', reason });
};

/** The moment of the fix, where that is the last that happened to a finding. */
function fixOf(known: FindingRecord | undefined): number | undefined {
  const last = known?.changes.at(-1);
  if (known?.outcome !== 'remediated' || last?.outcome !== 'remediated') return undefined;
  return Date.parse(last.at);
}

/**
 * Tells whether a finding is from before a moment. Both times are needed to trust it: one that fails since a later moment was
 * scanned later, whatever its scan's time says. The source gives whole seconds.
 */
function isFromBefore({ lastScanTime, failingSince }: Finding, moment: number): boolean {
  if (lastScanTime === undefined || Date.parse(lastScanTime) > moment) return false;
  return failingSince === undefined || Date.parse(failingSince) <= moment;
}
