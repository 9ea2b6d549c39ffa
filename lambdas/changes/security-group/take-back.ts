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

/** The standing rules that look like parts which the change adds, and are not known to have stood there before. */
function alike(
  { after, pieces, replaces, stood = [] }: RuleShrink,
  standing: readonly ExistingRule[],
): ExistingRule[] {
  const parts = replaces === true ? [after, ...pieces] : pieces;
  return standing.filter((rule) => !stood.includes(rule.id) && parts.some((part) => looksLike(rule, part)));
}

/** Finds what applied changes need: without it, they would have cut more than their plans name. */
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

/** Leaves out rules that were taken back since: what stands in their place is someone else's. */
function withoutTaken(made: readonly ExistingRule[], since: readonly Change[]): ExistingRule[] {
  const taken = since.flatMap((other) => rulesRevokeSchema.safeParse(other).data?.revoked ?? []);
  return made.filter(({ id }) => !taken.some((rule) => rule.id === id));
}

/** Rules that a change may have added whose end is unknown. */
interface Added {
  readonly noted: readonly ExistingRule[];
  /** Rules that stand, and look like its parts. */
  readonly unnoted: readonly ExistingRule[];
  /** Rules that other changes count on. */
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

/** Tells what a read says of the wide rule. @returns undefined if what was added for it has lost its purpose */
function endOf(
  change: RuleShrink,
  standing: readonly ExistingRule[],
  { noted, unnoted }: Added,
  isNoted: boolean,
  { isLagOver, isBegunAnew = false, isBegunBefore = false, isSuperseded = false }: CutOff,
): TakenBack | undefined {
  const wide = standing.find(({ id }) => id === change.before.id);
  const isShrunk = wide !== undefined && ruleKey(wide) === ruleKey(change.after);
  // A later attempt may have made it so, and count on what this one added.
  if (!isSuperseded && isBegunAnew && isShrunk) return { state: 'unconfirmed' };
  if (isSuperseded || (isNoted && !isClosing(change))) return undefined;
  // A read from before the rule was wide shows it as shrunk, too, or not at all. EC2 gives an id once: what has one of
  // these is later.
  const isLater = noted.some(({ id }) => standing.some((rule) => rule.id === id));
  if (isShrunk) {
    if (!isLagOver && !isLater) return { state: 'pending' };
    // Without them, an earlier attempt may have made it so.
    if (isBegunBefore && !areAllSeen(change, standing)) return { state: 'unconfirmed' };
    const { unconfirmed: _, ...whole } = change;
    const done: RuleShrink = { ...whole, made: [...noted, ...unnoted], shrunk: wide };
    return { state: 'settled', done };
  }
  if (wide === undefined && change.replaces === true) return { state: 'unconfirmed' };
  // It may have been shrunk by a call that the read does not show yet, whatever its owner had made of it before.
  const isSure = isLagOver || (wide === undefined && (isLater || unnoted.length > 0));
  return isSure ? undefined : { state: 'pending' };
}

function areAllSeen({ pieces }: RuleShrink, standing: readonly ExistingRule[]): boolean {
  return pieces.every((piece) => stands(piece, standing));
}

/**
 * Takes back a rule that was to be shrunk. Where it stands as it was to become, its parts have their purpose. Where
 * it stands as it was, is gone or is different, the parts that were added are revoked: by what is noted, otherwise by
 * what they look like. What other changes have made, or rest on, stays.
 *
 * Where AWS did not modify the wide rule, it was to be revoked: then it is unknown who did that.
 */
export async function takeBack(
  session: AwsSession,
  { mayBeMade, ...change }: RuleShrink,
  cutOff: CutOff,
  tookBack: TookBack,
): Promise<TakenBack> {
  const { resource, before, unconfirmed } = change;
  const { isLagOver } = cutOff;
  // Before its first call, it is noted that there may be some.
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
  // What stays is this change's work, too: it did not stand there when it was planned.
  const staying = inPart(unnoted.filter((rule) => stands(rule, needed)));
  try {
    await takeBackRules(session, resource, left, { mayLag: !isLagOver, onRevoked });
  } catch (error) {
    // Reads don't tell yet whether they stand, or nothing may be changed.
    if (error instanceof OutOfTimeError || error instanceof BlockedError) return { state: 'pending' };
    throw error;
  }
  const isSure = isLagOver || areAllSeen(change, standing) || (isNoted && unconfirmed !== 'adding');
  return { state: isSure ? 'settled' : 'pending', ...staying };
}
