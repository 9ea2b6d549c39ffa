import type { z } from 'zod';
import type { Pace } from '../aws/pace.ts';
import type { AwsSession } from '../aws/session.ts';

/** One change to one resource, as data: what a plan is made of, what evidence keeps, what undo inverts. */
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
 * Resolves where further calls of a change may be made. Asked where a change of several calls may stop: what it made by
 * then opens nothing and cuts nothing, is noted, and is continued or taken back later.
 * @throws BlockedError where it has to stop
 */
export type MayContinue = () => Promise<void>;

/** A part of a change that was taken back again. */
export interface TakenPart {
  /** The change with what it made of this part; left out where that is recorded already. */
  readonly made?: Change;
  /** The change that took it back. */
  readonly taken: Change;
}

/** Takes each part that is taken back, as soon as it is: the result of the others does not matter for the record of it. */
export type TookBack = (part: TakenPart) => void;

/** Circumstances of a change that is made, and hooks of one of several calls, used between them. */
export interface Amid {
  readonly mayContinue: MayContinue;
  readonly tookBack: TookBack;
  /**
   * Changes that we made to the resource within the last minutes, oldest first: a look that still shows what stood there
   * before one of them is older, and nothing rests on it.
   */
  readonly ours: readonly Change[];
  /**
   * The same change as an earlier attempt noted it, whose end is not known: where it has a token by which AWS carries a call
   * out once, that call is sent again with it, and the answer is that call's own.
   */
  readonly begun?: Change;
  /** Notes that nothing came of what earlier attempts began: AWS has said so. */
  readonly cameToNothing?: () => void;
}

/** Knowledge of an application of which no end was recorded. */
export interface CutOff {
  /**
   * True if the change is as far as `note` recorded it. Otherwise it is as planned, and anything may have been
   * done.
   */
  readonly isNoted: boolean;
  /** True if it is so long ago that AWS's reads must show all that it did. */
  readonly isLagOver: boolean;
  /** True if a later attempt began a change of the same rule or entry, and its end is not known either. */
  readonly isBegunAnew?: boolean;
  /** True if an earlier attempt began one of it, and its end is not known either. */
  readonly isBegunBefore?: boolean;
  /** True if a later change of the same rule or entry was made to its end: what stands now is its doing. */
  readonly isSuperseded?: boolean;
  /** The changes to the resource that were applied to their end since it was planned: what they rest on stays. */
  readonly others?: readonly Change[];
  /** The same change as other attempts have noted it, and what is recorded of the resource: what they name is theirs. */
  readonly recorded?: readonly Change[];
  /** The changes to the resource that were applied since it was begun, to their end or in part. */
  readonly since?: readonly Change[];
}

/** The result of taking back an application of which no end was recorded. */
export interface TakenBack {
  /** The change with what it made and what stays, where that is found out only now: it stands in no record yet. */
  readonly made?: Change;
  /** The change with all that it did: it was made to its end after all. */
  readonly done?: Change;
  /**
   * `settled`: nothing is left of it. `pending`: something may be left that a read does not show yet. `unconfirmed`: nothing
   * is left that must be taken back, but nobody knows whether it was made.
   */
  readonly state: 'settled' | 'pending' | 'unconfirmed';
}

/** A change that was made, or begun. */
export interface Made<C extends Change = Change> {
  /** The change as it was applied, or as planned where nobody knows yet whether it was made. */
  readonly change: C;
  /** Time at which it was made, or begun. */
  readonly madeAt: Date;
}

/** AWS's word on whether an applied change does what it is for. */
export interface Effect {
  /** `pending`: AWS may not know yet. `missing`: it does not do it. */
  readonly state: 'pending' | 'missing';
  /** Words for a reason. */
  readonly words: string;
}

/**
 * A kind of change: how a change of this kind is described, applied and undone.
 *
 * Applying is idempotent: what is done already (a rule that is gone, a rule that exists) is success.
 */
export interface ChangeKind<C extends Change> {
  readonly kind: C['kind'];
  readonly schema: z.ZodType<C>;
  /** Rate of its calls. */
  readonly pace: Pace;
  /** The number of different resources that are changed at once. Default: as many as the pace allows, 8 without one. */
  readonly atOnce?: number;
  /** Set where resources that are changed at once are also begun at once, as their looks share a call. Default: each as another ends. */
  readonly startsTogether?: true;
  /** Counts the calls of one API that it makes at most. Default: one. */
  calls?(change: C): number;
  /** One line without line breaks, as `terraform plan` would print it: `+`, `-` or `~`, a space, and what. */
  describe(change: C): string;
  /**
   * Names what a person looks at to learn whether a change was made of which nobody knows, in words that follow "look
   * at". Default: the resource.
   */
  toLookAt?(change: C): string;
  /**
   * Makes the change in AWS. Looks directly before it writes, unless the API's own condition does that: when what the
   * change rests on is gone or different from what the plan saw, nothing is written.
   * @param note Records the change as far as it is made. A change of several calls calls it before its first one and
   *   after each that succeeded, with what `inverse` needs to undo that much: the record stays true if the next one fails.
   * @param amid `mayContinue`: asked between the calls of a change that makes several, so that a pause can stop it between them.
   *   `tookBack`: takes what it made and took back again; what is noted then is what is left. `ours`: its looks must show
   *   these.
   * @returns The change with what only AWS could tell filled in (the id of what was made): what `inverse` needs.
   * @throws StalePlanError when what the plan saw is gone or different, or a look is known to be old; what this call
   *   wrote is taken back by then.
   * @throws TakeBackError when something that this call wrote could not be taken back.
   * @throws BlockedError when `mayContinue` does: what was noted stands, and nothing else was made.
   * @throws ChangeRefusedError when AWS refuses it and a person should read why; AWS's own error otherwise.
   */
  apply(session: AwsSession, change: C, note: Note<C>, amid: Amid): Promise<C>;
  /**
   * Finds out whether an application of which no end was recorded was made to its end, and takes back what it added
   * where it was not: for instance the narrower rules that were added for a wide one. Asked only where no plan builds on
   * them. Leaves what others made or changed as it is. Only kinds of several calls have it.
   * @param change As it was planned, or as far as `note` recorded it.
   * @param tookBack Takes each part that it took back, also where it fails afterwards.
   * @throws TakeBackError when AWS does not let it be taken back.
   */
  takeBack?(session: AwsSession, change: C, known: CutOff, tookBack: TookBack): Promise<TakenBack>;
  /**
   * Checks whether a change was made whose answer is unknown: an attempt was cut off, or the answer lost. Asked only
   * when the resource no longer needs the change, unless `isPlannedAnyway`. Kinds with `takeBack` find out there. AWS does
   * not say who made it.
   * @param planned As it was planned.
   * @param since When the work on the finding began: what is older was there before.
   * @param known What is recorded of the same change already: it was made before, and then begun again.
   * @returns the change as `apply` would have returned it; `none` where what is there bears another job's mark, so that
   *   this one made nothing, or nothing more than is known; undefined if the reads don't show it.
   */
  find?(session: AwsSession, planned: C, since: Date, known: readonly C[]): Promise<C | 'none' | undefined>;
  /**
   * Set where `find` goes by what was given to what was made: an id, a tag, the session's name. Others go by the state that the change was
   * to bring about, which a read from before the violation shows, too: they are checked only once AWS's reads must be true.
   */
  readonly findsByMark?: true;
  /**
   * Set where AWS may be working on it long after it took the call: what was begun, and may be under way, is waited for
   * that long.
   */
  readonly takesLong?: true;
  /** Set where plans have the change although it is made already: what its calls did is found out before they are made again. */
  readonly isPlannedAnyway?: true;
  /**
   * Reports whether an applied change names all that it was to add: then no attempt before had added any of it, as AWS
   * takes nothing twice. Kinds that add nothing leave it out.
   */
  namesAll?(applied: C): boolean;
  /**
   * Reports whether AWS's reads show an applied change already. False only while they show the state before it: AWS may
   * answer reads from before a write for minutes. Kinds whose API reads its own writes at once leave it out.
   */
  isVisible?(session: AwsSession, applied: C): Promise<boolean>;
  /**
   * Finds whether applied changes do what they are for, where AWS finds out only later, in the order of the changes:
   * undefined if one does as far as AWS knows, or is long gone. Kinds whose calls have their effect at once leave
   * it out.
   */
  effects?(session: AwsSession, made: readonly Made<C>[]): Promise<readonly (Effect | undefined)[]>;
  /**
   * Asks AWS to end what it is still working on for an applied change. Kinds whose calls have their effect at once leave
   * it out.
   * @returns `undone` where it ended without effect, as far as reads show
   */
  stop?(session: AwsSession, applied: C): Promise<'undone' | 'over' | 'under_way'>;
  /**
   * Reports whether the rule or entry that the change is about is as it was, because the change was made in part: it
   * only added others. Then a later plan may rest on it. Kinds that make no parts leave it out.
   */
  leavesTarget?(applied: C): boolean;
  /** The rules or entries that a change adds beside the one that it is about, in words that `restsOn` uses, too. */
  adds?(planned: C): readonly string[];
  /** The rules or entries that an applied change took out of its resource, in words that `restsOn` uses, too. */
  removes?(applied: C): readonly string[];
  /** The rules or entries that the plan counts on, beside the one that it changes: it was made on a read that shows them. */
  restsOn?(planned: C): readonly string[];
  /** The change that undoes an applied change, or undefined if there is none. Pure. */
  inverse(applied: C): Change | undefined;
  /**
   * Finds how a resource differs from what an applied change left of it, as far as the change is about it: asked before it
   * is undone, and of its inverse afterwards. Of a change that was made in part, what its inverse takes back may be gone.
   * Kinds without an inverse leave it out.
   * @returns words that follow the resource; undefined if nothing differs
   */
  differs?(session: AwsSession, applied: C): Promise<string | undefined>;
  /** Describes what an undo of an applied change does not restore; undefined if it restores all. */
  notGivenBack?(applied: C): string | undefined;
  /** Reports whether an applied change only took back what the same fix had added: then there is nothing of it to undo. */
  takesBack?(applied: C): boolean;
}
