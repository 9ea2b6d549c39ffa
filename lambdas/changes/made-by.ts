import { isDeepStrictEqual } from 'node:util';
import type { RecordedChange } from '../model/outcome.ts';

type Change = RecordedChange['change'];

/** The field, by kind of change, with the id that AWS gave to what was made, or with the parts that bear a job’s mark. */
const MARKS: Readonly<Record<string, string>> = {
  'automation-execution-start': 'executionId',
  'flow-log-create': 'flowLogId',
  'log-group-create': 'made',
};

/**
 * Reports whether two records of the same change may be of one and the same call. What bears another mark, or is another part,
 * was made by another call.
 */
export function mayBeSameCall(one: Change, other: Change): boolean {
  const mark = MARKS[one.kind];
  return mark === undefined || isDeepStrictEqual(one[mark], other[mark]);
}

/**
 * Reports whether a change that was made found nothing of it there. A log group that is there already is left as it is, or given
 * its retention: another job may have made it.
 */
export function foundNothing({ kind, made }: Change): boolean {
  return kind !== 'log-group-create' || !Array.isArray(made) || made.includes('log group');
}
