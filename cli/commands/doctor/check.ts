import type { Context } from '../../context.ts';
import type { Opened } from '../../deployed/index.ts';
import { isDenied } from '../../errors.ts';
import type { Check } from './result.ts';

/** The input of all checks. */
export interface Patient {
  readonly context: Context;
  readonly opened: Opened;
  readonly regions: readonly string[];
  /** Limits the check of the role to this account. Undefined: all known accounts. */
  readonly account: string | undefined;
  /** The longest time to wait for the remediators, in milliseconds. */
  readonly timeout: number;
}

/** The findings of one check. */
export type Examine = (patient: Patient) => Promise<Check[]>;

export function ok(check: string, place: string, says: string): Check {
  return { check, place, is: 'ok', says };
}

export function attention(check: string, place: string, says: string, remedy: string): Check {
  return { check, place, is: 'attention', says, remedy };
}

/** Runs a check. Its result is `unknown` if AWS denies the caller access. */
export async function unlessDenied(
  check: string,
  place: string,
  policy: string,
  look: () => Promise<Check[]>,
): Promise<Check[]> {
  try {
    return await look();
  } catch (error) {
    if (!isDenied(error)) throw error;
    return [{ check, place, is: 'unknown', says: `not visible to you: it requires the policy ${policy}` }];
  }
}
