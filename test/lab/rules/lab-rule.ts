import type { AccountBuilder } from '../accounts/account-builder.ts';
import type { Fault } from '../aws-proxy/index.ts';
import type { Calls } from '../permissions/requirement.ts';
import type { Check } from './check.ts';
import type { NetskopeWords } from './netskope-words.ts';

/** Options of a rule, as Terraform's user writes them. */
export type Options = Readonly<Record<string, string | number | boolean | string[]>>;

/** An example of what a call asks for, which the tests check. */
export type CallExample = readonly [
  name: string,
  parameters: Readonly<Record<string, unknown>>,
  asks: readonly string[],
  headers?: Readonly<Record<string, string>>,
];

/** The place where a violation is made. */
export interface Site {
  readonly builder: AccountBuilder;
  readonly region: string;
  /** A word not used before in this account and region: for what needs a name. */
  readonly name: string;
}

/** A violation that is made so that its remediation and its undo need what others don't. */
export interface Scenario {
  readonly name: string;
  /** Default: the rule's own. */
  readonly options?: Options;
  /** @returns the new resource's id in a finding */
  make(site: Site): Promise<string>;
}

/**
 * The laboratory's own knowledge of a rule: tenant, demo, benchmark, integration tests and permission judge read it
 * here. It shares no code with the product, so that it sees when the product does the wrong thing.
 */
export interface LabRule<Code extends string = string> {
  /** The rule's number in the benchmark that it comes from. */
  readonly code: Code;
  /** Netskope's words for it. */
  readonly words: NetskopeWords;
  /** Netskope's names of it where it has several spellings. Default: the one in `words`. */
  readonly names?: readonly string[];
  /** Resources as findings name them. */
  readonly ids: readonly [string, ...string[]];
  /** Texts that no finding of the rule may name. */
  readonly notIds: readonly string[];
  /** Set where AWS has a runbook that remediates it. */
  readonly hasRunbook?: true;
  /** Judges resources by the rule's wording, straight from AWS. Two rules on one kind of resource share it. */
  readonly check: Check;
  /** Set where findings name no region: IAM's. */
  readonly isGlobal?: true;
  /** AWS's requirements of those who make the rule's calls: `ec2:DescribeVpcs`. Two rules share the same functions. */
  readonly calls: Calls;
  /** Examples of calls that are new with the rule: the test of the map wants one of each call. */
  readonly callExamples?: readonly CallExample[];
  /** The options by which every violation below can be remediated. */
  readonly options: Options;
  /**
   * Makes a plain violation, as often as it is asked. Default: the first scenario's.
   * @returns the new resource's id in a finding
   */
  violate?(site: Site): Promise<string>;
  /**
   * Makes the fault by which the proxy shows a new resource as the rule wants it, where the local AWS can't make it
   * so.
   */
  readonly pretend?: (resource: string) => Fault;
  /** Scenarios, which together bring every action of the rule's permissions into play. */
  readonly scenarios: readonly [Scenario, ...Scenario[]];
}

/** Keeps the code's literal type. */
export function defineLabRule<const Code extends string>(rule: LabRule<Code>): LabRule<Code> {
  return rule;
}
