import type { AwsClientOptions } from '../aws/client-defaults.ts';
import type { Clock } from '../model/clock.ts';
import type { FailingRule } from '../model/failing-rules.ts';
import type { Finding } from '../model/finding.ts';
import type { Json } from '../model/json.ts';
import type { LeftAloneReason } from '../model/poll-summary.ts';

export type { LeftAloneReason } from '../model/poll-summary.ts';

/** A query for the findings that failed a rule at a point in time. */
export interface FindingQuery {
  /** The rule's names in the source, in all spellings. A finding with any of these names matches. */
  readonly ruleNames: readonly string[];
  readonly asOf: Date;
}

/**
 * A failed finding as the source reports it: a resource in an AWS account that violates the rule. Account, region and
 * resource are unvalidated text from the source.
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
  /** The region as the source names it: a label, a code, or `global`. Undefined if the finding has none. */
  readonly region?: string | undefined;
  /**
   * The reason to leave the finding to the source's own remediation, if one is in progress. Nothing else may change the
   * resource then.
   */
  readonly remediationAtWork?: string | undefined;
}

/** An item of the source's answer that could not be parsed. */
export interface RejectedItem {
  readonly reason: string;
  /** The item, truncated if it is long. */
  readonly item: Json;
}

/** A page of the answer. Every item is counted in exactly one of `findings`, `rejected`, and `leftAlone`. */
export interface FindingPage {
  readonly findings: readonly SourceFinding[];
  readonly rejected: readonly RejectedItem[];
  readonly leftAlone: Readonly<Record<LeftAloneReason, number>>;
}

/** The options of every source, in addition to its own environment variables. */
export interface SourceContext {
  /** The collector's region. */
  readonly region: string;
  readonly clock: Clock;
  readonly clientOptions: AwsClientOptions;
  /** The number of findings per request. Default: set by the source. */
  readonly pageSize?: number;
}

/** A system that reports failed findings. */
export interface FindingSource {
  /**
   * Reads the findings page by page, so that they need not all be in memory. The same finding may occur more than once.
   * An iteration that ends without an error has returned all findings.
   * @throws FindingSourceError if the source does not answer as documented, after retries
   */
  pages(query: FindingQuery): AsyncIterable<FindingPage>;
  /**
   * Sends a minimal request to check that the source answers and accepts the credentials.
   * @throws FindingSourceError with the reason if it does not
   */
  check(asOf: Date): Promise<void>;
  /**
   * Counts the failed findings in AWS by rule, including rules that nothing here covers.
   * @throws FindingSourceError if the source does not answer as documented, after retries
   */
  failingRules(asOf: Date, signal: AbortSignal): Promise<readonly FailingRule[]>;
}
