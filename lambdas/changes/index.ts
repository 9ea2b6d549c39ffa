import type { Pace } from '../aws/pace.ts';
import type { AwsSession } from '../aws/session.ts';
import { InvalidInputError } from '../model/errors.ts';
import type { Amid, Change, ChangeKind, CutOff, Effect, Made, Note, TookBack } from './change.ts';
import { type ParsingKind, parsing } from './parsing-kind.ts';

/** Makes the loader of a kind: its code is loaded when the first change of the kind comes. */
function lazily<C extends Change>(load: () => Promise<{ readonly changeKind: ChangeKind<C> }>) {
  return async (): Promise<ParsingKind> => parsing((await load()).changeKind);
}

/** Every kind of change. A new kind is a new file and a line here; its name must be the kind's own `kind`. */
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

/** The names of all kinds of changes, in the order of the alphabet. */
export const changeKinds: readonly string[] = [...loaders.keys()].sort();

/** Loads the kind of a change. @throws InvalidInputError when it is unknown */
export async function load(change: Pick<Change, 'kind'> & Partial<Change>): Promise<ParsingKind> {
  const loader = loaders.get(change.kind);
  if (loader === undefined) {
    throw new InvalidInputError(
      `unknown kind of change ${change.kind} (resource ${change.resource ?? 'not named'}): expected one of ${changeKinds.join(', ')}`,
    );
  }
  return loader();
}

/** Makes a function that gives what a change's kind says of it. @throws InvalidInputError when kind or form is unknown */
function asking<More extends readonly unknown[], Said>(
  ask: (kind: ParsingKind, change: Change, ...more: More) => Said | Promise<Said>,
): (change: Change, ...more: More) => Promise<Said> {
  return async (change, ...more) => ask(await load(change), change, ...more);
}

/** Makes a function that lets a change's kind work in a session. @throws InvalidInputError when kind or form is unknown */
function working<More extends readonly unknown[], Result>(
  work: (kind: ParsingKind, session: AwsSession, change: Change, ...more: More) => Result | Promise<Result>,
): (session: AwsSession, change: Change, ...more: More) => Promise<Result> {
  return async (session, change, ...more) => work(await load(change), session, change, ...more);
}

/** One line that a person reads in a plan. */
export const describeChange = asking((kind, change) => kind.describe(change));

/**
 * Names what a person should check if the result of a change is unknown, in words that follow "look
 * at".
 */
export const toLookAt = asking((kind, change) => kind.toLookAt(change) ?? change.resource);

/**
 * Resolves when the calls of a change may be made: AWS throttles what comes faster. To be awaited before anything is
 * asked or read that must be true when they leave.
 */
export const waitForTurn = working(async (kind, session, change) => {
  await session.turn(kind.pace, kind.calls(change));
});

/**
 * Makes the change in AWS, at once: `waitForTurn` comes before.
 * @param note Takes the change as far as it is made, after each of its calls that succeeded. Default: nothing is noted.
 * @param amid.mayContinue Asked between its calls, where it may stop. Default: nothing holds it.
 * @param amid.tookBack Takes what it made and took back again. Default: nothing is noted.
 * @param amid.ours Our changes to the resource of the last minutes, oldest first. Default: none is known.
 * @returns the change with what only AWS could tell filled in; give this one to `inverseOf`
 * @throws InvalidInputError when the kind is unknown or the change is not of its form; nothing is called then
 * @throws StalePlanError when what the plan saw is gone or different; nothing that this call wrote is left
 * @throws TakeBackError when something that this call wrote could not be taken back
 * @throws BlockedError when `mayContinue` does: what was noted stands
 * @throws ChangeRefusedError when AWS refuses it and a person should read why; AWS's own error otherwise
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

/** Returns the rate at which a kind of change calls AWS in one account. */
export async function paceOf(kind: string): Promise<Pace> {
  return (await load({ kind })).pace;
}

/** Reports whether a cut-off application of the change can leave something that must be taken back. */
export const canTakeBack = asking((kind) => kind.canTakeBack);

/**
 * Finds out the result of an application of which no end was recorded, and takes back what it added where it was not
 * made to its end.
 * @param tookBack Takes each part that is taken back, also where the rest fails. Default: nothing is noted.
 * @throws TakeBackError when AWS does not let it be taken back
 */
export const takeBackChange = working((kind, session, change, known: CutOff, tookBack: TookBack = () => {}) =>
  kind.takeBack(session, change, known, tookBack),
);

/**
 * Checks whether a change was made whose answer is unknown.
 * @param since when the work on the finding began
 * @param known what is recorded of the same change already
 * @returns it as it was made; `none` where others made it; undefined if unknown
 */
export const findChange = working((kind, session, planned, since: Date, known: readonly Change[] = []) =>
  kind.find(session, planned, since, known),
);

/** Reports whether a later read can show that a change was made. */
export const canFind = asking((kind) => kind.canFind);

/** Reports whether a read that shows that a change was made can't be from before it. */
export const findsByMark = asking((kind) => kind.findsByMark);

/** True if AWS may be working on a change of this kind long after it took the call. */
export const takesLong = asking((kind) => kind.takesLong);

/** Reports whether AWS shows the effect of a change of this kind only minutes later. */
export const endsLater = asking((kind) => kind.endsLater);

/** Reports whether plans have a change although it is made already. */
export const isPlannedAnyway = asking((kind) => kind.isPlannedAnyway);

/** Reports whether an applied change names all that it was to add. */
export const namesAll = asking((kind, applied) => kind.namesAll(applied));

/** Reports whether the rule or entry that an applied change is about is as it was: the change was made in part. */
export const leavesTarget = asking((kind, applied) => kind.leavesTarget(applied));

/** Reports whether a plan counts on a rule or an entry of its resource that an applied change took out. */
export async function restsOnRemoved(planned: Change, applied: Change): Promise<boolean> {
  if (planned.resource !== applied.resource) return false;
  const removed = new Set((await load(applied)).removes(applied));
  return removed.size > 0 && (await load(planned)).restsOn(planned).some((each) => removed.has(each));
}

/** Reports whether a plan counts on a rule or an entry that another change adds to the same resource. */
export async function restsOnAdded(planned: Change, other: Change): Promise<boolean> {
  if (planned.resource !== other.resource) return false;
  const added = new Set((await load(other)).adds(other));
  return added.size > 0 && (await load(planned)).restsOn(planned).some((each) => added.has(each));
}

/** Reports whether AWS's reads show an applied change already, and not the state before it. */
export const isChangeVisible = working((kind, session, applied) => kind.isVisible(session, applied));

/**
 * Finds what speaks against that changes which were made, or begun, do what they are for, each kind asked once for
 * all of them.
 * @returns what there is, by change; one that does as far as AWS knows has no entry
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

/** Reports whether AWS may be working on an applied change of this kind for long, so that it can be stopped. */
export const canStop = asking((kind) => kind.canStop);

/** Asks AWS to end what it is still working on. @returns `undone` where it ended without effect, as far as reads show */
export const stopChange = working((kind, session, applied) => kind.stop(session, applied));

/** The change that undoes an applied change; undefined if there is nothing to undo. */
export const inverseOf = asking((kind, applied) => kind.inverse(applied));

/** Finds how a resource differs from what an applied change left of it. @returns words that follow the resource */
export const differenceOf = working((kind, session, applied) => kind.differs(session, applied));

/** Describes what an undo of an applied change does not restore; undefined if it restores all. */
export const notGivenBack = asking((kind, applied) => kind.notGivenBack(applied));

/** Reports whether an applied change only took back what the same fix had added. */
export const isTakeBack = asking((kind, applied) => kind.takesBack(applied));
