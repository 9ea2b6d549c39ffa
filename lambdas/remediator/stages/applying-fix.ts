import type { Change } from '../../changes/change.ts';
import type { AppliedChange } from '../../model/outcome.ts';
import type { PlannedFix } from '../planned-fix.ts';
import type { Reading } from '../reading.ts';
import type { Verdict } from '../verdict.ts';
import type { Application } from './application.ts';
import type { MadeChange } from './apply-change.ts';

/** A plan that is being applied, as far as it came. */
export class ApplyingFix {
  readonly fix: PlannedFix;
  readonly #applied: AppliedChange[] = [];
  #index = 0;
  #sends = 0;
  #reading: Reading;
  #callsSince = 0;
  #end: Application['end'] | undefined;

  constructor(fix: PlannedFix) {
    this.fix = fix;
    this.#reading = fix.reading;
    if (fix.changes.length === 0) this.#end = { is: 'applied' };
  }

  /** The finding's resource. */
  get resource(): string {
    return this.fix.finding.resource;
  }

  /** The number of the change that is to be made next. */
  get index(): number {
    return this.#index;
  }

  /** The change that is to be made next. */
  get next(): Change {
    const change = this.fix.changes[this.#index];
    if (change === undefined) throw new Error(`the plan of ${this.resource} has no change ${this.#index}`);
    return change;
  }

  /** The number of times that AWS did not take the next change. */
  get sends(): number {
    return this.#sends;
  }

  /** The last reading of the resource. */
  get reading(): Reading {
    return this.#reading;
  }

  /** The number of calls that changes of this plan made since then. */
  get callsSince(): number {
    return this.#callsSince;
  }

  /** Undefined while changes are left to be made. */
  get end(): Application['end'] | undefined {
    return this.#end;
  }

  /** The result, once it has ended. */
  get application(): Application {
    return { applied: this.#applied, end: this.#end ?? { is: 'applied' } };
  }

  /** Notes that the resource was read again, and is as the plan says. */
  looked(reading: Reading): void {
    this.#reading = reading;
    this.#callsSince = 0;
  }

  /** Notes a verdict that stands against the next change. */
  stop(verdict: Verdict): void {
    this.#end ??= { is: 'stopped', verdict };
  }

  /** Notes that what the plan rests on is gone or different. */
  stale(words: string): void {
    this.#end ??= { is: 'stale', words };
  }

  /**
   * Notes the result of a change.
   * @param isSentAgain whether it is to be sent again, as AWS did not take it
   */
  made({ applied, end, calls }: MadeChange, isSentAgain: boolean): void {
    this.#applied.push(...applied);
    this.#callsSince += calls;
    if (isSentAgain) {
      this.#sends += 1;
      return;
    }
    if (end.is !== 'applied') {
      this.#end = end;
      return;
    }
    this.#sends = 0;
    this.#index += 1;
    if (this.#index === this.fix.changes.length) this.#end = end;
  }
}
