import { createHash } from 'node:crypto';
import { errorKind } from '../../aws/errors.ts';
import type { Finding } from '../../model/finding.ts';
import { type ChangeLimit, limitsOf } from '../../model/limits.ts';
import { gatesAt } from '../gates/index.ts';
import type { PlannedFix } from '../planned-fix.ts';
import type { Reservation } from '../record/limit-counts.ts';
import { type FoundCounters, hasRoom } from '../record/room.ts';
import type { Refusal } from '../refusal.ts';
import { retry } from '../verdict.ts';
import type { ConfiguredWork } from '../work.ts';
import { passPlans } from './pass-plans.ts';
import type { Planned } from './plan.ts';

/** Returns the name under which room is kept for a deferred finding. */
export function waitingFinding({ finding }: { readonly finding: Finding }): string {
  const { account, region, resource } = finding;
  const text = JSON.stringify([account, region, resource]);
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}

/** Room under the hourly limits that is being reserved for fixes. */
export interface Reserving {
  /** True if the last known counters have room for all fixes, so that their changes may be prepared in the meantime. */
  readonly isLikely: boolean;
  /** The fixes that are within the limits, and the verdicts on the others. Never rejects. */
  readonly granted: Promise<Planned>;
}

/**
 * Reserves room under the hourly limits before a job's first change. Room for changes that were not made is released at
 * the end. Changes with unknown results, and the reservations of a killed function, count for an hour.
 */
export class ReservedRoom {
  readonly #work: ConfiguredWork;
  /** The resources whose changes the limit allows. */
  readonly #resources = new Set<string>();
  readonly #reservations: Reservation[] = [];
  /** The limits that deferred a fix. */
  readonly #reached = new Set<ChangeLimit>();
  /** Errors that affect no verdict. */
  readonly #failures: unknown[] = [];

  /** The usage of the account's limit, including what this job reserved. */
  #account: { readonly scope: string; readonly most: number; readonly used: number } | undefined;
  readonly #limits: readonly ChangeLimit[];
  readonly #since: number;

  constructor(work: ConfiguredWork) {
    this.#work = work;
    this.#limits = limitsOf(work.job, work.settings.limits);
    this.#since = work.ports.clock.now();
  }

  /** Starts reserving room for fixes, deferred ones first. Room that is kept for other jobs' findings is not used. */
  for(fixes: readonly PlannedFix[]): Reserving {
    try {
      const found = this.#work.counts.take();
      const isLikely = found !== undefined && this.#haveRoom(fixes, found);
      return { isLikely, granted: this.#grant(fixes, found).catch((error) => retryAll(fixes, error)) };
    } catch (error) {
      return { isLikely: false, granted: Promise.resolve(retryAll(fixes, error)) };
    }
  }

  async #grant(fixes: readonly PlannedFix[], known: FoundCounters | undefined): Promise<Planned> {
    const wanted = this.#inOrder(fixes);
    const refusals = await this.#reserve(wanted, known);
    const passed = await passPlans(wanted, gatesAt('whenReserved'), { ...this.#work, refusals });
    for (const resource of this.#newIn(passed.fixes)) this.#resources.add(resource);
    return passed;
  }

  /** Reserves room under each limit for the fixes that the previous limits allow. @returns the refusals, by resource */
  async #reserve(
    fixes: readonly PlannedFix[],
    known: FoundCounters | undefined,
  ): Promise<ReadonlyMap<string, Refusal>> {
    const refusals = new Map<string, Refusal>();
    if (fixes.length === 0) return refusals;
    const { ports } = this.#work;
    const limits = this.#limits;
    const found = known ?? (await ports.counts.read(limits.map(({ counter }) => counter)));
    // If no limit refuses a fix, the limits do not depend on each other.
    if (this.#haveRoom(fixes, found)) {
      const reserving = limits.map((limit) => this.#reserveBelow(limit, fixes, found, refusals));
      // If one fails, the room that another one reserved is released at the end.
      for (const result of await Promise.allSettled(reserving))
        if (result.status === 'rejected') throw result.reason;
      return refusals;
    }
    let chosen = fixes;
    for (const limit of limits) {
      if (chosen.length === 0) break;
      chosen = await this.#reserveBelow(limit, chosen, found, refusals);
    }
    return refusals;
  }

  /** Reserves room under one limit, and notes the fixes that it refuses. @returns the fixes that it allows */
  async #reserveBelow(
    limit: ChangeLimit,
    wanted: readonly PlannedFix[],
    found: FoundCounters,
    refusals: Map<string, Refusal>,
  ): Promise<readonly PlannedFix[]> {
    const { ports, attempt } = this.#work;
    let chosen: readonly PlannedFix[] = [];
    const { reservation, room } = await ports.counts.reserve({
      counter: limit.counter,
      limit: limit.most,
      until: ports.clock.now() + attempt.remainingMilliseconds(),
      found,
      deferred: new Set(wanted.filter((fix) => this.#wasLimited(fix)).map(waitingFinding)),
      choose: (left, kept) => {
        chosen = this.#choose(wanted, left, kept);
        return { changes: this.#newIn(chosen).size, findings: chosen.map(waitingFinding) };
      },
    });
    if (reservation !== undefined) this.#reservations.push(reservation);
    if (limit.name === 'per_account_per_hour') {
      const { most, counter } = limit;
      this.#account = { scope: counter.scope, most, used: most - room.left };
    }
    const refused = wanted.filter((fix) => !chosen.includes(fix));
    if (refused.length > 0) this.#reached.add(limit);
    for (const fix of refused) {
      const { resource } = fix.finding;
      const wasDeferred = this.#wasLimited(fix);
      if (!refusals.has(resource))
        refusals.set(resource, { limit, changes: this.#newIn([fix]).size, room, wasDeferred });
    }
    await this.#keepRoom(limit, refused);
    return chosen;
  }

  /** Checks whether the known counters have room for all fixes. */
  #haveRoom(fixes: readonly PlannedFix[], found: FoundCounters): boolean {
    const changes = this.#newIn(fixes).size;
    return this.#limits.every((limit) => hasRoom(found, limit, changes, this.#work.ports.clock.now()));
  }

  /** The limits that deferred a fix. */
  get reached(): readonly ChangeLimit[] {
    return [...this.#reached];
  }

  /** The used percentage of the account's limit; undefined if nothing was reserved. */
  get accountLimitUsed(): number | undefined {
    if (this.#account === undefined) return undefined;
    const { used, most } = this.#account;
    return Math.round((100 * used) / most);
  }

  /**
   * Releases the room for changes that AWS refused or that were not sent.
   * @returns `kept`: the number of resources that were or may have been changed. `failures`: unexpected errors
   */
  async release(): Promise<{ readonly kept: number; readonly failures: readonly unknown[] }> {
    const changed = this.#changed();
    const kept = [...this.#resources].filter((resource) => changed.has(resource)).length;
    const scopes = [...new Set(this.#reservations.map(({ counter }) => counter.scope))];
    const givingBack = scopes.map((scope) => {
      const reservations = this.#reservations.filter(({ counter }) => counter.scope === scope);
      const reserved = reservations.reduce((sum, { changes }) => sum + changes, 0);
      const back = reserved - kept;
      if (this.#account?.scope === scope) {
        this.#account = { ...this.#account, used: this.#account.used - back };
      }
      return this.#release(reservations, back);
    });
    const failed = await Promise.all(givingBack);
    return { kept, failures: [...this.#failures, ...failed.flat()] };
  }

  /** Lists the resources that this attempt changed or may have changed. */
  #changed(): Set<string> {
    const { job, journal } = this.#work;
    const changes = job.findings.flatMap(({ resource }) => [
      ...journal.applied(resource).filter(({ appliedAt }) => Date.parse(appliedAt) >= this.#since),
      ...journal.unresolved(resource),
    ]);
    return new Set(changes.map(({ change }) => change.resource));
  }

  /** Releases reserved changes. Those that cannot be released count for an hour, although they were not made. */
  async #release(reservations: readonly Reservation[], changes: number): Promise<unknown[]> {
    const failures: unknown[] = [];
    let left = changes;
    for (const reservation of reservations) {
      const back = Math.min(left, reservation.changes);
      left -= back;
      if (back === 0) continue;
      try {
        await this.#work.ports.counts.release(reservation, back);
      } catch (error) {
        if (errorKind(error) !== 'unavailable') failures.push(error);
      }
    }
    return failures;
  }

  /** Puts fixes that a limit deferred earlier first. */
  #inOrder(fixes: readonly PlannedFix[]): PlannedFix[] {
    const before = fixes.filter((fix) => this.#wasLimited(fix));
    return [...before, ...fixes.filter((fix) => !before.includes(fix))];
  }

  #wasLimited({ finding }: PlannedFix): boolean {
    return this.#work.memory.wasLimited(finding.resource);
  }

  /** Selects as many complete fixes as fit. Only fixes that were deferred earlier may use the room that is kept. */
  #choose(fixes: readonly PlannedFix[], left: number, kept: number): PlannedFix[] {
    const chosen: PlannedFix[] = [];
    for (const fix of fixes) {
      const most = this.#wasLimited(fix) ? left : left - kept;
      if (this.#newIn([...chosen, fix]).size <= most) chosen.push(fix);
    }
    return chosen;
  }

  /**
   * Keeps room for refused fixes at later polls, except for those that need more than the whole limit. If this fails,
   * the findings are deferred nevertheless.
   */
  async #keepRoom({ counter, most }: ChangeLimit, refused: readonly PlannedFix[]): Promise<void> {
    const needs = refused
      .map((fix) => [waitingFinding(fix), this.#newIn([fix]).size] as const)
      .filter(([, changes]) => changes <= most)
      .slice(0, most);
    if (needs.length === 0) return;
    try {
      await this.#work.ports.counts.keep(counter, new Map(needs), most);
    } catch (error) {
      if (errorKind(error) !== 'unavailable') this.#failures.push(error);
    }
  }

  /** Lists the resources that these fixes change and that have no reserved room yet. */
  #newIn(fixes: readonly PlannedFix[]): Set<string> {
    const resources = fixes.flatMap(({ changes }) => changes.map(({ resource }) => resource));
    return new Set(resources.filter((resource) => !this.#resources.has(resource)));
  }
}

function retryAll(fixes: readonly PlannedFix[], error: unknown): Planned {
  const verdicts = fixes.map(({ finding, details }) => [finding.resource, retry(error, details)] as const);
  return { fixes: [], verdicts: new Map(verdicts) };
}
