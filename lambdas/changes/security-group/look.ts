import type { AwsSession } from '../../aws/session.ts';
import { StalePlanError } from '../../model/errors.ts';
import type { Change } from '../change.ts';
import { olderThanOurs } from '../ours.ts';
import { asSeen, checkRemains } from './as-seen.ts';
import { type ExistingRule, formatRule, type IngressRule } from './ingress-rule.ts';
import { readUntil } from './read.ts';
import type { RuleShrink } from './schemas.ts';
import { showsOurs } from './shows-ours.ts';

/** Error for reads that do not show the rules that were just added with the noted ids. */
export class NotShownError extends StalePlanError {}

/**
 * Reads the group and checks that it matches the plan. A read without the rules that were just added, or with rules that
 * we removed or modified before, is stale and is repeated.
 * @param ours Our other changes to the group in the last minutes.
 * @param parts The parts that must exist by now.
 * @returns the group's rules, and the wide rule among them
 */
export async function look(
  session: AwsSession,
  { resource, before, remains = [], made = [] }: RuleShrink,
  ours: readonly Change[],
  parts: readonly IngressRule[] = [],
): Promise<{ standing: readonly ExistingRule[]; wide: ExistingRule }> {
  const standing = await readUntil(
    session,
    resource,
    (rules) => made.every(({ id }) => rules.some((rule) => rule.id === id)) && showsOurs(rules, ours),
  );
  if (standing === undefined) {
    if (made.length === 0) throw olderThanOurs(resource);
    throw new NotShownError(
      `${resource}: AWS's reads do not show ${made.map(formatRule).join('; ')}, which was just added, or earlier changes`,
    );
  }
  const wide = checkSeen({ resource, before, remains }, standing, ours, parts);
  return { standing, wide };
}

/**
 * Checks that a read of the group matches the plan.
 * @returns the wide rule
 * @throws StalePlanError if the wide rule, or another rule that the plan needs, is gone or different, or the read is
 *   stale
 */
export function checkSeen(
  { resource, before, remains = [] }: Pick<RuleShrink, 'resource' | 'before' | 'remains'>,
  standing: readonly ExistingRule[],
  ours: readonly Change[],
  parts: readonly IngressRule[] = [],
): ExistingRule {
  if (!showsOurs(standing, ours)) throw olderThanOurs(resource);
  const wide = asSeen(resource, before, standing);
  checkRemains(resource, [...remains, ...parts], standing);
  return wide;
}
