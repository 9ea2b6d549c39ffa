import type { AwsClientOptions } from '../aws/client-defaults.ts';
import type { Clock } from '../model/clock.ts';
import type { FailingRule } from '../model/failing-rules.ts';
import type { Finding } from '../model/finding.ts';
import type { Json } from '../model/json.ts';
import type { LeftAloneReason } from '../model/poll-summary.ts';

export type { LeftAloneReason } from '../model/poll-summary.ts';

/** A query for the findings that fail a rule, as they stood at one moment. */
export interface FindingQuery {
  /** The rule's names in the source, every spelling; a finding of any of them counts. */
  readonly ruleNames: readonly string[];
  readonly asOf: Date;
}

/**
 * A failed finding as the source reports it: an AWS account's resource that fails the rule. Account, region and
 * resource are text of the source's own, not yet checked for their form.
 */
export interface SourceFinding
  extends Pick<
    Finding,
    | 'account'
    | 'accountName'
    | 'resource'
    | 'resourceName'
    | 'severity'
    | 'failingSince'
    | 'lastScanTime'
    | 'policies'
    | 'profiles'
    | 'complianceStandards'
    | 'sourceRuleName'
  > {
  /** The region as the source calls it: a label, a code, `global`. Undefined if it names none. */
  readonly region?: string | undefined;
  /** Work of the source itself on the finding at this moment, in words: nobody else should touch it. */
  readonly remediationAtWork?: string | undefined;
}

/** A part of the source's answer that could not be understood. */
export interface RejectedItem {
  readonly reason: string;
  /** The item itself, cut short if it is long. */
  readonly item: Json;
}

/** A part of the answer. Every item is counted in exactly one of `findings`, `rejected`, `leftAlone`. */
export interface FindingPage {
  readonly findings: readonly SourceFinding[];
  readonly rejected: readonly RejectedItem[];
  readonly leftAlone: Readonly<Record<LeftAloneReason, number>>;
}

/** Values that every source is made with, in addition to its own part of the environment. */
export interface SourceContext {
  /** The collector's region. */
  readonly region: string;
  readonly clock: Clock;
  readonly clientOptions: AwsClientOptions;
  /** Findings asked for at once; the source's own default where it is not set. */
  readonly pageSize?: number;
}

/** A system that reports failed findings. */
export interface FindingSource {
  /**
   * The findings, page by page, so that they need not all be held at once. The same finding may come more than once.
   * An iteration that ends without an error has given all of them.
   * @throws FindingSourceError when the source does not answer as it should, after retries
   */
  pages(query: FindingQuery): AsyncIterable<FindingPage>;
  /**
   * Asks for as little as shows that the source answers, and takes the credentials.
   * @throws FindingSourceError that says why it does not
   */
  check(asOf: Date): Promise<void>;
  /**
   * Counts the failed findings of AWS by rule, also of rules that nothing here serves.
   * @throws FindingSourceError when the source does not answer as it should, after retries
   */
  failingRules(asOf: Date, signal: AbortSignal): Promise<readonly FailingRule[]>;
}
