import {
  itemOf,
  makeSecurityGroup,
  makeViolation,
  oldAccessKeys,
  openPort,
  type TestedRule,
} from '../../test/integration/harness/violations.ts';
import { countCalls, type ProxiedCall } from '../../test/lab/aws-proxy/index.ts';
import { labRuleIds } from '../../test/lab/rules/index.ts';
import { labelOfRegion, type TenantItem } from '../../test/lab/tenant/index.ts';
import { type Deployed, makeItems, nextMoment, passTime, REGION } from './deployed.ts';
import { Rounds } from './rounds.ts';

/** The time that a round takes by the functions' clock, regardless of the load of the machine. In AWS, it is 10 to 100 ms. */
export const ROUND_MILLISECONDS = 50;

/** A kind of violation that is measured. */
interface Subject {
  readonly rule: TestedRule;
  make(deployed: Deployed, account: string): Promise<TenantItem>;
}

/** The plain violation of a rule. */
function plain(rule: TestedRule): Subject {
  return { rule, make: ({ endpoint }, account) => makeViolation(endpoint, rule, account, REGION) };
}

/** A security group with one rule that opens one port, which is revoked, or a port range, which is split. */
export const exactPort: Subject = {
  rule: 'security-group-ssh-open',
  async make({ endpoint }, account) {
    const resource_id = await makeSecurityGroup(endpoint, account, openPort(22), { region: REGION });
    const fields = { account_id: account, resource_id, region_name: labelOfRegion(REGION) };
    return itemOf('security-group-ssh-open', fields);
  },
};
const widePorts: Subject = {
  rule: 'security-group-ssh-open',
  async make({ endpoint }, account) {
    const resource_id = await makeSecurityGroup(endpoint, account, undefined, { region: REGION });
    const fields = { account_id: account, resource_id, region_name: labelOfRegion(REGION) };
    return itemOf('security-group-ssh-open', fields);
  },
};

/** Subjects by the suffix of their keys. */
export const enforced: Readonly<Record<string, Subject>> = {
  'security-group': exactPort,
  s3: plain('s3-bucket-public'),
  'access-key': plain('iam-access-key-unrotated'),
  'network-acl': plain('network-acl-subnet-allows-all'),
  'flow-log': plain('vpc-flow-logs-disabled'),
};
/** Subjects whose rounds are only in the details. Trails are changed one per second, and an organization has few of them. */
export const alsoEnforced: Readonly<Record<string, Subject>> = {
  rds: plain('rds-snapshot-public'),
  redshift: plain('redshift-cluster-public'),
  trail: plain('cloudtrail-log-file-validation'),
};
export const counted: Readonly<Record<string, Subject>> = {
  'security-group': exactPort,
  'security-group-split': widePorts,
  redshift: plain('redshift-cluster-public'),
  'network-acl': plain('network-acl-subnet-allows-all'),
  rds: plain('rds-snapshot-public'),
  'access-key': plain('iam-access-key-unrotated'),
  s3: plain('s3-bucket-public'),
};
/** Rules that read many resources with one call. */
export const unchanged: Readonly<Record<string, Subject>> = {
  'security-group': exactPort,
  redshift: plain('redshift-cluster-public'),
};

/** The calls of one or more jobs. */
export interface Calls {
  /** The rounds, each as the number of its calls by operation. */
  readonly rounds: readonly Readonly<Record<string, number>>[];
  /** Calls that change a resource. */
  readonly changes: number;
  /** Calls that read a resource. */
  readonly reads: number;
  /** Calls of the function in its own role: AssumeRole, settings, journal, table, evidence, events. */
  readonly own: number;
  /** The calls by service and operation. */
  readonly operations: Readonly<Record<string, number>>;
  readonly calls: readonly ProxiedCall[];
}

/** Measures jobs in the local AWS, with the SDK's real clients. */
export class Jobs {
  readonly #deployed: Deployed;
  readonly #rounds: Rounds;

  constructor(deployed: Deployed) {
    this.#deployed = deployed;
    this.#rounds = new Rounds(deployed.proxy, () => passTime(ROUND_MILLISECONDS));
  }

  /** The calls of a warm function that remediates a number of findings. */
  async enforce(subject: Subject, findings: number): Promise<Calls> {
    return this.#measure(subject, this.#deployed.account(), findings, 'remediated');
  }

  /** The calls of a warm function that plans for new findings. */
  async look(rule: TestedRule, findings: number): Promise<Calls> {
    return this.#measure(plain(rule), this.#deployed.dryAccount(), findings, 'planned');
  }

  /** The calls for findings that are unchanged since the last poll. */
  async again(subject: Subject, findings: number): Promise<Calls> {
    const account = this.#deployed.dryAccount();
    const items = await makeItems(findings, () => subject.make(this.#deployed, account));
    await this.#poll(subject, items, 'planned');
    return this.#poll(subject, items, 'planned');
  }

  /** Measures the calls of one job of unchanged findings. */
  async steady(findings: number): Promise<Calls> {
    return this.again(exactPort, findings);
  }

  async #measure(subject: Subject, account: string, findings: number, outcome: string): Promise<Calls> {
    // After another job, so that clients exist and code is loaded.
    const warm = await makeItems(1, () => subject.make(this.#deployed, this.#deployed.account()));
    await this.#poll(subject, warm, 'remediated');
    await this.#close(subject);
    const items = await makeItems(findings, () => subject.make(this.#deployed, account));
    return this.#poll(subject, items, outcome);
  }

  /** Closes the findings of the last poll, so that the next one does nothing for them. */
  async #close({ rule }: Subject): Promise<void> {
    this.#deployed.tenant.setFindings([]);
    await this.#deployed.collect(rule, nextMoment());
    await this.#deployed.workOff();
  }

  async #poll({ rule }: Subject, items: readonly TenantItem[], outcome: string): Promise<Calls> {
    const { product, proxy, tenant } = this.#deployed;
    const aging = proxy.inject(oldAccessKeys);
    const asOf = nextMoment();
    tenant.setFindings(items);
    await this.#deployed.collect(rule, asOf);
    // Caches that last for seconds expire.
    passTime(60_000);
    const rounds = await this.#rounds.during(async () => {
      await this.#deployed.workOff();
    });
    const calls = [...proxy.calls];
    aging.remove();
    const outcomes = await product.outcomes(rule, asOf);
    const expected = outcomes.filter((each) => each.outcome === outcome);
    if (expected.length !== items.length) {
      const [other] = outcomes.filter((each) => each.outcome !== outcome);
      throw new Error(
        `${expected.length} of ${items.length} findings of ${rule} are ${outcome}; another: ${other?.outcome} ${other?.reason}`,
      );
    }
    return { rounds, calls, operations: countCalls(calls), ...this.#kindsOf(calls) };
  }

  #kindsOf(calls: readonly ProxiedCall[]): Pick<Calls, 'changes' | 'reads' | 'own'> {
    const target = calls.filter(({ principal }) => principal.assumedBy !== undefined);
    const changes = target.filter(({ isWrite }) => isWrite).length;
    return { changes, reads: target.length - changes, own: calls.length - target.length };
  }
}

export { labRuleIds };
