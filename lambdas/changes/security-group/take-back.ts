import type { AwsSession } from '../../aws/session.ts';
import { BlockedError, OutOfTimeError } from '../../model/errors.ts';
import type { Change, CutOff, TakenBack, TookBack } from '../change.ts';
import {
  type ExistingRule,
  formatRule,
  type IngressRule,
  looksLike,
  ruleKey,
  stands,
} from './ingress-rule.ts';
import { readRulesOf } from './read.ts';
import { takeBackRules, withoutRules } from './revoke.ts';
import { isClosing, type RuleShrink, revoked, ruleShrinkSchema, rulesRevokeSchema } from './schemas.ts';

/** Selects the existing rules that look like parts of the change and are not known to have existed before. */
function alike(
  { after, pieces, replaces, stood = [] }: RuleShrink,
  standing: readonly ExistingRule[],
): ExistingRule[] {
  const parts = replaces === true ? [after, ...pieces] : pieces;
  return standing.filter((rule) => !stood.includes(rule.id) && parts.some((part) => looksLike(rule, part)));
}

/**
 * Selects the rules that applied changes need, because without them they would have blocked more traffic than planned.
 */
function neededBy(others: readonly Change[]): {
  readonly made: ExistingRule[];
  readonly rules: IngressRule[];
} {
  const made: ExistingRule[] = [];
  const rules: IngressRule[] = [];
  for (const other of others) {
    const shrunk = ruleShrinkSchema.safeParse(other).data;
    if (shrunk !== undefined) made.push(...(shrunk.made ?? []), ...(shrunk.shrunk ? [shrunk.shrunk] : []));
    if (shrunk !== undefined) rules.push(shrunk.after, ...shrunk.pieces, ...(shrunk.remains ?? []));
    rules.push(...(rulesRevokeSchema.safeParse(other).data?.remains ?? []));
  }
  return { made, rules };
}

/** Filters out rules that have been removed since. Rules that replaced them belong to someone else. */
function withoutTaken(made: readonly ExistingRule[], since: readonly Change[]): ExistingRule[] {
  const taken = since.flatMap((other) => rulesRevokeSchema.safeParse(other).data?.revoked ?? []);
  return made.filter(({ id }) => !taken.some((rule) => rule.id === id));
}

/** Rules that an interrupted change may have added. */
interface Added {
  readonly noted: readonly ExistingRule[];
  /** Existing rules that look like the parts of the change. */
  readonly unnoted: readonly ExistingRule[];
  /** Rules that other changes depend on. */
  readonly needed: readonly IngressRule[];
}

function addedBy(
  change: RuleShrink,
  standing: readonly ExistingRule[],
  isNoted: boolean,
  { others = [], recorded = [], since = [] }: CutOff,
): Added {
  const allNoted = isNoted ? (change.made ?? []) : [];
  const needed = neededBy(others);
  const elsewhere = neededBy(recorded).made;
  const known = new Set([change.before, ...allNoted, ...needed.made, ...elsewhere].map(({ id }) => id));
  const unnoted =
    isNoted && change.unconfirmed !== 'adding' && change.replaces !== true
      ? []
      : alike(change, standing).filter(({ id }) => !known.has(id));
  return { noted: withoutTaken(allNoted, since), unnoted, needed: needed.rules };
}

/** Determines the result from the state of the wide rule. @returns undefined if the added rules are not needed */
function endOf(
  change: RuleShrink,
  standing: readonly ExistingRule[],
  { noted, unnoted }: Added,
  isNoted: boolean,
  { isLagOver, isBegunAnew = false, isBegunBefore = false, isSuperseded = false }: CutOff,
): TakenBack | undefined {
  const wide = standing.find(({ id }) => id === change.before.id);
  const isShrunk = wide !== undefined && ruleKey(wide) === ruleKey(change.after);
  // A later attempt may have shrunk the rule, and may depend on the rules that this attempt added.
  if (!isSuperseded && isBegunAnew && isShrunk) return { state: 'unconfirmed' };
  if (isSuperseded || (isNoted && !isClosing(change))) return undefined;
  // A read that is older than the wide rule also shows it as shrunk, or not at all. EC2 never reuses an id, so a read
  // with one of the noted ids is newer.
  const isLater = noted.some(({ id }) => standing.some((rule) => rule.id === id));
  if (isShrunk) {
    if (!isLagOver && !isLater) return { state: 'pending' };
    // If some parts are missing, an earlier attempt may have shrunk the rule.
    if (isBegunBefore && !areAllSeen(change, standing)) return { state: 'unconfirmed' };
    const { unconfirmed: _, ...whole } = change;
    const done: RuleShrink = { ...whole, made: [...noted, ...unnoted], shrunk: wide };
    return { state: 'settled', done };
  }
  if (wide === undefined && change.replaces === true) return { state: 'unconfirmed' };
  // The read may not show the shrinking yet, even if it shows an earlier change by the owner.
  const isSure = isLagOver || (wide === undefined && (isLater || unnoted.length > 0));
  return isSure ? undefined : { state: 'pending' };
}

function areAllSeen({ pieces }: RuleShrink, standing: readonly ExistingRule[]): boolean {
  return pieces.every((piece) => stands(piece, standing));
}

/**
 * Takes back an interrupted shrinking. If the rule was shrunk as planned, its parts are still needed. If the rule is
 * unchanged, gone, or different, the added parts are revoked: those that are noted and, if calls may not be noted,
 * existing rules that look like the parts. Rules that other changes created or depend on stay.
 *
 * If AWS can't modify the wide rule, the change revokes it instead. It is then unknown who revoked it.
 */
export async function takeBack(
  session: AwsSession,
  { mayBeMade, ...change }: RuleShrink,
  cutOff: CutOff,
  tookBack: TookBack,
): Promise<TakenBack> {
  const { resource, before, unconfirmed } = change;
  const { isLagOver } = cutOff;
  // A change with several calls is noted before its first call, so no call was sent if there is no note.
  if (!cutOff.isNoted && change.pieces.length > 0) return { state: 'settled' };
  const isNoted = cutOff.isNoted && mayBeMade !== true;
  const standing = await readRulesOf(session, resource);
  const added = addedBy(change, standing, isNoted, cutOff);
  const end = endOf(change, standing, added, isNoted, cutOff);
  if (end !== undefined) return end;
  const { noted, unnoted, needed } = added;
  const left = [...noted, ...unnoted].filter((rule) => !stands(rule, needed));
  const { unconfirmed: _, ...rest } = change;
  const inPart = (rules: readonly ExistingRule[]): { made?: RuleShrink } => {
    const found = withoutRules(rules, noted);
    return found.length === 0 ? {} : { made: { ...rest, made: found } };
  };
  const note = `added for ${formatRule(before)}, which was not shrunk`;
  const onRevoked = (rules: readonly ExistingRule[]): void =>
    tookBack({ ...inPart(rules), taken: revoked(resource, rules, note) });
  // Rules that stay were also created by this change, because they did not exist when the change was planned.
  const staying = inPart(unnoted.filter((rule) => stands(rule, needed)));
  try {
    await takeBackRules(session, resource, left, { mayLag: !isLagOver, onRevoked });
  } catch (error) {
    // Reads don't show yet whether the rules exist, or changes are currently blocked.
    if (error instanceof OutOfTimeError || error instanceof BlockedError) return { state: 'pending' };
    throw error;
  }
  const isSure = isLagOver || areAllSeen(change, standing) || (isNoted && unconfirmed !== 'adding');
  return { state: isSure ? 'settled' : 'pending', ...staying };
}
