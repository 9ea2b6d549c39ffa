import type { Finding } from './finding.ts';
import type { FindingItem } from './table-items.ts';

/**
 * Time for which a finding waits for a scan after its fix: scans may have stopped, or the source's clock may be wrong.
 */
const LONGEST_MILLISECONDS = 24 * 3_600_000;

/**
 * A fix that the source has not scanned yet. The finding is not checked before the next scan or `until`. Times in
 * milliseconds since 1970.
 */
export interface AwaitedScan {
  readonly fixedAt: number;
  readonly until: number;
}

/** Returns the finding's last fix if the source has not scanned the resource since, otherwise undefined. */
export function awaitedScan(
  finding: Pick<Finding, 'lastScanTime' | 'failingSince'>,
  known: Pick<FindingItem, 'outcome' | 'changes'> | undefined,
): AwaitedScan | undefined {
  const fixedAt = fixOf(known);
  if (fixedAt === undefined || !isFromBefore(finding, fixedAt)) return undefined;
  return { fixedAt, until: fixedAt + LONGEST_MILLISECONDS };
}

/** Returns the time of a finding's fix in milliseconds since 1970, if the fix is its last outcome. */
function fixOf(known: Pick<FindingItem, 'outcome' | 'changes'> | undefined): number | undefined {
  const last = known?.changes.at(-1);
  if (known?.outcome !== 'remediated' || last?.outcome !== 'remediated') return undefined;
  return Date.parse(last.at);
}

/**
 * Reports whether the source's last scan of a finding is from before a moment. Checks both of the source's times: a
 * finding that has been failing since a later time was scanned later, even if its scan time is earlier. The times are
 * in whole seconds.
 */
function isFromBefore(
  { lastScanTime, failingSince }: Pick<Finding, 'lastScanTime' | 'failingSince'>,
  moment: number,
): boolean {
  if (lastScanTime === undefined || Date.parse(lastScanTime) > moment) return false;
  return failingSince === undefined || Date.parse(failingSince) <= moment;
}
