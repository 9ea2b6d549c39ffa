import type { z } from 'zod';
import type { Permission } from './permission.ts';
import type { Runbook } from './runbook.ts';

export interface Permissions {
  /** The calls of `inspect`. A dry run's session has only these. */
  readonly read: readonly Permission[];
  /** The calls that apply a plan. */
  readonly write: readonly Permission[];
  /** The calls that apply the inverses. */
  readonly undo: readonly Permission[];
}

/**
 * The texts about a rule in `docs/rules.md`, in addition to its data: complete sentences in Markdown without line
 * breaks.
 */
export interface RuleDocumentation {
  /** The control of the benchmark that the rule implements. */
  readonly control: string;
  readonly finds: string;
  readonly changes: string;
  readonly neverTouches: string;
  readonly undo: string;
  /** AWS's charges for the resources that a fix creates. */
  readonly cost?: string;
}

/**
 * The data of a rule, without its code, for the collector, Terraform and the documentation. Its names in a source are
 * in that source's `rule-names.ts`. `Options` are the rule's options.
 */
export interface RuleFacts<Options = unknown> {
  readonly id: string;
  readonly title: string;
  readonly legacyId: string;
  /** The CloudFormation type name: `AWS::EC2::SecurityGroup`. */
  readonly resourceType: string;
  readonly scope: 'regional' | 'global';
  /**
   * `finding` (default): a finding must have a region. `resource`: the resource itself determines its region, and the
   * finding's region only determines the queue, so that `global` means the home region.
   */
  readonly regionFrom?: 'finding' | 'resource';
  readonly severity: 'low' | 'medium' | 'high' | 'critical';
  /** The schema of a resource id in a finding. An id that does not match never reaches an AWS call. */
  readonly resourceId: z.ZodType<string>;
  /** The schema of the rule's options, with defaults: parsing `{}` returns the defaults. */
  readonly options: z.ZodType<Options>;
  readonly permissions: Permissions;
  /** AWS's managed runbook, if there is one. */
  readonly runbook?: Runbook;
  readonly documentation: RuleDocumentation;
}

/** Returns a rule's facts, typed by the schema of its options. */
export function defineFacts<Options>(facts: RuleFacts<Options>): RuleFacts<Options> {
  return facts;
}
