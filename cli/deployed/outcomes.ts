import pLimit from 'p-limit';
import { outcomesKey } from '../../lambdas/model/evidence-keys.ts';
import { findingKey } from '../../lambdas/model/finding.ts';
import type { Poll } from '../../lambdas/model/job.ts';
import type { Outcome } from '../../lambdas/model/outcome.ts';
import type { PollSummary } from '../../lambdas/model/poll-summary.ts';
import { type DoneItem, doneItemSchema, doneKey } from '../../lambdas/model/table-items.ts';
import { type Evidence, OBJECTS_AT_ONCE } from './evidence.ts';
import type { Table } from './table.ts';

/** An account, and a region whose remediator processes its jobs. */
export interface Place {
  readonly account: string;
  readonly region: string;
}

/** Limits results to an account or region. Undefined: all. */
export interface PlaceFilter {
  readonly account?: string | undefined;
  readonly region?: string | undefined;
}

/** A line of evidence, and the key of its object. */
export interface Line {
  readonly outcome: Outcome;
  readonly evidence: string;
}

/** Reports whether a place is among those that are requested. */
function isWanted({ account, region }: Place, filter: PlaceFilter): boolean {
  return (
    (filter.account === undefined || filter.account === account) &&
    (filter.region === undefined || filter.region === region)
  );
}

/** The places to which a poll sent jobs. */
export function placesOf({ destinations }: PollSummary, filter: PlaceFilter = {}): Place[] {
  return destinations
    .filter((place) => isWanted(place, filter))
    .map(({ account, region }) => ({ account, region }));
}

/**
 * Reads the valid lines of a poll: one per finding, without those that another line replaces. Findings without an outcome are
 * missing.
 */
export async function linesOfPoll(
  { table, evidence }: { readonly table: Table; readonly evidence: Evidence },
  poll: Poll,
  places: readonly Place[],
): Promise<Line[]> {
  const { rule } = poll;
  const items = await table.read(
    doneItemSchema,
    places.map((place) => doneKey({ rule, poll, ...place })),
  );
  return linesOfJobs(evidence, items);
}

/** Reads the valid lines that jobs wrote. */
export async function linesOfJobs(
  evidence: Pick<Evidence, 'outcomes'>,
  items: readonly DoneItem[],
): Promise<Line[]> {
  const keys = items.flatMap(({ poll, jobs }) =>
    jobs.filter(({ number }) => number > 0).map(({ job, number }) => outcomesKey(poll, job, number)),
  );
  return standing(await linesAt(evidence, [...new Set(keys)]));
}

/** Reads the lines of evidence objects. A missing object has none: it is announced before it is written. */
export async function linesAt(
  evidence: Pick<Evidence, 'outcomes'>,
  keys: readonly string[],
): Promise<Line[]> {
  const lines = await pLimit(OBJECTS_AT_ONCE).map(keys, async (key) =>
    ((await evidence.outcomes(key)) ?? []).map((outcome): Line => ({ outcome, evidence: key })),
  );
  return lines.flat();
}

/** Returns the valid line of each finding and poll: the last one that no other line replaces. */
export function standing(lines: readonly Line[]): Line[] {
  const byFinding = new Map<string, Line[]>();
  for (const line of lines) {
    const key = `${findingKey(line.outcome.finding)} ${line.outcome.poll.asOf}`;
    byFinding.set(key, [...(byFinding.get(key) ?? []), line]);
  }
  return [...byFinding.values()].flatMap((all) => {
    const replaced = new Set(
      all.flatMap(({ outcome: { replaces, alsoReplaces = [] } }) => [replaces, ...alsoReplaces]),
    );
    const left = all.filter(({ evidence }) => !replaced.has(evidence));
    return left.sort(byEnd).slice(-1);
  });
}

function byEnd(one: Line, other: Line): number {
  return Date.parse(one.outcome.finishedAt) - Date.parse(other.outcome.finishedAt);
}
