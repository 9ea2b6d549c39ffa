import type { AppliedChange } from '../../model/outcome.ts';
import type { Verdict } from '../verdict.ts';

/** The progress of applying a fix's plan. */
export interface Application {
  readonly applied: readonly AppliedChange[];
  /**
   * `stopped`: a verdict ended it. `stale`: the state that the plan depends on has changed, so a new plan is needed.
   */
  readonly end:
    | { readonly is: 'applied' }
    | { readonly is: 'stale'; readonly words: string }
    | { readonly is: 'stopped'; readonly verdict: Verdict; readonly error?: unknown };
}
