import { randomUUID } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { isAwsError } from '../../aws/errors.ts';
import { cloudControlWrites } from '../../aws/pace.ts';
import type { AwsSession } from '../../aws/session.ts';
import { BlockedError, ChangeRefusedError, StalePlanError } from '../../model/errors.ts';
import { isExemptByTag } from '../../model/exemption-tag.ts';
import type { Amid, ChangeKind, Effect, Made, Note } from '../change.ts';
import { ofForm, olderThanOurs } from '../ours.ts';
import { follow, giveUp } from './follow.ts';
import { hasValue, type Properties, patchOf, valueAt } from './patch.ts';
import { pendingOf } from './pending.ts';
import { type ResourceModel, readProperties } from './read.ts';
import { type RequestState, requestState, sendUpdate } from './requests.ts';
import {
  type PatchOperation,
  type PropertiesSet,
  type PropertyChange,
  propertiesSetSchema,
} from './schema.ts';
import { tagsOf } from './tags.ts';
import { formatValue, wordOf } from './words.ts';

/** Handler error codes for a resource that can't be changed at the moment. */
const BUSY: readonly string[] = ['ResourceConflict', 'NotStabilized', 'Throttling'];

const modelOf = ({ type, resource }: PropertiesSet): ResourceModel => ({ type, identifier: resource });
const nameOf = ({ type, resource }: PropertiesSet): string => `${type} ${resource}`;

/** Returns the names of properties that were not set before and have no default, so that an undo leaves them. */
const inexactOf = (properties: readonly PropertyChange[]): string[] =>
  properties
    .filter(({ before, otherwise }) => before === undefined && otherwise === undefined)
    .map(({ pointer }) => wordOf(pointer));

const isAs = (
  properties: Properties,
  changes: readonly PropertyChange[],
  when: 'before' | 'after',
): boolean => changes.every((change) => hasValue(properties, change.pointer, change[when]));

/** Returns the state of a change's request if it failed and AWS still knows it. */
async function failedState(
  session: AwsSession,
  { requestToken }: PropertiesSet,
): Promise<RequestState | undefined> {
  const state = requestToken === undefined ? undefined : await requestState(session, requestToken);
  return state?.is === 'failed' || state?.is === 'cancelled' ? state : undefined;
}

/**
 * Reads the resource immediately before the write: tested values may have changed, and missing ones can't be tested.
 * @throws StalePlanError if the resource is gone or exempt, a property differs from the plan, or the read is stale
 * @throws ChangeRefusedError, busy, if AWS would also apply pending modifications that are not ours
 */
async function look(
  session: AwsSession,
  change: PropertiesSet,
  { ours, begun }: Pick<Amid, 'ours' | 'begun'>,
): Promise<Properties> {
  const properties = await readProperties(session, modelOf(change));
  if (properties === undefined) throw new StalePlanError(`${nameOf(change)} is gone: nothing was changed`);
  if (isExemptByTag(tagsOf(properties, change.tags ?? null), session.now()))
    throw new StalePlanError(`${nameOf(change)} has an exemption tag: nothing was changed`);
  const last = ofForm(propertiesSetSchema, ours).at(-1);
  if (last !== undefined && isAs(properties, last.properties, 'before')) {
    if ((await failedState(session, last)) === undefined) throw olderThanOurs(nameOf(change));
  }
  if (isAs(properties, change.properties, 'before')) {
    // The pending modification may come from an earlier attempt's request.
    const own = begun === undefined ? [] : change.properties.map(({ pointer }) => wordOf(pointer));
    const pending = await pendingOf(session, modelOf(change), own);
    if (pending === undefined) return properties;
    throw new ChangeRefusedError(`${nameOf(change)}: ${pending}`, { because: 'busy' });
  }
  const names = change.properties
    .filter(({ pointer, before }) => !hasValue(properties, pointer, before))
    .map(({ pointer }) => wordOf(pointer));
  throw new StalePlanError(`${nameOf(change)}: someone else has changed ${names.join(', ')}`);
}

/** Creates the error for a failed request. */
function failure(change: PropertiesSet, { code, words }: RequestState): Error {
  const what = `the request to change ${nameOf(change)} ended as ${words}`;
  if (code === 'NotFound') return new StalePlanError(`${nameOf(change)} is gone: nothing was changed`);
  if (BUSY.includes(code)) return new ChangeRefusedError(what, { because: 'busy' });
  return new ChangeRefusedError(what);
}

/** Creates the error for an update that AWS did not accept. */
function refused(change: PropertiesSet, error: unknown): unknown {
  if (isAwsError(error, 'ResourceNotFound')) {
    return new StalePlanError(`${nameOf(change)} is gone: nothing was changed`, { cause: error });
  }
  if (
    isAwsError(
      error,
      'ConcurrentOperation',
      'ConcurrentModification',
      'ResourceConflict',
      'ClientTokenConflict',
    )
  ) {
    const what = `${nameOf(change)} is being changed now: ${error.message}`;
    return new ChangeRefusedError(what, { cause: error, because: 'busy' });
  }
  return error;
}

/** Checks whether the properties have the values of the change. A handler may fail after it has set them. */
async function isMade(session: AwsSession, change: PropertiesSet): Promise<boolean> {
  const properties = await readProperties(session, modelOf(change));
  return properties !== undefined && isAs(properties, change.properties, 'after');
}

/**
 * Finds the client token with which an earlier attempt sent the same request, if its result is unknown. For 36 hours,
 * AWS returns the request that it accepted with this token. If it accepted none, it accepts this one.
 * https://docs.aws.amazon.com/cloudcontrolapi/latest/APIReference/API_UpdateResource.html
 */
function sentBefore(
  { properties }: PropertiesSet,
  patch: readonly PatchOperation[],
  { begun }: Pick<Amid, 'begun'>,
): string | undefined {
  const before = propertiesSetSchema.safeParse(begun).data;
  if (!isDeepStrictEqual([before?.properties, before?.patch], [properties, patch])) return undefined;
  return before?.clientToken;
}

async function apply(
  session: AwsSession,
  change: PropertiesSet,
  note: Note<PropertiesSet>,
  amid: Amid,
): Promise<PropertiesSet> {
  const properties = await look(session, change, amid);
  const patch = change.patch ?? patchOf(properties, change.properties);
  const begun = sentBefore(change, patch, amid);
  const sent: PropertiesSet = { ...change, patch, clientToken: begun ?? randomUUID() };
  await note(sent, false, true);
  let first: RequestState;
  try {
    first = await sendUpdate(session, modelOf(change), patch, sent.clientToken ?? '');
  } catch (error) {
    // A test in the patch may have failed because someone else was faster.
    if (isAwsError(error, 'InvalidRequest')) await look(session, change, amid);
    throw refused(change, error);
  }
  const taken: PropertiesSet = { ...sent, requestToken: first.token };
  note(taken, false);
  const state = await follow(session, first, amid.mayContinue).catch((error: unknown) => {
    if (error instanceof BlockedError && begun !== undefined) amid.cameToNothing?.(); // The request was cancelled.
    throw error;
  });
  // If the resource can't be read now, later jobs determine how the request ended.
  const isWithoutEffect = async (): Promise<boolean> => !(await isMade(session, change).catch(() => true));
  if ((state.is === 'failed' || state.is === 'cancelled') && (await isWithoutEffect())) {
    if (begun !== undefined) amid.cameToNothing?.();
    throw failure(change, state);
  }
  note(taken);
  return taken;
}

/** Determines whether a request is still in progress, or has ended without its intended effect. */
async function effectOf(session: AwsSession, { change }: Made<PropertiesSet>): Promise<Effect | undefined> {
  const { requestToken } = change;
  if (requestToken === undefined) return undefined;
  const state = await requestState(session, requestToken);
  if (state === undefined || state.is === 'done') return undefined;
  if (state.is !== 'under_way' && (await isMade(session, change))) return undefined;
  const words = `the request to change ${nameOf(change)} is ${state.words}`;
  return { state: state.is === 'under_way' ? 'pending' : 'missing', words };
}

/**
 * Sets properties of a resource through Cloud Control. AWS executes the request with the type's handlers and the
 * session's permissions, which may take minutes. Later jobs follow requests that are not complete within seconds.
 */
export const changeKind: ChangeKind<PropertiesSet> = {
  kind: 'cloud-control-properties-set',
  schema: propertiesSetSchema,
  pace: cloudControlWrites,
  describe(change) {
    const { properties, risk } = change;
    const values = properties.map(
      ({ pointer, before, after }) => `${wordOf(pointer)}: ${formatValue(before)} → ${formatValue(after)}`,
    );
    const inexact = inexactOf(properties);
    const notes = [
      ...(risk === '' ? [] : [risk]),
      ...(inexact.length === 0
        ? []
        : [`An undo leaves ${inexact.join(', ')} as it is: it was not set before.`]),
    ];
    return `~ ${values.join(', ')} (${nameOf(change)})${notes.length === 0 ? '' : `: ${notes.join(' ')}`}`;
  },
  toLookAt: ({ resource, requestToken }) =>
    requestToken === undefined ? resource : `${resource}, and Cloud Control's request ${requestToken}`,
  apply,
  async stop(session, change) {
    const { requestToken } = change;
    const before = requestToken === undefined ? undefined : await requestState(session, requestToken);
    if (requestToken === undefined || before?.is !== 'under_way') return 'over';
    const after = await giveUp(session, requestToken);
    if (after?.is === 'under_way') return 'under_way';
    const properties = await readProperties(session, modelOf(change));
    const isUndone = properties !== undefined && isAs(properties, change.properties, 'before');
    return after?.is !== 'done' && isUndone ? 'undone' : 'over';
  },
  async isVisible(session, change) {
    const properties = await readProperties(session, modelOf(change));
    return properties === undefined || !isAs(properties, change.properties, 'before');
  },
  takesLong: true,
  effects: (session, made) => Promise.all(made.map((each) => effectOf(session, each))),
  async find(session, planned) {
    return (await isMade(session, planned)) ? planned : undefined;
  },
  /** Describes the differences from the applied change. @throws ChangeRefusedError if the request failed */
  async differs(session, change) {
    const properties = await readProperties(session, modelOf(change));
    if (properties === undefined) return 'it is gone';
    if (isAs(properties, change.properties, 'after')) return undefined;
    const failed = await failedState(session, change);
    if (failed !== undefined) {
      throw new ChangeRefusedError(`the request to change ${nameOf(change)} ended as ${failed.words}`);
    }
    const others = change.properties.filter(({ pointer, after }) => !hasValue(properties, pointer, after));
    return `its ${others.map(({ pointer }) => `${wordOf(pointer)} is ${formatValue(valueAt(properties, pointer))}`).join(', ')}`;
  },
  notRestored({ properties }) {
    const kept = inexactOf(properties);
    return kept.length === 0 ? undefined : `${kept.join(', ')} is left as it is: it was not set before`;
  },
  inverse({ kind, resource, type, properties }) {
    const back = properties.flatMap(({ pointer, before, after, otherwise }): PropertyChange[] => {
      const value = before === undefined ? otherwise : before;
      return value === undefined ? [] : [{ pointer, before: after, after: value }];
    });
    return back.length === 0 ? undefined : { kind, resource, type, properties: back, risk: '' };
  },
};
