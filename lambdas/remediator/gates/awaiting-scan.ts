import { awaitedScan } from '../../model/awaiting-scan.ts';
import { conclude } from '../verdict.ts';
import type { Gate } from './gate.ts';

/**
 * Stops a finding that was fixed after the scan that reported it. It contains nothing new, so AWS is not called.
 * Findings of a later scan, and findings without the time of their scan, are checked. Changes that an earlier attempt
 * at this job began are continued.
 */
export const awaitingScan: Gate = (finding, { memory, journal, retries, ports }) => {
  if (journal.hasBegun(finding.resource)) return undefined;
  const awaited = awaitedScan(finding, memory.of(finding.resource));
  if (awaited === undefined || ports.clock.now() >= awaited.until) return undefined;
  if (retries.isAsked(finding, awaited.fixedAt)) return undefined;
  const [fixed, until] = [awaited.fixedAt, awaited.until].map((moment) => new Date(moment).toISOString());
  const reason = `fixed at ${fixed}, after the last scan at ${finding.lastScanTime}: it is checked again after the next scan, or after ${until} if there is none; to check it sooner: ${retries.advice(finding)}`;
  return conclude('awaiting_scan', { gate: 'awaiting_scan', reason });
};
