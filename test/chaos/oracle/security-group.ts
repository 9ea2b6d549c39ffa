import type { AwsState, GroupRule, RuleContent } from '../../lab/aws-model/state.ts';
import { contentWords } from '../acts.ts';
import type { JobSpec } from '../case.ts';
import { OTHER_PROTOCOLS, pointsOfPort, type Reach, reachOfRule, reachOfRules } from '../traffic.ts';
import { ItemsOracle, type Modified } from './items.ts';
import type { Problem, Write } from './judgement.ts';

interface ClosedPort {
  readonly port: number;
  readonly protocols: readonly string[];
}

const SSH: ClosedPort = { port: 22, protocols: ['tcp'] };
const RDP: ClosedPort = { port: 3389, protocols: ['tcp', 'udp'] };

/** Ports and protocols that each rule closes, as Netskope's rules and docs/rules.md name them. */
const PORTS: Readonly<Record<string, readonly ClosedPort[]>> = {
  'security-group-ssh-open': [SSH],
  'security-group-rdp-open': [RDP],
  'security-group-admin-ports-open': [SSH, RDP],
};

function portsOf({ rule }: JobSpec): readonly ClosedPort[] {
  const ports = PORTS[rule];
  if (ports === undefined) throw new Error(`rule ${rule} has no known port`);
  return ports;
}

/** Tells whether a rule opens one of the job's ports to the whole world. */
function opens({ protocol, fromPort, toPort, source }: RuleContent, job: JobSpec): boolean {
  if (!source.endsWith('/0')) return false;
  if (protocol === '-1') return true;
  return portsOf(job).some(
    ({ port, protocols }) => protocols.includes(protocol) && fromPort <= port && port <= toPort,
  );
}

/** A rule as text that can be compared with records. */
export function ruleText({ protocol, fromPort, toPort, source, description }: RuleContent): string {
  return `${protocol} ${fromPort}-${toPort} ${source} ${JSON.stringify(description)}`;
}

/** Judges changes of security groups. */
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
    let named = portsOf(job).reduce((all, { port, protocols }) => all | pointsOfPort(protocols, port), 0n);
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
