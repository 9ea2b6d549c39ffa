/**
 * The errors of this project. Each has a `name` to tell it by, says what was wrong with which value and what was
 * expected, and keeps its cause. Errors never hold a secret.
 */
export abstract class AutomationError extends Error {
  abstract override readonly name: string;
}

/** An invalid setting, environment variable, or message. Final: another attempt would fail, too. */
export class InvalidInputError extends AutomationError {
  override readonly name = 'InvalidInputError';
}

/** Settings that can't be read, don't fit together or don't parse. The rule stops: nothing is changed. */
export class SettingsError extends AutomationError {
  override readonly name = 'SettingsError';
}

/** The source of findings did not answer as documented, after all retries. */
export class FindingSourceError extends AutomationError {
  override readonly name = 'FindingSourceError';
  /** HTTP status of the last answer; undefined when there was none. */
  readonly status: number | undefined;
  constructor(message: string, options?: ErrorOptions & { status?: number }) {
    super(message, options);
    this.status = options?.status;
  }
}

/** A queue or an event bus did not accept a message after all retries. Messages that it accepted before stay there. */
export class DeliveryError extends AutomationError {
  override readonly name = 'DeliveryError';
}

/**
 * A change that AWS refused in a way that means nothing was done. `because`: `busy` where the resource is being changed
 * by something else, so that the same change may be accepted later; `gone` if the resource no longer exists;
 * `refused` for everything that someone has to see to, for instance a full security group.
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
 * The resource is gone or has changed since the plan was made. Nothing was changed, or all changes have been taken back,
 * so the finding is planned again.
 */
export class StalePlanError extends AutomationError {
  override readonly name = 'StalePlanError';
}

/**
 * A gate stops a change between its calls, at a place where it is safe to stop. What it made is noted, stays, and is continued
 * with or taken back later.
 */
export class BlockedError extends AutomationError {
  override readonly name: string = 'BlockedError';
}

/**
 * A call is not sent, because the checks and reads before it are too old when it would be sent.
 * All is checked and read again.
 */
export class OutdatedError extends BlockedError {
  override readonly name = 'OutdatedError';
}

/**
 * A thing that a change wrote has lost its purpose and could not be taken back, so that it still stands. The message
 * names it. The finding stays pending until it is gone, and an alarm tells people.
 */
export class TakeBackError extends AutomationError {
  override readonly name = 'TakeBackError';
}

/** Another attempt is working on the job, so this one does nothing. The job comes back after the other attempt. */
export class LeaseHeldError extends AutomationError {
  override readonly name = 'LeaseHeldError';
  /** Latest end of the other one, in milliseconds since 1970. Undefined if unknown. */
  readonly until: number | undefined;
  constructor(message: string, options?: ErrorOptions & { until?: number }) {
    super(message, options);
    this.until = options?.until;
  }
}

/** An item of the findings table that was written by another version of this product, or by somebody else. */
export class UnreadableItemError extends AutomationError {
  override readonly name = 'UnreadableItemError';
}

/** The function's time is up before everything is done: the next attempt does the rest. */
export class OutOfTimeError extends AutomationError {
  override readonly name = 'OutOfTimeError';
}

/** A job that could not be finished in this attempt: it goes back to the queue, or to the dead-letter queue. */
export class UnfinishedJobError extends AutomationError {
  override readonly name = 'UnfinishedJobError';
}

/**
 * Meaning of an error for the finding at work.
 * - `unavailable`: throttled, 5xx, a network fault, an expired session, no time left: it may go well later, so the
 *   message goes back.
 * - `refused`: AWS understood and said no (denied, invalid, quota): the finding has failed, with this reason.
 * - `bug`: anything else: the message goes back, and an alarm tells someone.
 */
export type ErrorKind = 'unavailable' | 'refused' | 'bug';
