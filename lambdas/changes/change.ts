import type { z } from 'zod';
import type { Pace } from '../aws/pace.ts';
import type { AwsSession } from '../aws/session.ts';

/** One change to one resource, as data. Plans contain changes, evidence stores them, and an undo inverts them. */
export interface Change {
  /** Kind of the change: a key of `lambdas/changes/index.ts`. */
  readonly kind: string;
  /** The id of the resource that is changed. */
  readonly resource: string;
}

/**
 * Records the progress of a change.
 * @param isMade False while no call of the change is known to have succeeded.
 * @param outlives True if the record must be stored before the next call, in case this attempt is interrupted. Only
 *   then is a promise returned; it must be awaited before the next call.
 */
export type Note<C extends Change = Change> = (
  soFar: C,
  isMade?: boolean,
  outlives?: boolean,
) => Promise<void> | void;

/**
 * Resolves if further calls of a change may be made. Called after a wait for the first call, and between calls, where what
 * was made so far opens nothing, interrupts nothing, and is noted, so that it can be continued or taken back later.
 * @throws BlockedError if the change must stop
 */
export type MayContinue = () => Promise<void>;

/**
 * Waits until all changes that began together have reached the same point or ended, so that their next reads share one
 * call. Must be awaited before checks and reads that must be current when calls are sent.
 */
export type Meet = () => Promise<void>;

/** A part of a change that was taken back. */
export interface TakenPart {
  /** The change with the created part; omitted if that is already recorded. */
  readonly made?: Change;
  /** The change that removed the part. */
  readonly taken: Change;
}

/** Receives each part as soon as it is taken back, so that it is recorded even if the other parts fail. */
export type TookBack = (part: TakenPart) => void;

/** The context of a change, and hooks that are called between the calls of a change. */
export interface Amid {
  readonly mayContinue: MayContinue;
  /** Waits for the changes that began together, so that they check again together. Omitted if there are none. */
  readonly meet?: Meet | undefined;
  readonly tookBack: TookBack;
  /**
   * Our recent changes to the resource, oldest first. A read that still shows the state before one of them is outdated,
   * and is not used.
   */
  readonly ours: readonly Change[];
  /**
   * The same change as noted by an earlier attempt, with an unknown result. If the note contains a client token, the
   * call is sent again with this token: AWS executes it only once, and returns the result of the first call.
   */
  readonly begun?: Change | undefined;
  /** Notes that changes of earlier attempts had no effect, according to AWS. */
  readonly cameToNothing?: () => void;
}

/** Information about an interrupted application of a change whose result was not recorded. */
export interface CutOff {
  /**
   * True if the change is given as `note` recorded it; otherwise, as planned, and any part of it may have been made.
   */
  readonly isNoted: boolean;
  /** True if enough time has passed for AWS's reads to show all of its effects. */
  readonly isLagOver: boolean;
  /** True if a later attempt began a change of the same rule or entry whose result is also unknown. */
  readonly isBegunAnew?: boolean;
  /** True if an earlier attempt began a change of the same rule or entry whose result is also unknown. */
  readonly isBegunBefore?: boolean;
  /**
   * True if a later change of the same rule or entry was completed, so the current state is the result of that change.
   */
  readonly isSuperseded?: boolean;
  /** The changes to the resource that were completed since the change was planned. What they depend on must remain. */
  readonly others?: readonly Change[];
  /** The same change as noted by other attempts, and the recorded changes to the resource, which own what they list. */
  readonly recorded?: readonly Change[];
  /** The changes to the resource that were applied, completely or in part, since the change began. */
  readonly since?: readonly Change[];
}

/** The result of taking back an interrupted application of a change. */
export interface TakenBack {
  /** The change with what it created and what remains of it, if that has only been determined now. */
  readonly made?: Change;
  /** The change with all of its effects, if it proved to be complete. */
  readonly done?: Change;
  /**
   * `settled`: nothing of the change is left. `pending`: something may be left that reads do not show yet.
   * `unconfirmed`: nothing is left that must be taken back, but it is unknown whether the change was made.
   */
  readonly state: 'settled' | 'pending' | 'unconfirmed';
}

/** A change that was made, or begun. */
export interface Made<C extends Change = Change> {
  /** The change as applied, or as planned if it is not known yet whether it was made. */
  readonly change: C;
  /** Time at which it was made, or begun. */
  readonly madeAt: Date;
}

/** AWS's report on whether an applied change has its intended effect. */
export interface Effect {
  /** `pending`: AWS may not report this yet. `missing`: the change has no effect. */
  readonly state: 'pending' | 'missing';
  /** Description for the reason of an outcome. */
  readonly words: string;
}

/**
 * A kind of change: how changes of this kind are described, applied, and undone.
 *
 * Applying is idempotent: if the desired state already exists (a rule is gone, or exists), that is a success.
 */
export interface ChangeKind<C extends Change> {
  readonly kind: C['kind'];
  readonly schema: z.ZodType<C>;
  /** The rate limit of its calls. */
  readonly pace: Pace;
  /** The number of resources that are changed in parallel. Default: as many as the pace allows. */
  readonly atOnce?: number;
  /**
   * Set if parallel changes begin together, because their reads share a call. Default: each begins when another ends.
   */
  readonly startsTogether?: true;
  /** Returns the maximum number of calls that it makes to one API. Default: one. */
  calls?(change: C): number;
  /**
   * Checks whether `apply` reads everything on which the plan depends, including exemption tags, immediately before it
   * writes. If so, the resource is not read separately before that. Default: no.
   */
  looksAtAll?(change: C): boolean;
  /** Returns one line, as `terraform plan` would print it: `+`, `-` or `~`, a space, and the change. */
  describe(change: C): string;
  /** Returns what to check by hand if the result is unknown, as the object of "check". Default: the resource. */
  toLookAt?(change: C): string;
  /**
   * Makes the change in AWS. Unless the API has a condition for this, reads the resource immediately before the write:
   * if what the change depends on is gone or differs from what the plan saw, nothing is written.
   * @param note Records the progress of the change. A change with several calls calls it before its first call and
   *   after each successful call, with what `inverse` needs to undo the progress so far, so that the record is correct
   *   even if the next call fails.
   * @param amid `mayContinue`: called between calls, and after a wait for the first one, so that a pause can stop it.
   *   `tookBack`: receives each part that was made and taken back; the note then lists the remaining parts. `ours`:
   *   changes that the reads must show.
   * @returns The change, completed with values from AWS's answer (such as the id of a new resource) that `inverse`
   *   needs.
   * @throws StalePlanError if the state that the plan saw is gone or different, or if a read is known to be outdated.
   *   All writes have then been taken back.
   * @throws TakeBackError if something that was written could not be taken back.
   * @throws BlockedError if `mayContinue` throws it; then exactly the noted changes were made.
   * @throws ChangeRefusedError if AWS refuses the change for a reason that needs an explanation; AWS's own error
   *   otherwise.
   */
  apply(session: AwsSession, change: C, note: Note<C>, amid: Amid): Promise<C>;
  /**
   * Determines whether an interrupted application was completed. If not, takes back what it added, such as the narrower
   * rules that were added for a wide one. Called only if no plan depends on them. Does not change what others made or
   * changed. Only kinds with several calls implement it.
   * @param change The change as planned, or as `note` recorded it.
   * @param tookBack Receives each part that was taken back, even if the rest fails.
   * @throws TakeBackError if AWS refuses to take it back.
   */
  takeBack?(session: AwsSession, change: C, known: CutOff, tookBack: TookBack): Promise<TakenBack>;
  /**
   * Checks whether a change was made, if its result is unknown because an attempt was interrupted or a call was not
   * answered. Called only if the resource no longer needs the change, unless `isPlannedAnyway` is set. Kinds with
   * `takeBack` check this there. AWS does not report who made a change.
   * @param planned The change as planned.
   * @param since The time at which processing of the finding began. Anything older existed before.
   * @param known Existing records of the same change, if it was made earlier and then begun again.
   * @returns the change as `apply` would have returned it; `none` if what exists has another job's mark, so that this
   *   job made nothing, or nothing more than is known; undefined if the reads don't show it.
   */
  find?(session: AwsSession, planned: C, since: Date, known: readonly C[]): Promise<C | 'none' | undefined>;
  /**
   * Set if `find` identifies what was created by a mark: an id, a tag, or the session's name. Other kinds compare the
   * state with the state that the change should produce. A read from before the violation also shows that state, so
   * they are checked only when AWS's reads must be current.
   */
  readonly findsByMark?: true;
  /**
   * Set if AWS may still be carrying out the change long after it accepted the call. It is then awaited for that long.
   */
  readonly takesLong?: true;
  /** Set if AWS shows the effect only minutes later, so that usually a follow-up job concludes the finding. */
  readonly endsLater?: true;
  /**
   * Set if plans contain the change even if it may already have been made. The effect of earlier calls is then
   * determined before they are repeated.
   */
  readonly isPlannedAnyway?: true;
  /**
   * Checks whether the record of an applied change lists everything that it was meant to add. No earlier attempt can
   * then have added any of it, because AWS refuses duplicates. Kinds that add nothing omit it.
   */
  namesAll?(applied: C): boolean;
  /**
   * Checks whether AWS's reads already show an applied change. False only while they show the state before the change,
   * which AWS may return for minutes. Kinds whose API always reads its own writes omit it.
   */
  isVisible?(session: AwsSession, applied: C): Promise<boolean>;
  /**
   * Determines whether applied changes have their intended effect, in the order of the changes. Undefined for a change
   * that has it, according to AWS, or that was made too long ago to matter. Kinds whose calls take effect immediately
   * omit it.
   */
  effects?(session: AwsSession, made: readonly Made<C>[]): Promise<readonly (Effect | undefined)[]>;
  /**
   * Cancels an applied change that AWS is still carrying out. Kinds whose calls take effect immediately omit it.
   * @returns `undone` if it ended without effect, according to reads
   */
  stop?(session: AwsSession, applied: C): Promise<'undone' | 'over' | 'under_way'>;
  /**
   * Checks whether the rule or entry that the change concerns is unchanged, because the change was made in part and
   * only added others. A later plan may then depend on it. Kinds that are not made in parts omit it.
   */
  leavesTarget?(applied: C): boolean;
  /** Returns the rules or entries that a change adds next to the one that it concerns, in the form of `restsOn`. */
  adds?(planned: C): readonly string[];
  /** Returns the rules or entries that an applied change removed from its resource, in the form of `restsOn`. */
  removes?(applied: C): readonly string[];
  /** Returns the rules or entries on which the plan depends, in addition to the one that it changes. */
  restsOn?(planned: C): readonly string[];
  /** Returns the change that undoes an applied change, or undefined if there is none. Pure. */
  inverse(applied: C): Change | undefined;
  /**
   * Describes how a resource differs from the state that an applied change left, as far as the change concerns it.
   * Called before the change is undone, and for its inverse afterwards. If a change was made in part, what its inverse
   * removes may already be gone. Kinds without an inverse omit it.
   * @returns a description, which follows the resource; undefined if nothing differs
   */
  differs?(session: AwsSession, applied: C): Promise<string | undefined>;
  /** Describes what an undo of an applied change does not restore. Undefined if it restores everything. */
  notRestored?(applied: C): string | undefined;
  /** Checks whether an applied change only took back what the same fix had added, so that there is nothing to undo. */
  takesBack?(applied: C): boolean;
}
