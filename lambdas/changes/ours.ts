import type { z } from 'zod';
import { StalePlanError } from '../model/errors.ts';
import type { Change } from './change.ts';

/** Selects the changes that match a schema, in order. */
export function ofForm<C>(schema: z.ZodType<C>, changes: readonly Change[]): C[] {
  return changes.flatMap((change) => schema.safeParse(change).data ?? []);
}

/** Creates the error for a stale read, which shows the state before our own change and must not be used. */
export function olderThanOurs(what: string): StalePlanError {
  return new StalePlanError(
    `${what}: AWS's reads do not show the latest change yet; nothing is changed until they do`,
  );
}
