import type { AwsSession } from '../../aws/session.ts';
import { StalePlanError } from '../../model/errors.ts';
import { isExemptByTag } from '../../model/exemption-tag.ts';
import type { Change } from '../change.ts';
import { olderThanOurs } from '../ours.ts';
import { asSeen, checkRemains } from './as-seen.ts';
import { type ExistingRule, formatRule, type IngressRule, looksLike } from './ingress-rule.ts';
import { readTagsOf, readUntil } from './read.ts';
import type { RuleShrink } from './schemas.ts';
import { showsOurs } from './shows-ours.ts';

/** Error for reads that do not show rules that were just added, by their noted ids. */
export class NotShownError extends StalePlanError {}

/**
 * Reads the group, and checks that it matches the plan. A read without the rules that were just added, or with rules as
 * they were before we removed or modified them, is stale, and is repeated.
 * @param ours Our other recent changes to the group.
 * @param parts The parts that must already exist.
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
      `${resource}: AWS's reads do not show ${made.map(formatRule).join('; ')}, which was just added, or do not show earlier changes`,
    );
  }
  const wide = checkSeen({ resource, before, remains }, standing, ours, parts);
  return { standing, wide };
}

/** Time after which a group's tags are read again, because its owner may have exempted it in the meantime. */
const TAGS_FRESH_MILLISECONDS = 2_000;

/**
 * Reads the group again between the calls of a change. Also reads its tags if they may be out of date.
 * @param begunAt The time at which the change began. The tags were read shortly before.
 * @throws StalePlanError if the group no longer matches the plan or has an exemption tag
 */
export async function lookAgain(
  session: AwsSession,
  change: RuleShrink,
  ours: readonly Change[],
  parts: readonly IngressRule[],
  begunAt: Date,
): Promise<{ standing: readonly ExistingRule[]; wide: ExistingRule }> {
  const { resource } = change;
  const isLate = session.now().getTime() - begunAt.getTime() > TAGS_FRESH_MILLISECONDS;
  const [seen, tags] = await Promise.all([
    look(session, change, ours, parts),
    isLate ? readTagsOf(session, resource) : undefined,
  ]);
  if (isExemptByTag(tags, session.now())) {
    throw new StalePlanError(`${resource} has an exemption tag: its wide rule was not changed`);
  }
  return seen;
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

/** Returns the ids of existing rules that look like one of the parts. */
export const idsOfAlike = (parts: readonly IngressRule[], standing: readonly ExistingRule[]): string[] =>
  standing.filter((rule) => parts.some((part) => looksLike(rule, part))).map(({ id }) => id);
