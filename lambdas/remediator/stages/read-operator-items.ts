import type { Finding } from '../../model/finding.ts';
import { isChanging } from '../../model/mode.ts';
import { namesOfHolds, namesOfRetries } from '../../model/operator-items.ts';
import type { ConfiguredWork } from '../work.ts';

/**
 * Reads, in one call, the holds and retries that operators have set for findings, and the counters of changes. Holds
 * and counters are only read if the mode allows changes, and retries only for findings that may have to wait.
 * @throws AWS's own error if the table can't be read
 */
export async function readOperatorItems(findings: readonly Finding[], work: ConfiguredWork): Promise<void> {
  const { job, mode, memory, holds, retries, counts, ports } = work;
  const mayChange = isChanging(mode);
  const watched = mayChange ? findings.flatMap((finding) => namesOfHolds(finding, [finding.resource])) : [];
  const waiting = mode === 'off' ? [] : findings.filter(({ resource }) => memory.mayWait(resource));
  if (!mayChange && waiting.length === 0) return;
  const at = ports.clock.now();
  const asked = {
    holds: watched,
    retries: waiting.flatMap(namesOfRetries),
    ...(mayChange && { counted: job }),
  };
  const read = await ports.table.readOperatorItems(asked);
  retries.keep(read.retries);
  if (!mayChange) return;
  holds.keep(watched, read.holds, at);
  counts.keep(read.counters);
}

/** Finds the resources whose earlier failures operators have cleared. */
export function clearedBy(
  findings: readonly Finding[],
  { memory, retries }: Pick<ConfiguredWork, 'memory' | 'retries'>,
): ReadonlySet<string> {
  const cleared = findings.filter((finding) => {
    const failed = memory.of(finding.resource)?.backOff;
    return failed !== undefined && retries.isAsked(finding, Date.parse(failed.last));
  });
  return new Set(cleared.map(({ resource }) => resource));
}
