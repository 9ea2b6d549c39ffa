import type { AccountBuilder } from '../account-builder.ts';
import type { Check } from './check.ts';
import type { NetskopeWords } from './netskope-words.ts';

/** Where a violation is made. */
export interface Site {
  readonly builder: AccountBuilder;
  readonly region: string;
  /** Not used before in this account and region: for what needs a name. */
  readonly name: string;
}

/** A violation that is made so that its remediation and its undo need what others don't. */
export interface Scenario {
  readonly name: string;
  /** Default: the rule's own. */
  readonly options?: Readonly<Record<string, string | boolean | string[]>>;
  /** @returns the new resource's id in a finding */
  make(site: Site): Promise<string>;
}

/**
 * What the laboratory knows of a rule, by itself: tenant, demo, benchmark, integration tests and permission judge read
 * it here. It shares no code with the product, so that it sees when the product does the wrong thing.
 */
export interface LabRule<Code extends string = string> {
  /** The rule's number in the benchmark that it comes from. */
  readonly code: Code;
  /** What Netskope says of it. */
  readonly words: NetskopeWords;
  /** Judges resources by the rule's wording, straight from AWS. Two rules on one kind of resource share it. */
  readonly check: Check;
  /** Set where findings name no region: IAM's. */
  readonly isGlobal?: true;
  /** The options by which every violation below can be remediated. */
  readonly options: Readonly<Record<string, unknown>>;
  /**
   * Makes a plain violation, as often as it is asked. Default: the first scenario's.
   * @returns the new resource's id in a finding
   */
  violate?(site: Site): Promise<string>;
  /** Together they bring every action of the rule's permissions into play. */
  readonly scenarios: readonly [Scenario, ...Scenario[]];
}

/** Keeps the code's literal type. */
export function defineLabRule<const Code extends string>(rule: LabRule<Code>): LabRule<Code> {
  return rule;
}
