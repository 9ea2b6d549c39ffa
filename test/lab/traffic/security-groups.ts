import type { AwsSession } from '../../../lambdas/aws/session.ts';
import type { Amid, Change } from '../../../lambdas/changes/change.ts';
import { applyChange } from '../../../lambdas/changes/index.ts';
import type { ExistingRule } from '../../../lambdas/changes/security-group/ingress-rule.ts';
import { inProcessAws } from '../aws-model/in-process-aws.ts';
import { calledActions } from '../scripted-aws/called-actions.ts';
import { type Answer, ec2Error, type ReceivedCall } from '../scripted-aws/scripted-aws.ts';
import { answerForSecurityGroups, type ScriptedGroup } from '../scripted-aws/security-groups.ts';

/** One kind of traffic from one source, which a security group allows or not. */
export interface Traffic {
  readonly source: string;
  /** `tcp`, `udp`, `icmp`, `icmpv6`, or a number. */
  readonly protocol: string;
  /** The port; for ICMP the type; -1 if the protocol has neither. */
  readonly port: number;
}

/** Reports whether one rule allows the traffic, as EC2 documents `IpPermission`. */
export function lets(rule: ExistingRule, { source, protocol, port }: Traffic): boolean {
  if (rule.source !== source) return false;
  if (rule.protocol === '-1') return true;
  if (rule.protocol !== protocol) return false;
  if (protocol === 'tcp' || protocol === 'udp') return rule.fromPort <= port && port <= rule.toPort;
  if (protocol === 'icmp' || protocol === 'icmpv6') return rule.fromPort === -1 || rule.fromPort === port;
  return true;
}

/** The fate of a call: `lost` takes effect, `cut` does not, and the caller gets no answer in either case. */
export type Interference = 'lost' | 'cut' | undefined;

/**
 * A security group in memory, behind the real SDK: the product's changes are applied to it call by call, with the
 * behaviour that the EC2 API reference documents.
 */
export class SecurityGroupModel {
  static readonly #models = new Map<string, SecurityGroupModel>();
  static readonly #groups: Record<string, ScriptedGroup> = {};
  static readonly #scripted = answerForSecurityGroups(SecurityGroupModel.#groups);
  static readonly #aws = inProcessAws('111122223333', (call) => SecurityGroupModel.#answer(call));

  readonly id: string;
  readonly #group: ScriptedGroup;
  #calls: string[] = [];
  /** Called before each call, with the operation's name and its number from 0: another actor, or a fault. */
  before: (operation: string, number: number) => Interference = () => undefined;

  /** The code with which EC2 refuses a call, if it does. */
  refuse: (operation: string) => string | undefined = () => undefined;

  constructor(rules: readonly ExistingRule[]) {
    this.id = `sg-${SecurityGroupModel.#models.size.toString(16).padStart(17, '0')}`;
    this.#group = { rules: [...rules] };
    SecurityGroupModel.#models.set(this.id, this);
    SecurityGroupModel.#groups[this.id] = this.#group;
  }

  static #answer(call: ReceivedCall): Answer {
    const id = call.form.get('GroupId') ?? call.form.get('Filter.1.Value.1') ?? '';
    const model = SecurityGroupModel.#models.get(id);
    if (model === undefined) throw new Error(`call for the unknown group ${id}`);
    const [action = ''] = calledActions(call);
    model.#calls.push(action);
    const interference = model.before(action, model.#calls.length - 1);
    if (interference === 'cut') return 'cut';
    const code = model.refuse(action);
    if (code !== undefined) return ec2Error(code);
    const answer = SecurityGroupModel.#scripted(call);
    return interference === 'lost' ? 'cut' : answer;
  }

  get session(): AwsSession {
    return SecurityGroupModel.#aws.session;
  }

  /** The IAM actions of all calls so far, oldest first. */
  get calls(): readonly string[] {
    return this.#calls;
  }

  get rules(): ExistingRule[] {
    return [...this.#group.rules];
  }

  set rules(rules: readonly ExistingRule[]) {
    this.#group.rules = [...rules];
  }

  lets(traffic: Traffic): boolean {
    return this.#group.rules.some((rule) => lets(rule, traffic));
  }

  /** The rules without their ids, sorted: equal for two groups that allow the same traffic with the same labels. */
  get content(): string[] {
    return this.#group.rules
      .map(({ id: _, tags, ...rule }) => JSON.stringify({ ...rule, tags: Object.entries(tags).sort() }))
      .sort();
  }

  /** Applies a change as the remediator does. @param note receives the change as far as it is made */
  apply<C extends Change>(change: C, note?: (soFar: Change) => void, amid?: Partial<Amid>): Promise<Change> {
    return applyChange(this.session, change, note, amid);
  }
}
