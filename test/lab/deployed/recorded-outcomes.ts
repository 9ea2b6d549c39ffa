import type { S3Client } from '@aws-sdk/client-s3';
import { findingKey } from '../../../lambdas/model/finding.ts';
import { epochSeconds } from '../../../lambdas/model/job.ts';
import { type Outcome, outcomeSchema } from '../../../lambdas/model/outcome.ts';
import { standingLines } from '../../../lambdas/model/standing.ts';
import { Evidence } from '../../../scripts/audit/evidence.ts';

/** A line of evidence, and the key of its object. */
interface RecordedOutcome {
  readonly outcome: Outcome;
  readonly evidence: string;
}

/** The outcomes in an evidence bucket, as its readers see them. */
export class RecordedOutcomes {
  readonly #evidence: Evidence;
  /** Objects are never overwritten, so each is read once. */
  readonly #objects = new Map<string, readonly Outcome[]>();

  constructor(s3: S3Client, bucket: string) {
    this.#evidence = new Evidence(s3, bucket);
  }

  /**
   * The outcomes of a poll's findings, without those that it closed: the line that counts for each finding, in the order of
   * the keys.
   * @param at the poll's time
   */
  async ofPoll(rule: string, at: Date): Promise<Outcome[]> {
    const byFinding = new Map<string, RecordedOutcome[]>();
    for (const line of await this.#keptLines(rule, at)) {
      if (line.outcome.outcome === 'closed') continue;
      const key = findingKey(line.outcome.finding);
      byFinding.set(key, [...(byFinding.get(key) ?? []), line]);
    }
    return [...byFinding]
      .sort(([one], [other]) => one.localeCompare(other))
      .flatMap(([, lines]) => standingLines(lines).slice(0, 1))
      .map(({ outcome }) => outcome);
  }

  /** All lines of a poll, including replaced ones, in the order of their ends. */
  async linesOf(rule: string, at: Date): Promise<Outcome[]> {
    return (await this.#keptLines(rule, at)).map(({ outcome }) => outcome);
  }

  /** The keys of a poll's evidence objects with lines of an account's findings, in the order of the keys. */
  async keysOf(rule: string, at: Date, account: string): Promise<string[]> {
    const lines = await this.#keptLines(rule, at);
    const own = lines.filter(({ outcome }) => outcome.finding.account === account);
    return [...new Set(own.map(({ evidence }) => evidence))].sort();
  }

  async #keptLines(rule: string, at: Date): Promise<RecordedOutcome[]> {
    const prefix = `outcomes/date=${at.toISOString().slice(0, 10)}/rule=${rule}/`;
    const lines: RecordedOutcome[] = [];
    for await (const evidence of this.#evidence.keys(prefix))
      lines.push(...(await this.#read(evidence)).map((outcome) => ({ outcome, evidence })));
    const seconds = Math.floor(at.getTime() / 1000);
    return lines
      .filter(({ outcome }) => outcome.undo === undefined && epochSeconds(outcome.poll) === seconds)
      .sort((one, other) => Date.parse(one.outcome.finishedAt) - Date.parse(other.outcome.finishedAt));
  }

  async #read(key: string): Promise<readonly Outcome[]> {
    const known = this.#objects.get(key);
    if (known !== undefined) return known;
    const outcomes = (await this.#evidence.lines(key)).map((line) => outcomeSchema.parse(line));
    this.#objects.set(key, outcomes);
    return outcomes;
  }
}
