import pLimit from 'p-limit';
import { undoneItemSchema, undoneMoment, undonePartition } from '../../lambdas/model/requests.ts';
import { parseItem } from '../../lambdas/model/table-items.ts';
import { doneJobsSince, type Partitions } from './done-jobs.ts';
import type { Evidence } from './evidence.ts';
import type { Opened } from './index.ts';
import { type Line, linesAt, linesOfJobs, type Place, type PlaceFilter, placesOf } from './outcomes.ts';

const PARTITIONS_AT_ONCE = 16;
const DAY = 86_400_000;

/**
 * The places to which a rule's polls have sent jobs since a given time. Findings that are no longer reported are closed in
 * these places, too.
 */
export async function placesSince(
  { evidence }: Pick<Opened, 'evidence'>,
  rule: string,
  since: Date,
  filter: PlaceFilter,
): Promise<Place[]> {
  // A finding that is closed now was reported by an earlier poll.
  const summaries = await evidence.summariesSince(rule, new Date(since.getTime() - DAY));
  const places = summaries.flatMap((summary) => placesOf(summary, filter));
  return [...new Map(places.map((place) => [`${place.account} ${place.region}`, place])).values()];
}

/** Reads the valid lines of a rule's polls since a given time, in the given places. */
export async function linesSince(
  { table, evidence }: { readonly table: Partitions; readonly evidence: Pick<Evidence, 'outcomes'> },
  rule: string,
  period: { readonly since: Date; readonly now: Date },
  places: readonly Place[],
): Promise<Line[]> {
  const items = await pLimit(PARTITIONS_AT_ONCE).map(places, ({ account, region }) =>
    doneJobsSince(table, { rule, account, region }, period),
  );
  return linesOfJobs(evidence, items.flat());
}

/** Selects undos. */
interface UndoFilter {
  /** Undefined: all. */
  readonly rule: string | undefined;
  /** Undefined: all. */
  readonly account: string | undefined;
  /** The regions whose remediators acted. */
  readonly regions: readonly string[];
}

/** Reads the lines of undos that were requested since a given time. They do not belong to a poll. */
export async function undosSince(
  { table, evidence }: Pick<Opened, 'table' | 'evidence'>,
  { since, now }: { readonly since: Date; readonly now: Date },
  { rule, account, regions }: UndoFilter,
): Promise<Line[]> {
  const range = { from: undoneMoment(since), to: undoneMoment(new Date(now.getTime() + DAY)) };
  const items = await pLimit(PARTITIONS_AT_ONCE).map(regions, (region) =>
    table.partition(undonePartition(region), range),
  );
  const wanted = items
    .flat()
    .map((item) => parseItem(undoneItemSchema, item))
    .filter(
      (item) =>
        (rule === undefined || item.rule === rule) && (account === undefined || item.account === account),
    );
  return linesAt(
    evidence,
    wanted.map(({ evidence: key }) => key),
  );
}
