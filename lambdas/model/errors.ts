/**
 * The base class of this project's errors. Each error has a distinct `name`, a message that names the wrong value and
 * the expected one, and its cause. Errors never contain a secret.
 */
export abstract class AutomationError extends Error {
  abstract override readonly name: string;
}

/** An invalid setting, environment variable, or message. Final: another attempt would fail, too. */
export class InvalidInputError extends AutomationError {
  override readonly name = 'InvalidInputError';
}

/** Settings that can't be read or parsed, or that contradict each other. The rule stops: nothing is changed. */
export class SettingsError extends AutomationError {
  override readonly name = 'SettingsError';
}

/** The source of findings did not answer as documented, after all retries. */
export class FindingSourceError extends AutomationError {
  override readonly name = 'FindingSourceError';
  /** HTTP status of the last answer; undefined if there was no answer. */
  readonly status: number | undefined;
  constructor(message: string, options?: ErrorOptions & { status?: number }) {
    super(message, options);
    this.status = options?.status;
  }
}

/**
 * A queue or an event bus did not accept a message, even after all retries. Messages that it had accepted before are
 * delivered.
 */
export class DeliveryError extends AutomationError {
  override readonly name = 'DeliveryError';
}

/**
 * A change that AWS refused, so that nothing was changed. `because` is `busy` if something else is changing the
 * resource, so that AWS may accept the same change later; `gone` if the resource no longer exists; `refused` for
 * everything that a person has to resolve, for example a full security group.
 */
export class ChangeRefusedError extends AutomationError {
  override readonly name = 'ChangeRefusedError';
  readonly because: 'refused' | 'busy' | 'gone';
  constructor(message: string, options?: ErrorOptions & { because?: 'refused' | 'busy' | 'gone' }) {
    super(message, options);
    this.because = options?.because ?? 'refused';
  }
}

/**
 * The resource is gone or has changed since the plan was made. Nothing was changed, or all changes have been taken
 * back. The finding is planned again.
 */
export class StalePlanError extends AutomationError {
  override readonly name = 'StalePlanError';
}

/**
 * A gate stops a change between two of its calls, at a point where stopping is safe. The calls already made are
 * recorded and stay in effect. A later attempt completes or takes back the change.
 */
export class BlockedError extends AutomationError {
  override readonly name: string = 'BlockedError';
}

/** A call is not sent, because the checks and reads that it depends on would be too old by then. They are repeated. */
export class OutdatedError extends BlockedError {
  override readonly name = 'OutdatedError';
}

/**
 * The error for something that a change created, that is no longer needed, and that could not be taken back, so it
 * still exists. The message names it. The finding stays pending until it is gone, and an alarm notifies people.
 */
export class TakeBackError extends AutomationError {
  override readonly name = 'TakeBackError';
}

/**
 * Another attempt is working on the job, so this one does nothing. The job is delivered again after the other attempt has
 * ended.
 */
export class LeaseHeldError extends AutomationError {
  override readonly name = 'LeaseHeldError';
  /** The latest time at which the other attempt ends, in milliseconds since 1970. Undefined if unknown. */
  readonly until: number | undefined;
  constructor(message: string, options?: ErrorOptions & { until?: number }) {
    super(message, options);
    this.until = options?.until;
  }
}

/** An item of the findings table that another version of this product, or someone else, wrote. */
export class UnreadableItemError extends AutomationError {
  override readonly name = 'UnreadableItemError';
}

/** The function's time is up before all work is done. The next attempt does the rest. */
export class OutOfTimeError extends AutomationError {
  override readonly name = 'OutOfTimeError';
}

/** A job that could not be finished in this attempt. It returns to the queue, or goes to the dead-letter queue. */
export class UnfinishedJobError extends AutomationError {
  override readonly name = 'UnfinishedJobError';
}

/**
 * The meaning of an error for the finding that is being processed.
 * - `unavailable`: throttled, 5xx, a network fault, an expired session, no time left. A later attempt may succeed, so
 *   the message returns to the queue.
 * - `refused`: AWS understood the request and refused it (denied, invalid, quota). The finding has failed, with this
 *   reason.
 * - `bug`: anything else. The message returns to the queue, and an alarm notifies people.
 */
export type ErrorKind = 'unavailable' | 'refused' | 'bug';
