import { setTimeout as delay } from 'node:timers/promises';
import { outcomesKey } from '../../lambdas/model/evidence-keys.ts';
import type { Poll } from '../../lambdas/model/job.ts';
import type { PollSummary } from '../../lambdas/model/poll-summary.ts';
import { doneItemSchema, doneKey } from '../../lambdas/model/table-items.ts';
import type { Opened } from '../deployed/index.ts';
import { type Line, placesOf, standing } from '../deployed/outcomes.ts';

const FIRST_WAIT = 500;
const LONGEST_WAIT = 5_000;

/** The progress of a poll. */
export interface WatchedPoll {
  readonly poll: Poll;
  readonly summary: PollSummary;
  /** One line per finding that has an outcome. */
  readonly lines: readonly Line[];
  /** The number of findings without one. */
  readonly missing: number;
}

/**
 * Waits until all findings of a poll's jobs have outcomes.
 * @param until the end of the wait, in milliseconds since 1970
 * @param say called with the number of outcomes so far
 */
export async function watchPoll(
  opened: Opened,
  poll: Poll,
  { until, say }: { readonly until: number; readonly say: (done: number, of: number) => void },
): Promise<WatchedPoll> {
  const summary = await opened.evidence.summary(poll);
  if (summary === undefined)
    throw new Error(`the collector wrote no summary of ${poll.rule} at ${poll.asOf}`);
  const reader = new PollReader(opened, summary);
  for (let wait = FIRST_WAIT; ; wait = Math.min(wait * 1.5, LONGEST_WAIT)) {
    const lines = await reader.read();
    const missing = Math.max(0, summary.findings - lines.length);
    say(lines.length, summary.findings);
    if (missing === 0 || Date.now() + wait > until) return { poll, summary, lines, missing };
    await delay(wait);
  }
}

/** Reads the lines of a poll repeatedly, but each object only once. */
class PollReader {
  readonly #opened: Opened;
  readonly #summary: PollSummary;
  readonly #read = new Map<string, readonly Line[]>();

  constructor(opened: Opened, summary: PollSummary) {
    this.#opened = opened;
    this.#summary = summary;
  }

  /** The valid lines, without those of findings that the poll closed. */
  async read(): Promise<Line[]> {
    const { table, evidence } = this.#opened;
    const { poll } = this.#summary;
    const keys = placesOf(this.#summary).map((place) => doneKey({ rule: poll.rule, poll, ...place }));
    const items = await table.read(doneItemSchema, keys);
    const objects = items.flatMap(({ jobs }) =>
      jobs.map(({ job, number }) => outcomesKey(poll, job, number)),
    );
    await Promise.all(
      objects
        .filter((key) => !this.#read.has(key))
        .map(async (key) => {
          const lines = await evidence.outcomes(key);
          if (lines !== undefined)
            this.#read.set(
              key,
              lines.map((outcome) => ({ outcome, evidence: key })),
            );
        }),
    );
    return standing([...this.#read.values()].flat()).filter(({ outcome }) => outcome.outcome !== 'closed');
  }
}
