import { isDeepStrictEqual } from 'node:util';
import type { RecordedChange } from '../model/outcome.ts';

type Change = RecordedChange['change'];

/**
 * Name of the field with the id of the created resource, or with the parts that have a job's mark, by kind of change.
 */
const MARKS: Readonly<Record<string, string>> = {
  'automation-execution-start': 'executionId',
  'flow-log-create': 'flowLogId',
  'log-group-create': 'made',
};

/**
 * Checks whether two records of the same change may describe the same call. Records with different marks or parts
 * describe different calls.
 */
export function mayBeSameCall(one: Change, other: Change): boolean {
  const mark = MARKS[one.kind];
  return mark === undefined || isDeepStrictEqual(one[mark], other[mark]);
}

/**
 * Checks whether an applied change created everything itself, so that its record shows who made it. False for a log
 * group that already existed and at most got its retention, because another job may have created it.
 */
export function foundNothing({ kind, made }: Change): boolean {
  return kind !== 'log-group-create' || !Array.isArray(made) || made.includes('log group');
}
