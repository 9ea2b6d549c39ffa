import type { Finding } from './finding.ts';
import type { FindingItem } from './table-items.ts';

/** The longest that a fix is trusted without a scan: scans may have stopped, or the source's clock may be wrong. */
const LONGEST_MILLISECONDS = 24 * 3_600_000;

/** A fix, after which a finding is from before: nothing is checked until a scan, or until then. Milliseconds since 1970. */
export interface AwaitedScan {
  readonly fixedAt: number;
  readonly until: number;
}

/** The fix after which a finding was not scanned yet; undefined if there is none. */
export function awaitedScan(
  finding: Pick<Finding, 'lastScanTime' | 'failingSince'>,
  known: Pick<FindingItem, 'outcome' | 'changes'> | undefined,
): AwaitedScan | undefined {
  const fixedAt = fixOf(known);
  if (fixedAt === undefined || !isFromBefore(finding, fixedAt)) return undefined;
  return { fixedAt, until: fixedAt + LONGEST_MILLISECONDS };
}

/** The time of the fix, if it was the last thing that happened to a finding. */
function fixOf(known: Pick<FindingItem, 'outcome' | 'changes'> | undefined): number | undefined {
  const last = known?.changes.at(-1);
  if (known?.outcome !== 'remediated' || last?.outcome !== 'remediated') return undefined;
  return Date.parse(last.at);
}

/**
 * Reports whether a finding is from before a moment. Both times are needed to trust it: one that fails since a later moment was
 * scanned later, whatever its scan's time says. The source gives whole seconds.
 */
function isFromBefore(
  { lastScanTime, failingSince }: Pick<Finding, 'lastScanTime' | 'failingSince'>,
  moment: number,
): boolean {
  if (lastScanTime === undefined || Date.parse(lastScanTime) > moment) return false;
  return failingSince === undefined || Date.parse(failingSince) <= moment;
}
