import type { Change } from '../../lambdas/changes/change.ts';
import type { ExistingRule } from '../../lambdas/changes/security-group/ingress-rule.ts';
import {
  changeKind as authorize,
  type SecurityGroupRulesAuthorize,
} from '../../lambdas/changes/security-group/rules-authorize.ts';
import {
  changeKind as revoke,
  type SecurityGroupRulesRevoke,
} from '../../lambdas/changes/security-group/rules-revoke.ts';

/** One kind of traffic from one source: what a security group lets in, or not. */
export interface Traffic {
  readonly source: string;
  /** `tcp`, `udp`, `icmp`, `icmpv6`, or a number. */
  readonly protocol: string;
  /** The port; for ICMP the type; -1 where the protocol has neither. */
  readonly port: number;
}

/** Whether one rule lets the traffic in, as EC2 documents `IpPermission`. */
export function lets(rule: ExistingRule, { source, protocol, port }: Traffic): boolean {
  if (rule.source !== source) return false;
  if (rule.protocol === '-1') return true;
  if (rule.protocol !== protocol) return false;
  if (protocol === 'tcp' || protocol === 'udp') return rule.fromPort <= port && port <= rule.toPort;
  if (protocol === 'icmp' || protocol === 'icmpv6') return rule.fromPort === -1 || rule.fromPort === port;
  return true;
}

/** A security group in memory: changes do to it what the EC2 API reference says that AWS does. */
export class SecurityGroupModel {
  #rules: readonly ExistingRule[];
  #made = 0;

  constructor(rules: readonly ExistingRule[]) {
    this.#rules = rules;
  }

  get rules(): ExistingRule[] {
    return [...this.#rules];
  }

  lets(traffic: Traffic): boolean {
    return this.#rules.some((rule) => lets(rule, traffic));
  }

  /** The rules without their ids, in an order of their own: two groups that let in the same, equally labelled. */
  get content(): string[] {
    return this.#rules
      .map(({ id: _, tags, ...rule }) => JSON.stringify({ ...rule, tags: Object.entries(tags).sort() }))
      .sort();
  }

  /** Applies a change; gives it back as its kind's `apply` does. */
  apply(change: Change): Change {
    if (change.kind === 'security-group-rules-authorize') {
      const parsed = authorize.schema.parse(change);
      const made: ExistingRule[] = [];
      for (const rule of parsed.rules) {
        const standing = this.#rules.some(
          (other) =>
            other.protocol === rule.protocol &&
            other.fromPort === rule.fromPort &&
            other.toPort === rule.toPort &&
            other.source === rule.source,
        );
        if (standing) continue;
        this.#made += 1;
        made.push({ ...rule, id: `sgr-ffff${this.#made.toString(16).padStart(13, '0')}` });
        this.#rules = [...this.#rules, ...made.slice(-1)];
      }
      const applied: SecurityGroupRulesAuthorize = { ...parsed, made };
      return applied;
    }
    const parsed = revoke.schema.parse(change);
    const ids = new Set(parsed.rules.map((rule) => rule.id));
    const revoked = this.#rules.filter((rule) => ids.has(rule.id));
    this.#rules = this.#rules.filter((rule) => !ids.has(rule.id));
    const applied: SecurityGroupRulesRevoke = { ...parsed, revoked };
    return applied;
  }
}
