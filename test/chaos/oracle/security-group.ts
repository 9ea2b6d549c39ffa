import type { AwsState, GroupRule, RuleContent } from '../../lab/aws-model/state.ts';
import { contentWords } from '../acts.ts';
import type { JobSpec } from '../case.ts';
import { OTHER_PROTOCOLS, pointsOfPort, type Reach, reachOfRule, reachOfRules } from '../traffic.ts';
import { ItemsOracle, type Modified } from './items.ts';
import type { Problem, Write } from './judgement.ts';

/** Port and protocols that each rule closes, as Netskope's rules and docs/rules.md name them. */
const PORTS: Readonly<Record<string, { readonly port: number; readonly protocols: readonly string[] }>> = {
  'security-group-ssh-open': { port: 22, protocols: ['tcp'] },
  'security-group-rdp-open': { port: 3389, protocols: ['tcp', 'udp'] },
};

function portOf({ rule }: JobSpec): { readonly port: number; readonly protocols: readonly string[] } {
  const port = PORTS[rule];
  if (port === undefined) throw new Error(`no port is known of rule ${rule}`);
  return port;
}

/** Tells whether a rule opens the job's port to the whole world. */
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
export class SecurityGroupOracle extends ItemsOracle<GroupRule> {
  protected readonly noun = 'rule';

  protected itemsOf(resource: string, state: AwsState): readonly GroupRule[] {
    return state.groups[resource]?.rules ?? [];
  }

  protected keyOf({ id }: GroupRule): string {
    return id;
  }

  protected textOf(rule: GroupRule): string {
    return ruleText(rule);
  }

  protected wordsOf(rule: GroupRule): string {
    return `${contentWords(rule)} (${rule.id})`;
  }

  protected reachOf(rules: readonly GroupRule[]): Reach {
    return reachOfRules(rules);
  }

  protected matchOf(rule: GroupRule): Reach {
    return reachOfRule(rule);
  }

  protected opens(rule: GroupRule, job: JobSpec): boolean {
    return opens(rule, job);
  }

  protected namedBy(rules: readonly GroupRule[], { job }: Write): Reach {
    const { port, protocols } = portOf(job);
    let named = pointsOfPort(protocols, port);
    for (const rule of rules.filter(({ protocol }) => protocol === '-1')) {
      named |= OTHER_PROTOCOLS;
      if (job.options['all_traffic'] === 'revoke') named |= reachOfRule(rule);
    }
    return named;
  }

  protected openedBy(modified: readonly Modified<GroupRule>[]): Reach {
    return modified.reduce((all, { to }) => all | reachOfRule(to), 0n);
  }

  protected override problemsOfModified({ from, to }: Modified<GroupRule>): Problem[] {
    return from.description === to.description ? [] : [`changed the description of ${from.id}`];
  }
}
