import { createHash } from 'node:crypto';
import type { Poll } from './job.ts';

/** Maximum length of a resource in a key. S3 limits an object key to 1,024 bytes. */
const MAX_RESOURCE_IN_KEY = 512;

/**
 * Encodes a resource for a key. A digest replaces text that is too long or can't be encoded, because no rule accepts it
 * as an id and nobody looks it up by name.
 */
export function resourceInKey(resource: string): string {
  const isText = !/\p{Surrogate}/u.test(resource);
  const encoded = isText ? encodeURIComponent(resource) : '';
  if (isText && encoded.length <= MAX_RESOURCE_IN_KEY) return encoded;
  return createHash('sha256').update(JSON.stringify(resource)).digest('hex');
}

/** The prefix of all evidence of polls that only plan, which contains no outcomes of findings. */
const PLANS = 'plans/';

/** Returns the prefix of a poll's evidence. */
export function evidencePrefix({ plans }: Pick<Poll, 'plans'>): string {
  return plans === true ? PLANS : '';
}

/**
 * Builds the object key `outcomes/date=<the poll's day>/rule=<rule>/<name>-<number>.jsonl.gz`, whose `date=` and
 * `rule=` Athena and DuckDB read as partitions. All objects of a poll have the poll's day, regardless of when they are
 * written. For a poll that only plans, the key has the prefix `plans/`.
 * @param name the id of the job that the lines belong to
 * @param number the number of the object among the job's objects, from 1
 */
export function outcomesKey(
  poll: Pick<Poll, 'asOf' | 'rule' | 'plans'>,
  name: string,
  number: number,
): string {
  const { asOf, rule } = poll;
  return `${evidencePrefix(poll)}outcomes/date=${asOf.slice(0, 10)}/rule=${rule}/${name}-${number}.jsonl.gz`;
}
