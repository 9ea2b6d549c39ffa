import { createHash } from 'node:crypto';
import type { Poll } from './job.ts';

/** A key holds 1,024 bytes. */
const MAX_RESOURCE_IN_KEY = 512;

/**
 * A resource's part of a key. What is too long, or can't be encoded, is no id that any rule takes, so nobody looks it
 * up by its name.
 */
export function resourceInKey(resource: string): string {
  const isText = !/\p{Surrogate}/u.test(resource);
  const encoded = isText ? encodeURIComponent(resource) : '';
  if (isText && encoded.length <= MAX_RESOURCE_IN_KEY) return encoded;
  return createHash('sha256').update(JSON.stringify(resource)).digest('hex');
}

/**
 * `outcomes/date=<the poll's day>/rule=<rule>/<name>-<number>.jsonl.gz`: in the form of which Athena and DuckDB make
 * partitions. All that is written of a poll has the same day, whenever it was written.
 * @param name what the lines belong to: a job's id
 * @param number counts its objects from 1
 */
export function outcomesKey(
  { asOf, rule }: Pick<Poll, 'asOf' | 'rule'>,
  name: string,
  number: number,
): string {
  return `outcomes/date=${asOf.slice(0, 10)}/rule=${rule}/${name}-${number}.jsonl.gz`;
}
