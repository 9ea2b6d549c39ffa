import type { S3Client } from '@aws-sdk/client-s3';
import { findingKey } from '../../../lambdas/model/finding.ts';
import { epochSeconds } from '../../../lambdas/model/job.ts';
import { type Outcome, outcomeSchema } from '../../../lambdas/model/outcome.ts';
import { Evidence } from '../../../scripts/audit/evidence.ts';

/** The outcomes in an evidence bucket, as whoever has its objects reads them. */
export class RecordedOutcomes {
  readonly #evidence: Evidence;
  /** Objects are never written over, so each is read once. */
  readonly #objects = new Map<string, readonly Outcome[]>();

  constructor(s3: S3Client, bucket: string) {
    this.#evidence = new Evidence(s3, bucket);
  }

  /**
   * The outcomes of a poll's findings, without those that it closed: one per finding, the last line of each, in the order of their keys.
   * @param at the poll's moment
   */
  async ofPoll(rule: string, at: Date): Promise<Outcome[]> {
    const lines = (await this.linesOf(rule, at)).filter(({ outcome }) => outcome !== 'closed');
    return [...new Map(lines.map((line) => [findingKey(line.finding), line])).entries()]
      .sort(([one], [other]) => one.localeCompare(other))
      .map(([, line]) => line);
  }

  /** All lines of a poll, those that were replaced included, in the order in which they were finished. */
  async linesOf(rule: string, at: Date): Promise<Outcome[]> {
    const prefix = `outcomes/date=${at.toISOString().slice(0, 10)}/rule=${rule}/`;
    const objects: (readonly Outcome[])[] = [];
    for await (const key of this.#evidence.keys(prefix)) objects.push(await this.#read(key));
    const seconds = Math.floor(at.getTime() / 1000);
    return objects
      .flat()
      .filter(({ poll }) => epochSeconds(poll) === seconds)
      .sort((one, other) => Date.parse(one.finishedAt) - Date.parse(other.finishedAt));
  }

  async #read(key: string): Promise<readonly Outcome[]> {
    const known = this.#objects.get(key);
    if (known !== undefined) return known;
    const outcomes = (await this.#evidence.lines(key)).map((line) => outcomeSchema.parse(line));
    this.#objects.set(key, outcomes);
    return outcomes;
  }
}
