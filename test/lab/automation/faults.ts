/** The effect that takes the place of a step. */
export type StepEffect =
  /** Fails, with this message, without doing anything. */
  | { readonly fail: string }
  /** Runs out of time; it hasn't done anything. */
  | 'time-out'
  /** Lasts until someone stops the execution, or a test finishes it. */
  | 'hang'
  /** A cancel of the execution by someone before it. */
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
