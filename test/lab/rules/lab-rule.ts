import type { AccountBuilder } from '../accounts/account-builder.ts';
import type { Fault } from '../aws-proxy/index.ts';
import type { Calls } from '../permissions/requirement.ts';
import type { Check } from './check.ts';
import type { NetskopeWords } from './netskope-words.ts';

/** Options of a rule, as a user of the module writes them. */
export type Options = Readonly<Record<string, string | number | boolean | string[]>>;

/** An example of a call's requirements, which the tests check. */
export type CallExample = readonly [
  name: string,
  parameters: Readonly<Record<string, unknown>>,
  asks: readonly string[],
  headers?: Readonly<Record<string, string>>,
];

/** The place for a new violation. */
export interface Site {
  readonly builder: AccountBuilder;
  readonly region: string;
  /** A name that was not used before in this account and region. */
  readonly name: string;
}

/** A violation whose remediation and undo need permissions that others do not. */
export interface Scenario {
  readonly name: string;
  /** Default: the rule's own. */
  readonly options?: Options;
  /** @returns the new resource's id in a finding */
  make(site: Site): Promise<string>;
}

/**
 * The lab's own knowledge of a rule, which the tenant, demo, benchmark, integration tests and permission judge use. It
 * shares no code with the product, so that it notices the product's mistakes.
 */
export interface LabRule<Code extends string = string> {
  /** The rule's number in its benchmark. */
  readonly code: Code;
  /** Netskope's texts for it. */
  readonly words: NetskopeWords;
  /** Netskope's names for it, if there are several spellings. Default: the one in `words`. */
  readonly names?: readonly string[];
  /** Resources as findings name them. */
  readonly ids: readonly [string, ...string[]];
  /** Ids that no finding of the rule may have. */
  readonly notIds: readonly string[];
  /** Set if AWS has a runbook that remediates it. */
  readonly hasRunbook?: true;
  /** Judges resources by the rule's wording, directly from AWS. Two rules on one kind of resource share it. */
  readonly check: Check;
  /** Set if findings have no region: IAM's. */
  readonly isGlobal?: true;
  /** AWS's requirements for the rule's calls: `ec2:DescribeVpcs`. Two rules share the same functions. */
  readonly calls: Calls;
  /** Examples of calls that only this rule makes: the test of the map requires one for each call. */
  readonly callExamples?: readonly CallExample[];
  /** The options with which every violation below can be remediated. */
  readonly options: Options;
  /**
   * Creates a plain violation; can be called repeatedly. Default: the first scenario's.
   * @returns the new resource's id in a finding
   */
  violate?(site: Site): Promise<string>;
  /**
   * The fault by which the proxy shows a new resource as violating, if the local AWS cannot create it
   * so.
   */
  readonly pretend?: (resource: string) => Fault;
  /** Scenarios that together use every action of the rule's permissions. */
  readonly scenarios: readonly [Scenario, ...Scenario[]];
}

/** Keeps the literal type of the code. */
export function defineLabRule<const Code extends string>(rule: LabRule<Code>): LabRule<Code> {
  return rule;
}
