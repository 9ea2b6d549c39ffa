import type { AwsState, GroupRule, RuleContent } from '../../lab/aws-model/state.ts';
import { contentWords } from '../acts.ts';
import type { JobSpec } from '../case.ts';
import {
  describeReach,
  OTHER_PROTOCOLS,
  pointsOfPort,
  type Reach,
  reachOfRule,
  reachOfRules,
} from '../traffic.ts';
import { differences, Effects, type Problem, type ResourceOracle, type Write } from './judgement.ts';

/** What each rule closes: port and protocols, as Netskope's rules and docs/rules.md name them. */
const PORTS: Readonly<Record<string, { readonly port: number; readonly protocols: readonly string[] }>> = {
  'security-group-ssh-open': { port: 22, protocols: ['tcp'] },
  'security-group-rdp-open': { port: 3389, protocols: ['tcp', 'udp'] },
};

function portOf({ rule }: JobSpec): { readonly port: number; readonly protocols: readonly string[] } {
  const port = PORTS[rule];
  if (port === undefined) throw new Error(`no port is known of rule ${rule}`);
  return port;
}

/** Whether a rule opens the job's port to the whole world. */
function opens({ protocol, fromPort, toPort, source }: RuleContent, job: JobSpec): boolean {
  const { port, protocols } = portOf(job);
  if (!source.endsWith('/0')) return false;
  if (protocol === '-1') return true;
  return protocols.includes(protocol) && fromPort <= port && port <= toPort;
}

/** A rule in words that records can be compared by. */
export function ruleText({ protocol, fromPort, toPort, source, description }: RuleContent): string {
  return `${protocol} ${fromPort}-${toPort} ${source} ${JSON.stringify(description)}`;
}

/** Judges what is done to security groups. */
export class SecurityGroupOracle implements ResourceOracle {
  /** Rules that we added and whose wide rule we have not shrunk or revoked yet. */
  readonly #forNow = new Set<string>();
  /** What we added, by id: ours for as long as it says what it said then. */
  readonly #made = new Map<string, string>();
  /** What others gave up when they took away what we had added for now. */
  #renounced: Reach = 0n;
  #effects = new Map<string, Effects>();

  /** What is open by someone's deliberate act, or by ours in place of a rule that we narrowed. */
  #deliberate(rules: readonly GroupRule[]): Reach {
    return reachOfRules(rules.filter(({ id }) => !this.#forNow.has(id)));
  }

  problemsOf({ resource, before, after, job }: Write): Problem[] {
    const problems: Problem[] = [];
    const rules = before.groups[resource]?.rules ?? [];
    const next = after.groups[resource]?.rules ?? [];
    const { removed, modified } = differences(rules, next, ({ id }) => id);
    const { port, protocols } = portOf(job);
    let named = pointsOfPort(protocols, port);
    for (const rule of [...removed, ...modified.map(({ from }) => from)]) {
      if (this.#forNow.has(rule.id) || this.#made.get(rule.id) === ruleText(rule)) continue;
      if (!opens(rule, job)) {
        problems.push(
          `changed ${contentWords(rule)} (${rule.id}), which does not open ${protocols} ${port} to the world`,
        );
      }
      if (rule.protocol !== '-1') continue;
      named |= OTHER_PROTOCOLS;
      if (job.options['all_traffic'] === 'revoke') named |= reachOfRule(rule);
    }
    for (const { from, to } of modified) {
      if (from.description !== to.description) problems.push(`changed the description of ${from.id}`);
    }
    const deliberate = this.#deliberate(rules);
    // Rules that are added are judged when the job is over.
    const opened = modified.reduce((all, { to }) => all | reachOfRule(to), 0n) & ~deliberate;
    if (opened !== 0n) problems.push(`opened ${describeReach(opened)}`);
    const cut = reachOfRules(rules) & ~reachOfRules(next) & deliberate & ~named & ~this.#renounced;
    if (cut !== 0n) problems.push(`cut ${describeReach(cut)}`);
    return problems;
  }

  remember({ resource, before, after }: Write, seen: Write): { opensForNow: boolean } {
    const rules = before.groups[resource]?.rules ?? [];
    const next = after.groups[resource]?.rules ?? [];
    const { added, removed, modified } = differences(rules, next, ({ id }) => id);
    const opensForNow = added.length > 0 && (reachOfRules(next) & ~this.#deliberate(rules)) !== 0n;
    const effects = this.#effectsOn(resource);
    for (const rule of added) {
      this.#forNow.add(rule.id);
      this.#made.set(rule.id, ruleText(rule));
      effects.add(rule.id, null, ruleText(rule));
    }
    for (const rule of removed) effects.add(rule.id, ruleText(rule), null);
    for (const { from, to } of modified) effects.add(from.id, ruleText(from), ruleText(to));
    if (seen.before !== before) {
      // What stood there is not what the look showed, so the record can't say it.
      for (const { id } of [...removed, ...modified.map(({ from }) => from)]) effects.touch(id);
    }
    // What took the place of a rule that we narrowed or revoked stands for good.
    const ended = differences(
      seen.before.groups[resource]?.rules ?? [],
      seen.after.groups[resource]?.rules ?? [],
      ({ id }) => id,
    );
    for (const rule of [...ended.removed, ...ended.modified.map(({ from }) => from)]) {
      if (this.#forNow.delete(rule.id)) continue;
      for (const piece of next) {
        if ((reachOfRule(piece) & ~reachOfRule(rule)) === 0n) this.#forNow.delete(piece.id);
      }
    }
    return { opensForNow };
  }

  takesBack({ resource, before, after }: Write): boolean {
    const [from, to] = [before, after].map((state) => state.groups[resource]?.rules ?? []);
    const { added, removed, modified } = differences(from ?? [], to ?? [], ({ id }) => id);
    return added.length + modified.length === 0 && removed.every(({ id }) => this.#forNow.has(id));
  }

  takesOutOwn({ resource, before, after }: Write): boolean {
    const [from, to] = [before, after].map((state) => state.groups[resource]?.rules ?? []);
    const { added, removed, modified } = differences(from ?? [], to ?? [], ({ id }) => id);
    return (
      added.length + modified.length === 0 &&
      removed.every((rule) => this.#made.get(rule.id) === ruleText(rule))
    );
  }

  acted(resource: string, before: AwsState, after: AwsState): void {
    const { removed, modified } = differences(
      before.groups[resource]?.rules ?? [],
      after.groups[resource]?.rules ?? [],
      ({ id }) => id,
    );
    for (const rule of [...removed, ...modified.map(({ from }) => from)]) {
      // What someone else narrowed or described is theirs now.
      if (this.#forNow.delete(rule.id)) this.#renounced |= reachOfRule(rule);
      this.#effectsOn(resource).touch(rule.id);
    }
  }

  leftBehind(resource: string, state: AwsState): Problem[] {
    const rules = state.groups[resource]?.rules ?? [];
    const deliberate = this.#deliberate(rules);
    const problems: Problem[] = [];
    for (const rule of rules) {
      if (!this.#forNow.delete(rule.id)) continue;
      const open = reachOfRule(rule) & ~deliberate;
      problems.push(
        `left ${contentWords(rule)} (${rule.id}), which it had added for a rule that it did not narrow: ${open === 0n ? 'it opens nothing that is not open besides' : `it opens ${describeReach(open)}`}`,
      );
    }
    return problems;
  }

  violates(resource: string, state: AwsState, job: JobSpec): boolean {
    return (state.groups[resource]?.rules ?? []).some((rule) => opens(rule, job));
  }

  netEffect(resource: string) {
    const effects = this.#effectsOn(resource);
    return new Map([...effects.net].filter(([id]) => !effects.isTouched(id)));
  }

  begin(): void {
    this.#effects = new Map();
    this.#renounced = 0n;
  }

  #effectsOn(resource: string): Effects {
    const effects = this.#effects.get(resource) ?? new Effects();
    this.#effects.set(resource, effects);
    return effects;
  }
}
