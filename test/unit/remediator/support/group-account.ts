import type { Job } from '../../../../lambdas/model/job.ts';
import { AwsModel } from '../../../lab/aws-model/model.ts';
import { type ModelCall, modelSession } from '../../../lab/aws-model/session.ts';
import {
  EMPTY_STATE,
  type GroupRule,
  type SecurityGroup,
  type Tags,
  withEntry,
} from '../../../lab/aws-model/state.ts';
import { ACCOUNT, REGION, RemediatorInMemory, regionalJobOf, settingsOf } from './remediator-in-memory.ts';

export const SSH = 'security-group-ssh-open';
export const RDP = 'security-group-rdp-open';

/** A rule that is open to the world. */
export function openRule(id: string, fromPort: number, toPort: number): GroupRule {
  return { id, protocol: 'tcp', fromPort, toPort, source: '0.0.0.0/0', description: '', tags: {} };
}

/** Security groups behind the SDK's clients, with a remediator for them. Someone may act before each call. */
export class GroupAccount {
  readonly remediator = new RemediatorInMemory();
  readonly calls: ModelCall[] = [];
  /** Runs before a call, and may throw instead of the call. */
  before: (call: ModelCall) => void = () => {};
  /** Runs after a call that took effect, before the remediator gets the answer. */
  after: (call: ModelCall) => void = () => {};
  /** Checks whether a read returns the first state instead of the current one. */
  lags: (call: ModelCall) => boolean = () => false;
  readonly #model: AwsModel;

  constructor(groups: Readonly<Record<string, readonly GroupRule[]>>) {
    const standing = Object.fromEntries(Object.entries(groups).map(([id, rules]) => [id, groupOf(rules)]));
    const vpcs = { 'vpc-0123abcd': { cidrs: ['10.0.0.0/16'], ipv6Cidrs: [] } };
    this.#model = new AwsModel(
      ACCOUNT,
      { ...EMPTY_STATE, groups: standing, vpcs },
      () => this.remediator.now,
    );
    this.remediator.settings = settingsOf({ rule: SSH });
    this.remediator.openSession = ({ maker }, now, life) =>
      modelSession({ account: ACCOUNT, region: REGION, maker }, now, (call) =>
        life.step(() => this.#answer(call)),
      );
  }

  /** A job of a rule for these groups. */
  job(rule: string, ...groups: readonly string[]): Job {
    this.remediator.settings = settingsOf({ rule });
    return regionalJobOf(rule, groups);
  }

  group(id: string): SecurityGroup | undefined {
    return this.#model.state.groups[id];
  }

  /** The traffic of the rules, sorted: `tcp 20-21`. */
  ports(id: string): string[] {
    const rules = this.group(id)?.rules ?? [];
    return rules.map(({ protocol, fromPort, toPort }) => `${protocol} ${fromPort}-${toPort}`).sort();
  }

  setRules(id: string, rules: readonly GroupRule[]): void {
    const group = this.group(id);
    if (group !== undefined) this.#set(id, { ...group, rules });
  }

  tag(id: string, tags: Tags): void {
    const group = this.group(id);
    if (group !== undefined) this.#set(id, { ...group, tags });
  }

  remove(id: string): void {
    this.#set(id, undefined);
  }

  /** The calls that should change something. */
  get writes(): string[] {
    return this.calls.map(({ operation }) => operation).filter((operation) => this.#model.isWrite(operation));
  }

  #set(id: string, group: SecurityGroup | undefined): void {
    const { state } = this.#model;
    this.#model.set({ ...state, groups: withEntry(state.groups, id, group) });
  }

  #answer(call: ModelCall): object {
    this.before(call);
    this.calls.push(call);
    const isWrite = this.#model.isWrite(call.operation);
    const [first] = this.#model.versions;
    const state = !isWrite && first !== undefined && this.lags(call) ? first.state : this.#model.state;
    const { output, next } = this.#model.answer(call.operation, call.input, state, call.region);
    if (next !== undefined) this.#model.set(next);
    this.after(call);
    return output;
  }
}

function groupOf(rules: readonly GroupRule[]): SecurityGroup {
  return { owner: ACCOUNT, vpc: 'vpc-0123abcd', tags: {}, quota: 60, rules };
}
