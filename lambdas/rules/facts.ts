import type { z } from 'zod';
import type { Permission } from './permission.ts';
import type { Runbook } from './runbook.ts';

export interface Permissions {
  /** Calls of `inspect`. All that a dry run is given. */
  readonly read: readonly Permission[];
  /** Calls that apply a plan. */
  readonly write: readonly Permission[];
  /** Calls that apply the inverses. */
  readonly undo: readonly Permission[];
}

/** The texts about a rule in `docs/rules.md`, in addition to its data: whole sentences, Markdown without line breaks. */
export interface RuleDocumentation {
  /** The benchmark's control that the rule stands for. */
  readonly control: string;
  readonly finds: string;
  readonly changes: string;
  readonly neverTouches: string;
  readonly undo: string;
  /** AWS's charges for what a fix makes. */
  readonly cost?: string;
}

/**
 * Data about a rule, without its code: all that the collector, Terraform and the documents need. Its names in a source
 * are in `rule-names.ts` of that source. `Options` are the rule's own.
 */
export interface RuleFacts<Options = unknown> {
  readonly id: string;
  readonly title: string;
  readonly legacyId: string;
  /** CloudFormation's name of the type: `AWS::EC2::SecurityGroup`. */
  readonly resourceType: string;
  readonly scope: 'regional' | 'global';
  /**
   * `finding` (default): a finding must name its region. `resource`: the resource itself tells its region, and the
   * finding's is only where the work is queued, so `global` is understood as the home region.
   */
  readonly regionFrom?: 'finding' | 'resource';
  readonly severity: 'low' | 'medium' | 'high' | 'critical';
  /** The form of a resource's id in a finding. Nothing that does not parse reaches an AWS call. */
  readonly resourceId: z.ZodType<string>;
  /** The rule's own options, with defaults: parsing `{}` gives the defaults. */
  readonly options: z.ZodType<Options>;
  readonly permissions: Permissions;
  /** The managed runbook, where AWS has one. */
  readonly runbook?: Runbook;
  readonly documentation: RuleDocumentation;
}

/** Types a rule's facts by the schema of its options. */
export function defineFacts<Options>(facts: RuleFacts<Options>): RuleFacts<Options> {
  return facts;
}
