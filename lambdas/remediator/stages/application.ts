import type { AppliedChange } from '../../model/outcome.ts';
import type { Verdict } from '../verdict.ts';

/** The plan of a fix as far as it came. */
export interface Application {
  readonly applied: readonly AppliedChange[];
  /** `stopped` has the verdict; `stale`: what the plan rests on is gone or different, and it must be recreated. */
  readonly end:
    | { readonly is: 'applied' }
    | { readonly is: 'stale'; readonly words: string }
    | { readonly is: 'stopped'; readonly verdict: Verdict; readonly error?: unknown };
}
