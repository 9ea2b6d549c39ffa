import { ec2Writes } from '../../aws/pace.ts';
import { StalePlanError } from '../../model/errors.ts';
import type { ChangeKind } from '../change.ts';
import { olderThanOurs } from '../ours.ts';
import { asSeen, checkRemains } from './as-seen.ts';
import { standingOf } from './differs.ts';
import { copyableTags, type ExistingRule, formatRule, ruleKey } from './ingress-rule.ts';
import { readRulesOf, readUntil } from './read.ts';
import { revokeRules } from './revoke.ts';
import {
  rulesRevokeSchema,
  type SecurityGroupRulesAuthorize,
  type SecurityGroupRulesRevoke,
} from './schemas.ts';
import { showsOurs } from './shows-ours.ts';

/**
 * Removes inbound rules from a security group by protocol, ports, and source, which are unique within a group. A rule
 * that its owner has changed since it was read stays.
 */
export const changeKind: ChangeKind<SecurityGroupRulesRevoke> = {
  kind: 'security-group-rules-revoke',
  schema: rulesRevokeSchema,
  pace: ec2Writes,
  describe({ rules, note }) {
    return `- ingress ${rules.map(formatRule).join('; ')}${note === undefined ? '' : `: ${note}`}`;
  },
  async apply(session, change, note, { ours }) {
    const { resource, rules, remains } = change;
    if (remains !== undefined) {
      const standing = await readUntil(session, resource, (read) => showsOurs(read, ours));
      if (standing === undefined) throw olderThanOurs(resource);
      for (const rule of rules) asSeen(resource, rule, standing);
      checkRemains(resource, remains, standing);
    }
    const soFar: ExistingRule[] = [];
    const revoked = await revokeRules(session, resource, rules, {
      onRevoked(removed) {
        soFar.push(...removed);
        note({ ...change, revoked: [...soFar] });
      },
    });
    // Someone else removed the rules between the read and the call.
    if (remains !== undefined && revoked.length === 0) {
      throw new StalePlanError(
        `${resource}: rule ${rules.map(formatRule).join('; ')} was removed after it was read`,
      );
    }
    return { ...change, revoked };
  },
  /** Checks whether reads show the change. Stale reads still show revoked rules. */
  async isVisible(session, { resource, revoked = [] }) {
    const ids = new Set((await readRulesOf(session, resource)).map(({ id }) => id));
    return !revoked.some(({ id }) => ids.has(id));
  },
  /** Finds the rules that are gone. AWS does not show who removed them. */
  async find(session, planned) {
    const ids = new Set((await readRulesOf(session, planned.resource)).map(({ id }) => id));
    const revoked = planned.rules.filter(({ id }) => !ids.has(id));
    return revoked.length === 0 ? undefined : { ...planned, revoked };
  },
  async differs(session, { resource, rules, revoked = rules }) {
    return standingOf(revoked, await readRulesOf(session, resource));
  },
  notRestored: ({ resource, remains, revoked = [] }) =>
    remains === undefined || revoked.length === 0
      ? undefined
      : `rules of ${resource} are recreated under new ids: ${revoked.map(formatRule).join('; ')}`,
  /** True for changes that are not from a plan: only plans set `remains`. */
  takesBack: ({ remains }) => remains === undefined,
  removes: ({ revoked = [] }) => revoked.map(ruleKey),
  restsOn: ({ remains = [] }) => remains.map(ruleKey),
  /**
   * Restores the removed rules with their descriptions and tags. AWS gives them new ids. If the change was interrupted
   * before its result was recorded, all rules are restored. Those that still exist remain unchanged.
   */
  inverse({ resource, rules, revoked = rules }): SecurityGroupRulesAuthorize | undefined {
    if (revoked.length === 0) return undefined;
    return {
      kind: 'security-group-rules-authorize',
      resource,
      rules: revoked.map(({ id: _, ...rule }) => ({ ...rule, tags: copyableTags(rule.tags) })),
    };
  },
};
