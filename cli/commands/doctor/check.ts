import type { Context } from '../../context.ts';
import type { Opened } from '../../deployed/index.ts';
import { isDenied } from '../../errors.ts';
import type { Check } from './result.ts';

/** All that checks are made with. */
export interface Patient {
  readonly context: Context;
  readonly opened: Opened;
  readonly regions: readonly string[];
  /** The only account in which the role is checked. */
  readonly account: string | undefined;
  /** Milliseconds for which remediators are waited for. */
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

/** Makes a check whose result is `unknown` where the caller may not see it. */
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
