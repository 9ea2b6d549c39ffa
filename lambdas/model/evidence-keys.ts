import { createHash } from 'node:crypto';
import type { Poll } from './job.ts';

/** A key holds 1,024 bytes. */
const MAX_RESOURCE_IN_KEY = 512;

/**
 * A resource's part of a key. Text that is too long, or can't be encoded, is not an id that any rule accepts, so nobody
 * looks it up by name.
 */
export function resourceInKey(resource: string): string {
  const isText = !/\p{Surrogate}/u.test(resource);
  const encoded = isText ? encodeURIComponent(resource) : '';
  if (isText && encoded.length <= MAX_RESOURCE_IN_KEY) return encoded;
  return createHash('sha256').update(JSON.stringify(resource)).digest('hex');
}

/** The prefix of all evidence of plans on demand, which contains no outcomes of findings. */
const PLANS = 'plans/';

/** The prefix of a poll's evidence. */
export function evidencePrefix({ plans }: Pick<Poll, 'plans'>): string {
  return plans === true ? PLANS : '';
}

/**
 * `outcomes/date=<the poll's day>/rule=<rule>/<name>-<number>.jsonl.gz`: in the form of which Athena and DuckDB make
 * partitions. All that is written of a poll has the same day, whenever it was written. Of one that only plans: below `plans/`.
 * @param name what the lines belong to: a job's id
 * @param number counts its objects from 1
 */
export function outcomesKey(
  poll: Pick<Poll, 'asOf' | 'rule' | 'plans'>,
  name: string,
  number: number,
): string {
  const { asOf, rule } = poll;
  return `${evidencePrefix(poll)}outcomes/date=${asOf.slice(0, 10)}/rule=${rule}/${name}-${number}.jsonl.gz`;
}
