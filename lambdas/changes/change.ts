import type { z } from 'zod';
import type { AwsSession } from '../aws/session.ts';

/** One change to one resource, as data: what a plan is made of, what evidence keeps, what undo inverts. */
export interface Change {
  /** Which kind of change: the key of `lambdas/changes/index.ts`. */
  readonly kind: string;
  /** The id of the resource that is changed. */
  readonly resource: string;
}

/**
 * A kind of change: how a change of this kind is described, applied and undone.
 *
 * Applying is idempotent: what is done already (a rule that is gone, a rule that exists) is success.
 */
export interface ChangeKind<C extends Change> {
  readonly kind: C['kind'];
  readonly schema: z.ZodType<C>;
  /** One line without line breaks, as `terraform plan` would print it: `+`, `-` or `~`, a space, and what. */
  describe(change: C): string;
  /**
   * Makes the change in AWS.
   * @returns the change with what only AWS could tell filled in (the id of what was made): what `inverse` needs.
   * @throws ChangeRefusedError when AWS refuses it and a person should read why; AWS's own error otherwise.
   */
  apply(session: AwsSession, change: C): Promise<C>;
  /** The change that undoes an applied change, or undefined where there is none. Pure. */
  inverse(applied: C): Change | undefined;
}
