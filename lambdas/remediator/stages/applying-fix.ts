import type { Change } from '../../changes/change.ts';
import type { AppliedChange } from '../../model/outcome.ts';
import type { PlannedFix } from '../planned-fix.ts';
import type { Reading } from '../reading.ts';
import type { Verdict } from '../verdict.ts';
import type { Application } from './application.ts';
import type { MadeChange } from './apply-change.ts';

/** Progress of a plan that is being applied. */
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

  /** The index of the next change. */
  get index(): number {
    return this.#index;
  }

  /** The next change. */
  get next(): Change {
    const change = this.fix.changes[this.#index];
    if (change === undefined) throw new Error(`the plan of ${this.resource} has no change ${this.#index}`);
    return change;
  }

  /** The number of times that AWS did not accept the next change. */
  get sends(): number {
    return this.#sends;
  }

  /** The last read of the resource. */
  get reading(): Reading {
    return this.#reading;
  }

  /** The number of calls that this plan's changes have made since the last read. */
  get callsSince(): number {
    return this.#callsSince;
  }

  /** The end of the plan; undefined while changes are left. */
  get end(): Application['end'] | undefined {
    return this.#end;
  }

  /** The result, once the plan has ended. */
  get application(): Application {
    return { applied: this.#applied, end: this.#end ?? { is: 'applied' } };
  }

  /** Notes that the resource was read again and matches the plan. */
  looked(reading: Reading): void {
    this.#reading = reading;
    this.#callsSince = 0;
  }

  /** Notes a verdict that prevents the next change. */
  stop(verdict: Verdict): void {
    this.#end ??= { is: 'stopped', verdict };
  }

  /** Notes that the state that the plan depends on has changed. */
  stale(words: string): void {
    this.#end ??= { is: 'stale', words };
  }

  /**
   * Notes the result of a change.
   * @param isSentAgain whether the change is sent again because AWS did not accept it
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
