import { outcomesKey } from '../../lambdas/model/evidence-keys.ts';
import { type Poll, pollSchema } from '../../lambdas/model/job.ts';
import { outcomesKeySchema } from '../../lambdas/model/requests.ts';
import {
  type FindingItem,
  findingItemKey,
  findingItemSchema,
  leaseItemSchema,
  leaseKey,
} from '../../lambdas/model/table-items.ts';
import { linesSince, placesSince } from '../deployed/history.ts';
import type { Opened } from '../deployed/index.ts';
import {
  type Line,
  linesAt,
  linesOfPoll,
  type PlaceFilter,
  placesOf,
  standing,
} from '../deployed/outcomes.ts';
import { CliError } from '../errors.ts';
import { findKnown } from '../findings/find.ts';
import type { Subject } from '../findings/subject.ts';
import { fixName, isFix } from './fixes.ts';

const MOST_OBJECTS = 100;
/** The time after its poll within which a waiting job is found. Select fixes of jobs that waited longer by their poll. */
const LONGEST_WAIT = 86_400_000;

/** Lines of evidence of the fixes of a resource, and those that were undone, by `fixName`. */
export interface History {
  readonly lines: readonly Line[];
  readonly undone: ReadonlySet<string>;
}

/** Reads the fixes of a resource that its findings remember. */
export async function linesOfSubject(opened: Opened, subject: Subject): Promise<History> {
  const { findings } = await findKnown(opened, subject);
  return historyOf(opened, findings);
}

/** Reads the fixes that findings remember. */
async function historyOf({ evidence }: Opened, items: readonly FindingItem[]): Promise<History> {
  const keys = new Set(items.flatMap(({ changes }) => changes.map((change) => change.evidence)));
  const remembered = new Set(
    items.flatMap((item) => item.changes.map((change) => fixName(change.evidence, item))),
  );
  const read = await linesAt(evidence, [...keys]);
  const lines = read.filter((line) => remembered.has(fixName(line.evidence, line.outcome.finding)));
  const undone = lines.flatMap(({ outcome: { outcome, undo, finding } }) =>
    outcome === 'undone' && undo !== undefined ? fixName(undo.undoes, finding) : [],
  );
  return { lines: lines.filter(isFix), undone: new Set(undone) };
}

/** Determines which of these fixes were undone, from the history of their findings. */
export async function undoneOf(opened: Opened, lines: readonly Line[]): Promise<ReadonlySet<string>> {
  const keys = lines.map(({ outcome: { finding } }) => findingItemKey(finding));
  const items = await opened.table.read(findingItemSchema, keys);
  const withUndo = items.filter(({ changes }) => changes.some(({ outcome }) => outcome === 'undone'));
  return (await historyOf(opened, withUndo)).undone;
}

/** Reads the lines of a poll by its id, `netskope.<rule>@<seconds>`, which is also the name of its sessions. */
export async function linesOfPollId(opened: Opened, id: string, filter: PlaceFilter): Promise<Line[]> {
  const poll = pollOfId(id);
  const summary = poll === undefined ? undefined : await opened.evidence.summary(poll);
  if (poll === undefined || summary === undefined) {
    throw new CliError(
      'notFound',
      `there is no poll ${id.slice(0, 80)}: expected a name such as netskope.security-group-ssh-open@1795560640`,
    );
  }
  return linesOfPoll(opened, poll, placesOf(summary, filter));
}

/** The poll with an id; undefined if the id is malformed. */
function pollOfId(id: string): Poll | undefined {
  const [, rule, seconds] = /^\w+\.(.+)@(\d+)$/.exec(id) ?? [];
  const moment = new Date(Number(seconds) * 1000);
  if (Number.isNaN(moment.getTime())) return undefined;
  return pollSchema.safeParse({ rule, asOf: moment.toISOString().replace('.000Z', 'Z') }).data;
}

/**
 * Reads the lines of a job: by its id, or by the key of an object in the evidence bucket, with or without `s3://` and the bucket.
 * @throws CliError `notFound` if there is none
 */
export async function linesOfJob(opened: Opened, given: string): Promise<Line[]> {
  const key = given.replace(/^s3:\/\/[^/]+\//, '');
  if (outcomesKeySchema.safeParse(key).success) {
    const lines = await opened.evidence.outcomes(key);
    if (lines === undefined) throw new CliError('notFound', `the evidence bucket has no object ${key}`);
    return lines.map((outcome) => ({ outcome, evidence: key }));
  }
  const poll = /^[0-9a-f]{64}$/.test(given) ? await pollOfJob(opened, given) : undefined;
  if (poll === undefined) {
    throw new CliError(
      'notFound',
      `there is no job ${given.slice(0, 80)}: expected its id of 64 hexadecimal digits, or the key of its evidence`,
    );
  }
  const lines: Line[] = [];
  for (let number = 1; number <= MOST_OBJECTS; number += 1) {
    const evidence = outcomesKey(poll, given, number);
    const found = await opened.evidence.outcomes(evidence);
    if (found === undefined) break;
    lines.push(...found.map((outcome) => ({ outcome, evidence })));
  }
  return standing(lines);
}

async function pollOfJob({ table, deployment }: Opened, job: string): Promise<Poll | undefined> {
  const [lease] = await table.read(
    leaseItemSchema,
    deployment.regions.map((region) => leaseKey(region, job)),
  );
  return pollSchema.safeParse(lease?.poll).data;
}

/** Reads the lines of everything that rules changed since a given time. */
export async function linesOfRulesSince(
  opened: Opened,
  rules: readonly string[],
  { since, now, filter }: { readonly since: Date; readonly now: Date; readonly filter: PlaceFilter },
): Promise<Line[]> {
  const lines: Line[] = [];
  for (const rule of rules) {
    const begin = new Date(since.getTime() - LONGEST_WAIT);
    const places = await placesSince(opened, rule, begin, filter);
    const found = await linesSince(opened, rule, { since: begin, now }, places);
    lines.push(
      ...found.filter(({ outcome }) =>
        outcome.applied.some(({ appliedAt }) => Date.parse(appliedAt) >= since.getTime()),
      ),
    );
  }
  return lines;
}
