/** The effect that replaces a step. */
export type StepEffect =
  /** Fails, with this message, without doing anything. */
  | { readonly fail: string }
  /** Times out without having done anything. */
  | 'time-out'
  /** Lasts until someone stops the execution, or a test finishes it. */
  | 'hang'
  /** Cancellation of the execution by someone before the step. */
  | 'cancel';

/**
 * A fault of the steps that meet all its conditions. Faults of the API itself, such as `throttle`, are injected into the
 * proxy.
 */
export interface AutomationFault {
  readonly document?: string;
  readonly account?: string;
  readonly region?: string;
  /** A parameter's value: `sg-0123`. */
  readonly resource?: string;
  /** Default: the first step that the execution reaches. */
  readonly step?: string;
  /** Default: until it is removed. */
  readonly times?: number;
  readonly effect: StepEffect;
}
