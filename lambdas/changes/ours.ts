import type { z } from 'zod';
import { StalePlanError } from '../model/errors.ts';
import type { Change } from './change.ts';

/** Picks the changes of one form, in their order. */
export function ofForm<C>(schema: z.ZodType<C>, changes: readonly Change[]): C[] {
  return changes.flatMap((change) => schema.safeParse(change).data ?? []);
}

/** Makes the error for a look that shows what stood there before our own change: it is older, and nothing rests on it. */
export function olderThanOurs(what: string): StalePlanError {
  return new StalePlanError(
    `${what}: AWS's reads do not show the latest change yet; nothing is changed until they do`,
  );
}
