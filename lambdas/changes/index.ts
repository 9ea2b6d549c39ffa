import type { Pace } from '../aws/pace.ts';
import type { AwsSession } from '../aws/session.ts';
import { InvalidInputError } from '../model/errors.ts';
import type { Amid, Change, ChangeKind, CutOff, Effect, Made, Note, TookBack } from './change.ts';
import { type ParsingKind, parsing } from './parsing-kind.ts';

/** Creates the loader of a kind. The code is loaded when the first change of the kind is used. */
function lazily<C extends Change>(load: () => Promise<{ readonly changeKind: ChangeKind<C> }>) {
  return async (): Promise<ParsingKind> => parsing((await load()).changeKind);
}

/** All kinds of changes. A new kind needs a new file and a line here; the key must equal the kind's `kind`. */
const loaders: ReadonlyMap<string, () => Promise<ParsingKind>> = new Map([
  ['automation-execution-start', lazily(() => import('./automation-execution/start.ts'))],
  ['cloud-control-properties-set', lazily(() => import('./cloud-control/properties-set.ts'))],
  ['cloudtrail-log-file-validation-set', lazily(() => import('./cloudtrail/log-file-validation-set.ts'))],
  ['flow-log-create', lazily(() => import('./flow-log/create.ts'))],
  ['flow-log-delete', lazily(() => import('./flow-log/delete.ts'))],
  ['iam-access-key-status-set', lazily(() => import('./access-key/status-set.ts'))],
  ['log-group-create', lazily(() => import('./flow-log/log-group-create.ts'))],
  ['network-acl-entry-narrow', lazily(() => import('./network-acl/entry-narrow.ts'))],
  ['network-acl-entry-restore', lazily(() => import('./network-acl/entry-restore.ts'))],
  ['rds-snapshot-shares-change', lazily(() => import('./rds-snapshot/shares-change.ts'))],
  ['redshift-cluster-public-access-set', lazily(() => import('./redshift-cluster/public-access-set.ts'))],
  ['s3-public-access-block-set', lazily(() => import('./bucket/public-access-block-set.ts'))],
  ['security-group-rule-shrink', lazily(() => import('./security-group/rule-shrink.ts'))],
  ['security-group-rule-widen', lazily(() => import('./security-group/rule-widen.ts'))],
  ['security-group-rules-authorize', lazily(() => import('./security-group/rules-authorize.ts'))],
  ['security-group-rules-revoke', lazily(() => import('./security-group/rules-revoke.ts'))],
]);

/** The names of all kinds of changes, in alphabetical order. */
export const changeKinds: readonly string[] = [...loaders.keys()].sort();

/** Loads the kind of a change. @throws InvalidInputError if it is unknown */
export async function load(change: Pick<Change, 'kind'> & Partial<Change>): Promise<ParsingKind> {
  const loader = loaders.get(change.kind);
  if (loader === undefined) {
    throw new InvalidInputError(
      `unknown kind of change ${change.kind} (resource ${change.resource ?? 'not named'}): expected one of ${changeKinds.join(', ')}`,
    );
  }
  return loader();
}

/**
 * Creates a function that calls a change's kind.
 * @throws InvalidInputError if the kind is unknown, or if the change does not match its schema
 */
function asking<More extends readonly unknown[], Said>(
  ask: (kind: ParsingKind, change: Change, ...more: More) => Said | Promise<Said>,
): (change: Change, ...more: More) => Promise<Said> {
  return async (change, ...more) => ask(await load(change), change, ...more);
}

/**
 * Creates a function that calls a change's kind in a session.
 * @throws InvalidInputError if the kind is unknown, or if the change does not match its schema
 */
function working<More extends readonly unknown[], Result>(
  work: (kind: ParsingKind, session: AwsSession, change: Change, ...more: More) => Result | Promise<Result>,
): (session: AwsSession, change: Change, ...more: More) => Promise<Result> {
  return async (session, change, ...more) => work(await load(change), session, change, ...more);
}

/** Returns the line of a change in a plan. */
export const describeChange = asking((kind, change) => kind.describe(change));

/** Returns what a person should check if the result of a change is unknown, as the object of "check". */
export const toLookAt = asking((kind, change) => kind.toLookAt(change) ?? change.resource);

/**
 * Resolves when the calls of a change may be made without being throttled. Must be awaited before checks and reads that
 * must be current when the calls are sent.
 */
export const waitForTurn = working(async (kind, session, change) => {
  await session.turn(kind.pace, kind.calls(change));
});

/**
 * Makes a change in AWS without a delay. Callers must await `waitForTurn` first.
 * @param note Receives the progress of the change after each successful call. Default: nothing is noted.
 * @param amid.mayContinue Called between the calls of the change, where it may stop. Default: the change continues.
 * @param amid.tookBack Receives each part that was made and taken back. Default: nothing is noted.
 * @param amid.ours Our recent changes to the resource, oldest first. Default: none.
 * @returns the change, completed with values from AWS's answer, which `inverseOf` needs
 * @throws InvalidInputError if the kind is unknown or the change does not match its schema; no call is made then
 * @throws StalePlanError if the state that the plan saw is gone or different; all writes have then been taken back
 * @throws TakeBackError if something that was written could not be taken back
 * @throws BlockedError if `mayContinue` throws it; then exactly the noted changes were made
 * @throws ChangeRefusedError if AWS refuses the change for a reason that needs an explanation; AWS's own error
 *   otherwise
 */
export const applyChange = working(
  (
    kind,
    session,
    change,
    note: Note = () => {},
    { mayContinue = async () => {}, tookBack = () => {}, ours = [], ...more }: Partial<Amid> = {},
  ) => kind.apply(session, change, note, { mayContinue, tookBack, ours, ...more }),
);

/** Checks whether a change reads everything that its plan depends on immediately before it writes. */
export const looksAtAll = asking((kind, change) => kind.looksAtAll(change));

/** Returns the rate at which a kind of change calls AWS in one account. */
export async function paceOf(kind: string): Promise<Pace> {
  return (await load({ kind })).pace;
}

/** Checks whether an interrupted application of the change can leave parts that must be taken back. */
export const canTakeBack = asking((kind) => kind.canTakeBack);

/**
 * Determines the result of an interrupted application, and takes back what it added if it was not completed.
 * @param tookBack Receives each part that is taken back, even if the rest fails. Default: nothing is noted.
 * @throws TakeBackError if AWS refuses to take it back
 */
export const takeBackChange = working((kind, session, change, known: CutOff, tookBack: TookBack = () => {}) =>
  kind.takeBack(session, change, known, tookBack),
);

/**
 * Checks whether a change with an unknown result was made.
 * @param since the time at which processing of the finding began
 * @param known existing records of the same change
 * @returns the change as it was made; `none` if another job made it; undefined if reads don't show it
 */
export const findChange = working((kind, session, planned, since: Date, known: readonly Change[] = []) =>
  kind.find(session, planned, since, known),
);

/** Checks whether a later read can show that a change was made. */
export const canFind = asking((kind) => kind.canFind);

/** Checks whether a read that shows a change of this kind proves that the change was made. */
export const findsByMark = asking((kind) => kind.findsByMark);

/** Checks whether AWS may still be carrying out a change of this kind long after it accepted the call. */
export const takesLong = asking((kind) => kind.takesLong);

/** Checks whether AWS shows the effect of a change of this kind only minutes later. */
export const endsLater = asking((kind) => kind.endsLater);

/** Checks whether plans contain a change of this kind even if it may already have been made. */
export const isPlannedAnyway = asking((kind) => kind.isPlannedAnyway);

/** Checks whether the record of an applied change lists everything that it was meant to add. */
export const namesAll = asking((kind, applied) => kind.namesAll(applied));

/**
 * Checks whether the rule or entry that an applied change concerns is unchanged, because the change was made in part.
 */
export const leavesTarget = asking((kind, applied) => kind.leavesTarget(applied));

/** Checks whether a plan depends on a rule or an entry of its resource that an applied change removed. */
export async function restsOnRemoved(planned: Change, applied: Change): Promise<boolean> {
  if (planned.resource !== applied.resource) return false;
  const removed = new Set((await load(applied)).removes(applied));
  return removed.size > 0 && (await load(planned)).restsOn(planned).some((each) => removed.has(each));
}

/** Checks whether a plan depends on a rule or an entry that another change adds to the same resource. */
export async function restsOnAdded(planned: Change, other: Change): Promise<boolean> {
  if (planned.resource !== other.resource) return false;
  const added = new Set((await load(other)).adds(other));
  return added.size > 0 && (await load(planned)).restsOn(planned).some((each) => added.has(each));
}

/** Checks whether AWS's reads already show an applied change instead of the state before it. */
export const isChangeVisible = working((kind, session, applied) => kind.isVisible(session, applied));

/**
 * Finds changes, made or begun, that may not have their intended effect. Each kind is called once for all of its
 * changes.
 * @returns the reports by change; a change that has its effect, according to AWS, has no entry
 */
export async function effectsOf<M extends Made>(
  session: AwsSession,
  made: readonly M[],
): Promise<ReadonlyMap<M, Effect>> {
  const found = new Map<M, Effect>();
  for (const kind of new Set(made.map(({ change }) => change.kind))) {
    const alike = made.filter(({ change }) => change.kind === kind);
    const effects = await (await load({ kind })).effects(session, alike);
    for (const [index, each] of alike.entries()) {
      const effect = effects[index];
      if (effect !== undefined) found.set(each, effect);
    }
  }
  return found;
}

/** Checks whether AWS may still be carrying out an applied change of this kind, so that it can be cancelled. */
export const canStop = asking((kind) => kind.canStop);

/** Cancels a change that AWS is still carrying out. @returns `undone` if it ended without effect, according to reads */
export const stopChange = working((kind, session, applied) => kind.stop(session, applied));

/** Returns the change that undoes an applied change; undefined if there is none. */
export const inverseOf = asking((kind, applied) => kind.inverse(applied));

/**
 * Describes how a resource differs from the state that an applied change left.
 * @returns a description, which follows the resource
 */
export const differenceOf = working((kind, session, applied) => kind.differs(session, applied));

/** Describes what an undo of an applied change does not restore. Returns undefined if it restores everything. */
export const notRestored = asking((kind, applied) => kind.notRestored(applied));

/** Checks whether an applied change only removed what the same fix had added. */
export const isTakeBack = asking((kind, applied) => kind.takesBack(applied));
