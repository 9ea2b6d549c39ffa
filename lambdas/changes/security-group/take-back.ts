import type { AwsSession } from '../../aws/session.ts';
import { HeldError, OutOfTimeError } from '../../model/errors.ts';
import type { Change, CutOff, TakenBack } from '../change.ts';
import {
  type ExistingRule,
  formatRule,
  type IngressRule,
  looksLike,
  ruleKey,
  stands,
} from './ingress-rule.ts';
import { readRulesOf } from './read.ts';
import { takeBackRules } from './revoke.ts';
import {
  isClosing,
  type RuleShrink,
  revocation,
  ruleShrinkSchema,
  rulesRevokeSchema,
  type SecurityGroupRulesRevoke,
} from './schemas.ts';

/** The standing rules that look like parts which the change adds: none stood there when it was planned. */
function alike({ after, pieces, replaces }: RuleShrink, standing: readonly ExistingRule[]): ExistingRule[] {
  const parts = replaces === true ? [after, ...pieces] : pieces;
  return standing.filter((rule) => parts.some((part) => looksLike(rule, part)));
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

/**
 * Takes back a rule that was to be shrunk. Where it stands as it was to become, its parts have their purpose. Where
 * it stands as it was, is gone or is different, the parts that were added are revoked: by what is noted, otherwise by
 * what they look like. What other changes have made, or rest on, stays.
 *
 * Where AWS did not modify the wide rule, it was to be revoked: nobody knows then by whom it was.
 */
export async function takeBack(
  session: AwsSession,
  { mayBeMade, ...change }: RuleShrink,
  {
    isNoted: hasNote,
    isLagOver,
    isBegunAnew = false,
    isBegunBefore = false,
    isSuperseded = false,
    others = [],
    recorded = [],
  }: CutOff,
): Promise<TakenBack> {
  const { resource, before, after, unconfirmed } = change;
  // Before its first call, it is noted that there may be some.
  if (!hasNote && change.pieces.length > 0) return { state: 'settled' };
  const isNoted = hasNote && mayBeMade !== true;
  const standing = await readRulesOf(session, resource);
  const wide = standing.find(({ id }) => id === before.id);
  const noted = isNoted ? (change.made ?? []) : [];
  const needed = neededBy(others);
  const elsewhere = neededBy(recorded).made;
  const known = new Set([before, ...noted, ...needed.made, ...elsewhere].map(({ id }) => id));
  const unnoted =
    isNoted && unconfirmed !== 'adding' && change.replaces !== true
      ? []
      : alike(change, standing).filter(({ id }) => !known.has(id));
  const made = [...noted, ...unnoted];
  const isShrunk = wide !== undefined && ruleKey(wide) === ruleKey(after);
  // A later attempt may have made it so, and count on what this one added.
  if (!isSuperseded && isBegunAnew && isShrunk) return { state: 'unconfirmed' };
  const areAllSeen = change.pieces.every((piece) => stands(piece, standing));
  if (!isSuperseded && (!isNoted || isClosing(change))) {
    if (isShrunk) {
      // Without them, an earlier attempt may have made it so.
      if (isBegunBefore && !areAllSeen) return { state: 'unconfirmed' };
      const { unconfirmed: _, ...whole } = change;
      const done: RuleShrink = { ...whole, made, shrunk: wide };
      return { state: 'settled', done };
    }
    if (wide === undefined && change.replaces === true) return { state: 'unconfirmed' };
    // It may have been shrunk by a call that the read does not show yet, whatever its owner had made of it before.
    if (wide !== undefined && !isLagOver) return { state: 'open' };
  }
  const left = made.filter((rule) => !stands(rule, needed.rules));
  const revoked = await revokeInTime(session, resource, left, !isLagOver);
  if (revoked === undefined) return { state: 'open' };
  const isSure = isLagOver || areAllSeen || (isNoted && unconfirmed !== 'adding');
  const taken: SecurityGroupRulesRevoke = {
    ...revocation(resource, revoked),
    note: `added for ${formatRule(before)}, which was not shrunk`,
    revoked,
  };
  // What stays is this change's work, too: it did not stand there when it was planned.
  const staying = unnoted.filter((rule) => stands(rule, needed.rules));
  const found = [...staying, ...revoked].filter(({ id }) => !noted.some((rule) => rule.id === id));
  const { unconfirmed: _, ...rest } = change;
  const inPart: RuleShrink = { ...rest, made: found };
  return {
    state: isSure ? 'settled' : 'open',
    ...(found.length > 0 && { made: inPart }),
    ...(revoked.length > 0 && { taken }),
  };
}

/** Revokes rules. @returns those that it revoked; undefined where reads don't tell yet whether they stand, or nothing may be changed */
async function revokeInTime(
  session: AwsSession,
  resource: string,
  rules: readonly ExistingRule[],
  mayLag: boolean,
): Promise<ExistingRule[] | undefined> {
  try {
    return await takeBackRules(session, resource, rules, mayLag);
  } catch (error) {
    if (error instanceof OutOfTimeError || error instanceof HeldError) return undefined;
    throw error;
  }
}
