import type { Pace } from '../aws/pace.ts';
import type { AwsSession } from '../aws/session.ts';
import { InvalidInputError } from '../model/errors.ts';
import type { Amid, Change, CutOff, Effect, Made, Note, TakenBack, TookBack } from './change.ts';
import { type ParsingKind, parsing } from './parsing-kind.ts';

/** Every kind of change. A new kind is a new file and a line here; its name must be the kind's own `kind`. */
const loaders: ReadonlyMap<string, () => Promise<ParsingKind>> = new Map<string, () => Promise<ParsingKind>>([
  [
    'automation-execution-start',
    async () => parsing((await import('./automation-execution/start.ts')).changeKind),
  ],
  [
    'cloud-control-properties-set',
    async () => parsing((await import('./cloud-control/properties-set.ts')).changeKind),
  ],
  [
    'cloudtrail-log-file-validation-set',
    async () => parsing((await import('./cloudtrail/log-file-validation-set.ts')).changeKind),
  ],
  ['flow-log-create', async () => parsing((await import('./flow-log/create.ts')).changeKind)],
  ['flow-log-delete', async () => parsing((await import('./flow-log/delete.ts')).changeKind)],
  ['iam-access-key-status-set', async () => parsing((await import('./access-key/status-set.ts')).changeKind)],
  ['log-group-create', async () => parsing((await import('./flow-log/log-group-create.ts')).changeKind)],
  [
    'network-acl-entry-narrow',
    async () => parsing((await import('./network-acl/entry-narrow.ts')).changeKind),
  ],
  [
    'network-acl-entry-restore',
    async () => parsing((await import('./network-acl/entry-restore.ts')).changeKind),
  ],
  [
    'rds-snapshot-shares-change',
    async () => parsing((await import('./rds-snapshot/shares-change.ts')).changeKind),
  ],
  [
    'redshift-cluster-public-access-set',
    async () => parsing((await import('./redshift-cluster/public-access-set.ts')).changeKind),
  ],
  [
    's3-public-access-block-set',
    async () => parsing((await import('./bucket/public-access-block-set.ts')).changeKind),
  ],
  [
    'security-group-rule-shrink',
    async () => parsing((await import('./security-group/rule-shrink.ts')).changeKind),
  ],
  [
    'security-group-rule-widen',
    async () => parsing((await import('./security-group/rule-widen.ts')).changeKind),
  ],
  [
    'security-group-rules-authorize',
    async () => parsing((await import('./security-group/rules-authorize.ts')).changeKind),
  ],
  [
    'security-group-rules-revoke',
    async () => parsing((await import('./security-group/rules-revoke.ts')).changeKind),
  ],
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

/** One line that a person reads in a plan. @throws InvalidInputError when the kind or its form is unknown */
export async function describeChange(change: Change): Promise<string> {
  return (await load(change)).describe(change);
}

/**
 * Names what a person looks at to learn whether a change was made of which nobody knows, in words that follow "look
 * at".
 */
export async function toLookAt(change: Change): Promise<string> {
  return (await load(change)).toLookAt(change) ?? change.resource;
}

/**
 * Resolves when the calls of a change may be made: AWS throttles what comes faster. To be awaited before anything is
 * asked or read that must be true when they leave.
 */
export async function waitForTurn(session: AwsSession, change: Change): Promise<void> {
  const kind = await load(change);
  if (kind.pace !== undefined) await session.turn(kind.pace, kind.calls(change));
}

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
export async function applyChange(
  session: AwsSession,
  change: Change,
  note: Note = () => {},
  { mayContinue = async () => {}, tookBack = () => {}, ours = [] }: Partial<Amid> = {},
): Promise<Change> {
  return (await load(change)).apply(session, change, note, { mayContinue, tookBack, ours });
}

/** Gives the rate of calls of a kind of changes in one account; undefined where AWS sets no slow pace. */
export async function paceOf(kind: string): Promise<Pace | undefined> {
  return (await load({ kind })).pace;
}

/** Tells whether a cut-off application of the change can leave something that must be taken back. */
export async function canTakeBack(change: Change): Promise<boolean> {
  return (await load(change)).canTakeBack;
}

/**
 * Finds out the result of an application of which no end was recorded, and takes back what it added where it was not
 * made to its end.
 * @param tookBack Takes each part that is taken back, also where the rest fails. Default: nothing is noted.
 * @throws TakeBackError when AWS does not let it be taken back
 */
export async function takeBackChange(
  session: AwsSession,
  change: Change,
  known: CutOff,
  tookBack: TookBack = () => {},
): Promise<TakenBack> {
  return (await load(change)).takeBack(session, change, known, tookBack);
}

/**
 * Checks whether a change was made of which no answer is known.
 * @param since when the work on the finding began
 * @param known what is recorded of the same change already
 * @returns it as it was made; undefined where nobody knows
 */
export async function findChange(
  session: AwsSession,
  planned: Change,
  since: Date,
  known: readonly Change[] = [],
): Promise<Change | undefined> {
  return (await load(planned)).find(session, planned, since, known);
}

/** Tells whether a later read can show that a change was made. */
export async function canFind(change: Change): Promise<boolean> {
  return (await load(change)).canFind;
}

/** Tells whether a read that shows that a change was made can't be from before it. */
export async function findsByMark(change: Change): Promise<boolean> {
  return (await load(change)).findsByMark;
}

/** Tells whether plans have a change although it is made already. */
export async function isPlannedAnyway(change: Change): Promise<boolean> {
  return (await load(change)).isPlannedAnyway;
}

/** Tells whether an applied change names all that it was to add. */
export async function namesAll(applied: Change): Promise<boolean> {
  return (await load(applied)).namesAll(applied);
}

/** Tells whether the rule or entry that an applied change is about is as it was: the change was made in part. */
export async function leavesTarget(applied: Change): Promise<boolean> {
  return (await load(applied)).leavesTarget(applied);
}

/** Tells whether a plan counts on a rule or an entry of its resource that an applied change took out. */
export async function restsOnRemoved(planned: Change, applied: Change): Promise<boolean> {
  if (planned.resource !== applied.resource) return false;
  const removed = new Set((await load(applied)).removes(applied));
  return removed.size > 0 && (await load(planned)).restsOn(planned).some((each) => removed.has(each));
}

/** Tells whether AWS's reads show an applied change already, and not the state before it. */
export async function isChangeVisible(session: AwsSession, applied: Change): Promise<boolean> {
  return (await load(applied)).isVisible(session, applied);
}

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

/** Tells whether AWS may be working on an applied change of this kind for long, so that it can be stopped. */
export async function canStop(applied: Change): Promise<boolean> {
  return (await load(applied)).canStop;
}

/** Asks AWS to end what it is still working on. @returns `undone` where it ended without effect, as far as reads show */
export async function stopChange(
  session: AwsSession,
  applied: Change,
): Promise<'undone' | 'over' | 'under_way'> {
  return (await load(applied)).stop(session, applied);
}

/** The change that undoes an applied change; undefined where there is nothing to undo. @throws InvalidInputError */
export async function inverseOf(applied: Change): Promise<Change | undefined> {
  return (await load(applied)).inverse(applied);
}

/** Finds how a resource differs from what an applied change left of it. @returns words that follow the resource */
export async function differenceOf(session: AwsSession, applied: Change): Promise<string | undefined> {
  return (await load(applied)).differs(session, applied);
}

/** Describes what an undo of an applied change does not restore; undefined where it restores all. */
export async function notGivenBack(applied: Change): Promise<string | undefined> {
  return (await load(applied)).notGivenBack(applied);
}

/** Tells whether an applied change only took back what the same fix had added. */
export async function isTakeBack(applied: Change): Promise<boolean> {
  return (await load(applied)).takesBack(applied);
}
