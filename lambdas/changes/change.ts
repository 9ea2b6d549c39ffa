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
 * Records a change as far as it is made.
 * @param isMade False while no call of the change is known to have succeeded.
 * @param outlives True if it has to outlive this attempt, even if that is ended: only then is there a promise, to be
 *   awaited before the next call.
 */
export type Note<C extends Change = Change> = (
  soFar: C,
  isMade?: boolean,
  outlives?: boolean,
) => Promise<void> | void;

/**
 * Resolves if further calls of a change may be made. Called where a change of several calls can stop: what it made so far
 * opens nothing and cuts nothing, is noted, and is continued or taken back later.
 * @throws BlockedError if the change must stop
 */
export type MayContinue = () => Promise<void>;

/**
 * Waits until each of the changes that began together has come as far or has ended, so that their next reads share one
 * call. Must be awaited before any checks or reads that have to be current when calls are sent.
 */
export type Meet = () => Promise<void>;

/** A part of a change that was taken back again. */
export interface TakenPart {
  /** The change with the created part; omitted if that is already recorded. */
  readonly made?: Change;
  /** The change that removed the part again. */
  readonly taken: Change;
}

/** Receives each part as soon as it is taken back: its record does not depend on the other parts. */
export type TookBack = (part: TakenPart) => void;

/** The context of a change, and hooks that are called between the calls of a change. */
export interface Amid {
  readonly mayContinue: MayContinue;
  /** Waits for the changes that began together, so that they check again together. Omitted if there are none. */
  readonly meet?: Meet | undefined;
  readonly tookBack: TookBack;
  /**
   * Our changes to the resource of the last minutes, oldest first: a read that still shows the state
   * before one of them is outdated, and is not used.
   */
  readonly ours: readonly Change[];
  /**
   * The same change as noted by an earlier attempt, with an unknown result: if it has a client token for which AWS executes a call
   * only once, the call is sent again with the token, and AWS returns the answer of the first call.
   */
  readonly begun?: Change | undefined;
  /** Notes that changes of earlier attempts had no effect, according to AWS. */
  readonly cameToNothing?: () => void;
}

/** Information about an interrupted application of a change, whose result was not recorded. */
export interface CutOff {
  /**
   * True if the change is as far as `note` recorded it. Otherwise it is as planned, and anything may have been
   * done.
   */
  readonly isNoted: boolean;
  /** True if enough time has passed for AWS's reads to show all of its effects. */
  readonly isLagOver: boolean;
  /** True if a later attempt began a change of the same rule or entry, also with an unknown result. */
  readonly isBegunAnew?: boolean;
  /** True if an earlier attempt began a change of it, also with an unknown result. */
  readonly isBegunBefore?: boolean;
  /** True if a later change of the same rule or entry was completed, so the current state is the result of that change. */
  readonly isSuperseded?: boolean;
  /** The changes to the resource that were completed since it was planned: what they depend on must stay. */
  readonly others?: readonly Change[];
  /** The same change as noted by other attempts, and the recorded changes of the resource: what these name belongs to them. */
  readonly recorded?: readonly Change[];
  /** The changes to the resource that were applied since it began, completely or in part. */
  readonly since?: readonly Change[];
}

/** The result of taking back an interrupted application of a change. */
export interface TakenBack {
  /** The change with what it created and what stays, if that is only known now and not recorded yet. */
  readonly made?: Change;
  /** The change with all of its effects, if it turns out to be complete. */
  readonly done?: Change;
  /**
   * `settled`: nothing of it is left. `pending`: something may be left that reads do not show yet. `unconfirmed`: nothing
   * is left that must be taken back, but it is unknown whether the change was made.
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
  /** `pending`: AWS may not know yet. `missing`: it has no effect. */
  readonly state: 'pending' | 'missing';
  /** Words for a reason. */
  readonly words: string;
}

/**
 * A kind of change: how a change of this kind is described, applied and undone.
 *
 * Applying is idempotent: if the desired state already exists (a rule is gone, a rule exists), that is a success.
 */
export interface ChangeKind<C extends Change> {
  readonly kind: C['kind'];
  readonly schema: z.ZodType<C>;
  /** The rate limit of its calls. */
  readonly pace: Pace;
  /** The number of resources that are changed in parallel. Default: as many as the pace allows. */
  readonly atOnce?: number;
  /** Set if resources that are changed in parallel also begin together, because their reads share a call. Default: each begins when another ends. */
  readonly startsTogether?: true;
  /** Returns the maximum number of calls that it makes to one API. Default: one. */
  calls?(change: C): number;
  /**
   * Reports whether `apply` reads everything that the plan depends on, an exemption tag included, directly before it
   * writes. The resource is then not read before that as well. Default: no.
   */
  looksAtAll?(change: C): boolean;
  /** Returns one line, as `terraform plan` would print it: `+`, `-` or `~`, a space, and the change. */
  describe(change: C): string;
  /**
   * Names what a person should check if the result of a change is unknown, in words that follow "look
   * at". Default: the resource.
   */
  toLookAt?(change: C): string;
  /**
   * Makes the change in AWS. Reads directly before it writes, unless the API has a condition for that: if what the change
   * depends on is gone or differs from what the plan saw, nothing is written.
   * @param note Records how far the change has come. A change with several calls calls it before its first call and after
   *   each successful one, with what `inverse` needs to undo that much: the record stays correct if the next one fails.
   * @param amid `mayContinue`: called between the calls of a change with several, so that a pause can stop it.
   *   `tookBack`: receives each part that was made and taken back; the note then lists the parts that are left. `ours`:
   *   its reads must show these.
   * @returns The change, completed with values from AWS's answer (such as the id of a new resource) that `inverse` needs.
   * @throws StalePlanError if the state that the plan saw is gone or different, or a read is known to be outdated. This
   *   call's writes have been taken back then.
   * @throws TakeBackError when something that this call wrote could not be taken back.
   * @throws BlockedError when `mayContinue` throws it; the noted changes exist, and no others were made.
   * @throws ChangeRefusedError when AWS refuses it and a person should read why; AWS's own error otherwise.
   */
  apply(session: AwsSession, change: C, note: Note<C>, amid: Amid): Promise<C>;
  /**
   * Finds out whether an interrupted application was completed, and takes back what it added if it was not: for example
   * the narrower rules that were added for a wide one. Called only if no plan depends on them. Does not touch what others
   * made or changed. Only kinds with several calls implement it.
   * @param change As it was planned, or as far as `note` recorded it.
   * @param tookBack Receives each part that was taken back, even if the rest fails.
   * @throws TakeBackError when AWS does not let it be taken back.
   */
  takeBack?(session: AwsSession, change: C, known: CutOff, tookBack: TookBack): Promise<TakenBack>;
  /**
   * Checks whether a change was made if its result is unknown, because an attempt was interrupted or the answer lost. Called only
   * if the resource no longer needs the change, unless `isPlannedAnyway`. Kinds with `takeBack` find out there. AWS does
   * not say who made it.
   * @param planned As it was planned.
   * @param since When work on the finding began: anything older existed before.
   * @param known Existing records of the same change, if it was made before and then begun again.
   * @returns the change as `apply` would have returned it; `none` if what exists has another job's mark, so that
   *   this one made nothing, or nothing more than is known; undefined if the reads don't show it.
   */
  find?(session: AwsSession, planned: C, since: Date, known: readonly C[]): Promise<C | 'none' | undefined>;
  /**
   * Set if `find` uses a mark of what was created: an id, a tag, or the session's name. Other kinds use the state that the change was
   * meant to produce. A read from before the violation also shows that state, so they are checked only when AWS's reads must be current.
   */
  readonly findsByMark?: true;
  /**
   * Set if AWS may work on the change long after it accepted the call: a change that began, and may be in progress, is awaited for
   * that long.
   */
  readonly takesLong?: true;
  /** Set if AWS shows the effect of the change only minutes later, so that a follow-up job mostly concludes the finding. */
  readonly endsLater?: true;
  /** Set if plans contain the change although it may already be made: the effect of earlier calls is determined before they are repeated. */
  readonly isPlannedAnyway?: true;
  /**
   * Checks whether an applied change names everything that it was meant to add: then no earlier attempt had added any of it, because AWS
   * refuses duplicates. Kinds that add nothing omit it.
   */
  namesAll?(applied: C): boolean;
  /**
   * Checks whether AWS's reads already show an applied change. False only while they show the state before it: AWS may
   * return outdated reads for minutes. Kinds whose API always reads its own writes omit it.
   */
  isVisible?(session: AwsSession, applied: C): Promise<boolean>;
  /**
   * Determines whether applied changes have their intended effect, if AWS knows that only later, in the order of the changes:
   * undefined if one has it as far as AWS knows, or is long gone. Kinds whose calls take effect at once omit
   * it.
   */
  effects?(session: AwsSession, made: readonly Made<C>[]): Promise<readonly (Effect | undefined)[]>;
  /**
   * Asks AWS to stop the ongoing work of an applied change. Kinds whose calls take effect at once omit
   * it.
   * @returns `undone` if it ended without effect, as far as reads show
   */
  stop?(session: AwsSession, applied: C): Promise<'undone' | 'over' | 'under_way'>;
  /**
   * Checks whether the rule or entry that the change is about is unchanged, because the change was made in part: it
   * only added others. Then a later plan may depend on it. Kinds that make no parts omit it.
   */
  leavesTarget?(applied: C): boolean;
  /** Returns the rules or entries that a change adds next to the one that it is about, in the words that `restsOn` uses. */
  adds?(planned: C): readonly string[];
  /** Returns the rules or entries that an applied change removed from its resource, in the words that `restsOn` uses. */
  removes?(applied: C): readonly string[];
  /** Returns the rules or entries that the plan depends on, other than the one that it changes: it was made on a read that shows them. */
  restsOn?(planned: C): readonly string[];
  /** Returns the change that undoes an applied change, or undefined if there is none. Pure. */
  inverse(applied: C): Change | undefined;
  /**
   * Finds how a resource differs from the state that an applied change left, as far as the change is about it: called before it
   * is undone, and for its inverse afterwards. If a change was made in part, what its inverse removes may already be gone.
   * Kinds without an inverse omit it.
   * @returns words that follow the resource; undefined if nothing differs
   */
  differs?(session: AwsSession, applied: C): Promise<string | undefined>;
  /** Describes what an undo of an applied change does not restore; undefined if it restores all. */
  notGivenBack?(applied: C): string | undefined;
  /** Checks whether an applied change only took back what the same fix had added: then there is nothing of it to undo. */
  takesBack?(applied: C): boolean;
}
