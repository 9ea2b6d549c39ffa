/** The effect that takes the place of a step. */
export type StepEffect =
  /** It fails, with this message, without doing anything. */
  | { readonly fail: string }
  /** It doesn't end in time; it hasn't done anything. */
  | 'time-out'
  /** It doesn't end until someone stops the execution, or a test finishes it. */
  | 'hang'
  /** Someone cancels the execution before it. */
  | 'cancel';

/**
 * A fault and the steps that meet it, all conditions together. Faults of the API itself are the proxy's: `throttle`
 * and the like.
 */
export interface AutomationFault {
  readonly document?: string;
  readonly account?: string;
  readonly region?: string;
  /** A parameter's value: `sg-0123`. */
  readonly resource?: string;
  /** Default: the first that the execution comes to. */
  readonly step?: string;
  /** Default: until it is removed. */
  readonly times?: number;
  readonly effect: StepEffect;
}
